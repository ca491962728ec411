//! The example in Python keeps all promises of its roles.

use std::path::Path;
use std::sync::Arc;

use keyward_core::{Door, Factory, Registration, Role, SecretRef, Value, Values};
use keyward_loader::process::{Command, run};
use keyward_testkit::{Scratch, Subject, TestHost, key, storage};

fn backend(role: Role) -> Registration {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/notebook.py");
    let found = run(&Command::new(path.canonicalize().unwrap())).unwrap();
    assert_eq!(found.len(), 2);
    *found.iter().find(|backend| backend.role() == role).unwrap()
}

#[test]
fn its_storage_keeps_all_promises() {
    let notebook = backend(Role::Storage);
    assert_eq!(
        (notebook.info.name, notebook.package, notebook.door),
        ("notebook", "notebook", Door::Run)
    );
    let Factory::Storage(open) = notebook.factory else { panic!("a storage") };
    for (name, case) in storage::CASES {
        let scratch = Scratch::new();
        let values = Values::new().with("path", Value::Text(scratch.path("book/notes.db")));
        println!("{name}");
        case(&Subject::new(scratch, TestHost::new(), move |host| open(&values, host)));
    }
}

#[test]
fn its_key_source_keeps_all_promises() {
    let Factory::Key(open) = backend(Role::Key).factory else { panic!("a key source") };
    for (name, case) in key::CASES {
        let reference = SecretRef { from: "vault".into(), options: Values::new() };
        let values = Values::new().with("secret", Value::Secret(reference));
        let host = TestHost::new().secret("vault", "the other secret");
        println!("{name}");
        case(&Subject::new(Scratch::new(), host, move |host| open(&values, host)));
    }
}

#[test]
fn its_options_are_held_against_its_table() {
    let Factory::Storage(open) = backend(Role::Storage).factory else { panic!("a storage") };
    let host: Arc<dyn keyward_core::Host> = Arc::new(TestHost::new());
    let error = open(&Values::new(), &host).unwrap_err();
    assert_eq!(error.message(), "`path` is missing");
}
