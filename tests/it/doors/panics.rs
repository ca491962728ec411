//! A plugin's panic is an error, and says nothing of what the plugin was working on.

use std::process::Command;
use std::sync::Arc;

use keyward_core::{
    EntryId, ErrorKind, Expect, Factory, Host, Put, Query, Registration, Result, Storage, Value,
    Values,
};
use keyward_loader::{load, verify_library};
use keyward_testkit::TestHost;

use super::pin;
use crate::fixtures::library;

fn panics() -> Registration {
    load(verify_library(&pin(library("panics", &[])), &[]).unwrap()).unwrap()[0]
}

fn open(registration: Registration, values: &Values) -> Result<Box<dyn Storage>> {
    let Factory::Storage(open) = registration.factory else { panic!("it is a storage") };
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    open(values, &host)
}

#[test]
fn a_panic_in_opening_is_an_error() {
    let early = Values::new().with("early", Value::Flag(true));
    let error = open(panics(), &early).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.message().starts_with("the plugin panicked at src/lib.rs:"), "{error}");
    assert!(open(panics(), &Values::new()).is_ok());
}

#[test]
fn an_instance_that_panicked_is_not_used_again() {
    let (registration, id) = (panics(), EntryId::new("ann", None).unwrap());
    let storage = open(registration, &Values::new()).unwrap();
    storage.put(&id, b"", &Put::expecting(Expect::Any)).unwrap();
    let error = storage.get(&id).unwrap_err();
    assert!(error.message().starts_with("the plugin panicked at src/lib.rs:"), "{error}");
    for error in [
        storage.put(&id, b"", &Put::expecting(Expect::Any)).unwrap_err(),
        storage.list(&Query::default()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(error.message(), "it panicked before, and is not used again");
    }
    open(registration, &Values::new()).unwrap().list(&Query::default()).unwrap();
}

#[test]
fn a_panic_prints_nothing() {
    let tests = ["a_panic_in_opening_is_an_error", "an_instance_that_panicked_is_not_used_again"];
    let tests = tests.map(|test| format!("doors::panics::{test}"));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(tests)
        .args(["--exact", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("2 passed"), "{said}");
    assert!(!said.contains("canary") && !said.contains("panicked at"), "{said}");
}

#[test]
fn a_plugin_that_would_abort_is_refused() {
    let aborts = library("panics", &["--config", "profile.dev.panic=\"abort\""]);
    let error = load(verify_library(&pin(aborts), &[]).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.advice().unwrap().contains("unwind"), "{error:?}");
}
