//! The example in Python keeps all promises of its roles.

use std::path::Path;
use std::sync::Arc;

use keyward_core::{Door, Registration, Role, SecretRef, Storage, Value, Values};
use keyward_loader::process::{Command, Programs};
use keyward_testkit::{Scratch, TestHost, case_names, run_case};

/// Its backend in a role, and what owns the child.
fn backend(role: Role) -> (Registration, Programs) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/notebook.py");
    let programs = Programs::new();
    let found = programs.run(&Command::new(path.canonicalize().unwrap())).unwrap();
    assert_eq!(found.len(), 2);
    (found.into_iter().find(|backend| backend.role() == role).unwrap(), programs)
}

#[test]
fn its_storage_keeps_all_promises() {
    let (notebook, _programs) = backend(Role::Storage);
    assert_eq!(
        (notebook.info.name, notebook.package, notebook.door),
        ("notebook", "notebook", Door::Run)
    );
    for case in case_names(Role::Storage) {
        let scratch = Scratch::new();
        let values = Values::new().with("path", Value::Text(scratch.path("book/notes.db")));
        println!("{case}");
        run_case(&notebook, case, values, TestHost::new(), scratch).unwrap();
    }
}

#[test]
fn its_key_source_keeps_all_promises() {
    let (notebook, _programs) = backend(Role::Key);
    for case in case_names(Role::Key) {
        let reference = SecretRef { from: "vault".into(), options: Values::new() };
        let values = Values::new().with("secret", Value::Secret(reference));
        let host = TestHost::new().secret("vault", "the other secret");
        println!("{case}");
        run_case(&notebook, case, values, host, Scratch::new()).unwrap();
    }
}

#[test]
fn its_options_are_held_against_its_table() {
    let host: Arc<dyn keyward_core::Host> = Arc::new(TestHost::new());
    let (notebook, _programs) = backend(Role::Storage);
    let error = notebook.open::<dyn Storage>(&Values::new(), &host).unwrap_err();
    assert_eq!(error.message(), "`path` is missing");
}
