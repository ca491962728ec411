//! Plugins written in C with the generated header: a valid one, and faulty ones, which the loader
//! refuses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use keyward_core::{
    Door, EntryId, Error, ErrorKind, Expect, Host, Operation, Put, Query, Registration, Result,
    Role, Storage, Values,
};
use keyward_loader::{load, verify_library};
use keyward_testkit::{Scratch, TestHost};
use xtask::root;

use super::{Backend, Outcome, pin, results};
use crate::helpers::plugin_fixtures::library_in_c;

const SHELF: Backend =
    Backend { role: Role::Storage, name: "shelf", values: |_| Values::new(), host: TestHost::new };

/// Builds one of `tests/fixtures/plugins`.
pub(crate) fn built(scratch: &Scratch, source: &str, flags: &[&str]) -> PathBuf {
    let library = PathBuf::from(scratch.path("plugin.so"));
    library_in_c(&library, source, flags);
    library.canonicalize().unwrap()
}

/// The command that the specification gives.
#[test]
fn the_specification_builds_the_shelf() {
    let page = std::fs::read_to_string(root().join("docs/plugin-abi.md")).unwrap();
    let command = page.lines().find(|line| line.starts_with("gcc ")).unwrap();
    let scratch = Scratch::new();
    let library = scratch.path("libshelf.so");
    let built = Command::new("sh")
        .args(["-c", &command.replace("libshelf.so", &library)])
        .current_dir(root())
        .status();
    assert!(built.unwrap().success());
    loaded(&PathBuf::from(library).canonicalize().unwrap()).unwrap();
}

fn loaded(library: &Path) -> Result<Vec<Registration>> {
    load(verify_library(&pin(library.to_owned()), &[])?)
}

#[test]
fn a_plugin_in_c_keeps_all_promises() {
    let scratch = Scratch::new();
    let all = loaded(&built(&scratch, "shelf.c", &[])).unwrap();
    let [shelf] = &all[..] else { panic!("one") };
    assert_eq!((shelf.door, shelf.package), (Door::Loaded, "shelf"));
    let results = results(SHELF, shelf);
    assert!(results.len() > 30 && !results.values().any(Outcome::is_failure), "{results:#?}");
}

/// The header of version 1.0 is kept unchanged, and a plugin that was built with it still works.
#[test]
fn a_plugin_for_version_1_0_keeps_all_promises() {
    let scratch = Scratch::new();
    let header = format!("-I{}", root().join("tests/vectors/abi/1.0").display());
    let all = loaded(&built(&scratch, "shelf.c", &[&header])).unwrap();
    let [shelf] = &all[..] else { panic!("one") };
    let results = results(SHELF, shelf);
    assert!(!results.values().any(Outcome::is_failure), "{results:#?}");
}

fn spoilt(scratch: &Scratch, how: &str) -> Result<Registration> {
    loaded(&built(scratch, "hostile.c", &[&format!("-DSPOILT={how}")])).map(|mut all| all.remove(0))
}

fn open(registration: &Registration) -> Result<Box<dyn Storage>> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    registration.open(&Values::new(), &host)
}

#[test]
fn an_invalid_table_is_refused() {
    for (how, why) in [
        ("MAGIC", "the plugin's table does not start with the magic number"),
        ("MAJOR", "the plugin is built for version 2.0 of the interface, and this is 1"),
        ("SHORT_ROOT", "one of the plugin's tables is too short"),
        ("NO_TABLE", "the plugin refuses to run"),
        ("NO_BACKENDS", "the plugin's table lacks a pointer"),
        ("HOLE", "the plugin's table lacks a pointer"),
        ("TOO_MANY", "the plugin's table has too many backends"),
        (
            "OTHER_ROLE",
            "the plugin provides no backend in a role that this program knows, or only authenticators and checkers, which are linked or run",
        ),
        ("SHORT_BACKEND", "one of the plugin's tables is too short"),
        ("NO_NAME", "the plugin's backend has a name that is not valid"),
        ("LONG_NAME", "the plugin's backend has a name that is not valid"),
        ("OPTION_NAME", "the plugin's option has a name that is not valid"),
        ("NAME_WITH_CONTROLS", "the plugin's backend has control characters"),
        ("NAME_NOT_TEXT", "the plugin's backend is not text"),
        ("NAME_WITHOUT_END", "the plugin's backend is not text"),
        ("NO_OPEN", "the plugin's backend cannot be opened"),
        ("NO_METHODS", "the plugin's table lacks a pointer"),
        ("SHORT_METHODS", "one of the plugin's tables is too short"),
        ("NO_GET", "the plugin's backend lacks a function"),
        ("OPTION_TYPE", "the plugin has an option of an unknown type"),
        ("NO_OPTIONS", "the plugin's table lacks a pointer"),
        ("SHORT_OPTION", "one of the plugin's tables is too short"),
        ("DEFAULT", "the plugin's option has a default that is not of its type"),
        ("HUGE_OPTION", "one of the plugin's tables has a size that is not valid"),
        ("ODD_OPTION", "one of the plugin's tables has a size that is not valid"),
        ("ODD_OPTIONS", "one of the plugin's tables is not aligned"),
        ("ODD_ROOT", "one of the plugin's tables is not aligned"),
        ("ODD_BACKENDS", "one of the plugin's tables is not aligned"),
        ("ODD_BACKEND", "one of the plugin's tables is not aligned"),
        ("ODD_METHODS", "one of the plugin's tables is not aligned"),
    ] {
        let error = spoilt(&Scratch::new(), how).expect_err(how);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, why), "{how}");
    }
}

#[test]
fn a_plugin_that_provides_a_backend_twice_is_refused() {
    let error = spoilt(&Scratch::new(), "TWICE").unwrap_err();
    let expected = (ErrorKind::Refused, "the plugin provides a backend twice");
    assert_eq!((error.kind(), error.message()), expected);
}

#[test]
fn a_plugin_whose_panics_end_the_program_is_refused() {
    let error = spoilt(&Scratch::new(), "ABORTS").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.advice().unwrap().contains("unwind"), "{error:?}");
}

#[test]
fn a_plugin_that_hangs_is_given_up() {
    let error = spoilt(&Scratch::new(), "HANGS").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.message(), "the plugin was not ready within 10 seconds");
}

#[test]
fn what_cannot_be_opened_is_an_error() {
    for how in ["OPENS_NOTHING", "PERSISTENCE", "BULK", "SWAPS", "EXCLUSION"] {
        open(&spoilt(&Scratch::new(), how).unwrap()).expect_err(how);
    }
}

#[test]
fn an_invalid_answer_is_an_error() {
    let id = EntryId::new("ann", None).unwrap();
    let get = |storage: &dyn Storage| storage.get(&id).map(drop);
    let list = |storage: &dyn Storage| storage.list(&Query::default()).map(drop);
    let get_many = |storage: &dyn Storage| {
        let results = storage.get_many(&[id.clone(), id.clone()])?;
        results.into_iter().try_for_each(|result| result.map(drop))
    };
    let bulk = |storage: &dyn Storage| {
        let put = Operation::Put(&id, b"blob", Put::expecting(Expect::Any));
        storage.abilities().bulk.unwrap().apply(&[put]).map(drop)
    };
    type Ask<'a> = &'a dyn Fn(&dyn Storage) -> Result<(), Error>;
    for (how, ask, kind) in [
        ("LENGTH", &get as Ask<'_>, ErrorKind::Corrupt),
        ("HUGE_LENGTH", &get, ErrorKind::Corrupt),
        ("NO_ANSWER", &get, ErrorKind::Corrupt),
        ("REVISION", &get, ErrorKind::Corrupt),
        ("STATUS", &get, ErrorKind::Other),
        ("NOT_TEXT", &list, ErrorKind::Corrupt),
        ("FLOOD", &list, ErrorKind::Corrupt),
        ("ENTRY_LENGTH", &list, ErrorKind::Corrupt),
        ("NO_RESULT", &get_many, ErrorKind::Corrupt),
        ("RESULT_FLOOD", &get_many, ErrorKind::Corrupt),
        ("RESULT_REVISION", &get_many, ErrorKind::Corrupt),
        ("RESULT_LENGTH", &get_many, ErrorKind::Corrupt),
        ("RESULT_STATUS", &get_many, ErrorKind::Other),
        ("BULK_REVISION", &bulk, ErrorKind::Corrupt),
    ] {
        let storage = open(&spoilt(&Scratch::new(), how).unwrap()).unwrap();
        storage.put(&id, b"blob", &Put::expecting(Expect::Any)).unwrap();
        assert_eq!(ask(&*storage).expect_err(how).kind(), kind, "{how}");
    }
}

#[test]
fn what_was_answered_in_a_failure_goes_back_to_its_maker() {
    let storage = open(&spoilt(&Scratch::new(), "FAILS_WITH_ANSWER").unwrap()).unwrap();
    let id = EntryId::new("ann", None).unwrap();
    assert_eq!(storage.get(&id).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(storage.get(&id).unwrap().blob, b"1");
}

#[test]
fn a_call_that_is_no_look_up_never_returns_not_found() {
    let storage = open(&spoilt(&Scratch::new(), "MISSES").unwrap()).unwrap();
    let id = EntryId::new("ann", None).unwrap();
    let error = storage.put(&id, b"blob", &Put::expecting(Expect::Any)).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unavailable, "put"));
    assert_eq!(storage.get(&id).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_a_failure_says_is_one_harmless_line() {
    let storage = open(&spoilt(&Scratch::new(), "STEERS").unwrap()).unwrap();
    let error = storage.get(&EntryId::new("ann", None).unwrap()).unwrap_err();
    let line = "it's \\u{1b}[2J\\u{202e}\\n  hint: rm";
    assert_eq!(error.to_string(), format!("{line}: {line}: {line}"));
    assert_eq!(error.advice(), Some(line));
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "it's \\u{1b}[2J\\u{202e}");
}

#[test]
fn earlier_and_later_minor_versions_work() {
    for how in ["NOTHING", "FIRST_MINOR", "LATER_MINOR"] {
        let results = results(SHELF, &spoilt(&Scratch::new(), how).unwrap());
        assert!(!results.values().any(Outcome::is_failure), "{how}: {results:#?}");
    }
}

#[test]
fn a_plugin_fills_in_no_more_than_its_host_knows() {
    for how in ["SHORT_ABILITIES", "LONG_ABILITIES"] {
        open(&spoilt(&Scratch::new(), how).unwrap()).expect(how);
    }
}

#[test]
fn a_backend_beside_one_of_a_later_version_works() {
    let scratch = Scratch::new();
    let all = loaded(&built(&scratch, "hostile.c", &["-DSPOILT=BESIDE_OTHER_ROLE"])).unwrap();
    let [shelf] = &all[..] else { panic!("{all:?}") };
    let (storage, id) = (open(shelf).unwrap(), EntryId::new("ann", None).unwrap());
    storage.put(&id, b"blob", &Put::expecting(Expect::Any)).unwrap();
    assert_eq!(storage.get(&id).unwrap().blob, b"blob");
}
