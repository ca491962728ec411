//! A plugin's panic is an error, which contains none of the plugin's data.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Context, Encryption, EntryId, Error, ErrorKind, Expect, Host, LockMode, Put, Query, Record,
    Registration, Result, Role, Secret, Serializer, Storage, StoreId, Value, Values,
};
use keyward_loader::{load, verify_library};
use keyward_testkit::TestHost;

use super::pin;
use crate::helpers::plugin_fixtures::library;

fn panics() -> Registration {
    panics_as(Role::Storage)
}

fn panics_as(role: Role) -> Registration {
    let all = load(verify_library(&pin(library("panics", &[])), &[]).unwrap()).unwrap();
    all.into_iter().find(|it| it.role() == role).unwrap()
}

/// Makes the same call twice. The first call panics.
fn panics_once<T>(mut call: impl FnMut() -> Result<T>) {
    let mut failed = || call().map(drop).unwrap_err();
    let (first, second): (Error, Error) = (failed(), failed());
    assert_eq!([first.kind(), second.kind()], [ErrorKind::Other; 2]);
    assert!(first.message().starts_with("the plugin panicked at src/lib.rs:"), "{first}");
    assert_eq!(second.message(), "it panicked before and cannot be used again");
}

fn open(registration: &Registration, values: &Values) -> Result<Box<dyn Storage>> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    registration.open(values, &host)
}

#[test]
fn a_panic_in_opening_is_an_error() {
    let early = Values::new().with("early", Value::Flag(true));
    let error = open(&panics(), &early).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.message().starts_with("the plugin panicked at src/lib.rs:"), "{error}");
    assert!(open(&panics(), &Values::new()).is_ok());
}

#[test]
fn an_instance_that_panicked_is_not_used_again() {
    let (registration, id) = (panics(), EntryId::new("ann", None).unwrap());
    let storage = open(&registration, &Values::new()).unwrap();
    storage.put(&id, b"", &Put::expecting(Expect::Any)).unwrap();
    let error = storage.get(&id).unwrap_err();
    assert!(error.message().starts_with("the plugin panicked at src/lib.rs:"), "{error}");
    for error in [
        storage.put(&id, b"", &Put::expecting(Expect::Any)).unwrap_err(),
        storage.list(&Query::default()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Other);
        assert_eq!(error.message(), "it panicked before and cannot be used again");
    }
    open(&registration, &Values::new()).unwrap().list(&Query::default()).unwrap();
}

#[test]
fn a_lock_whose_renewal_panics_is_not_renewed_again() {
    let (storage, id) =
        (open(&panics(), &Values::new()).unwrap(), EntryId::new("ann", None).unwrap());
    let locks = storage.abilities().locks.unwrap();
    let mut held = locks.lock(&id, LockMode::Exclusive, Duration::ZERO, Duration::MAX).unwrap();
    panics_once(|| held.renew(Duration::MAX));
    let error = storage.list(&Query::default()).unwrap_err();
    assert_eq!(error.message(), "it panicked before and cannot be used again");
}

#[test]
fn a_panic_in_another_role_is_the_same() {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let serializer = panics_as(Role::Serializer);
    let fresh = || serializer.open::<dyn Serializer>(&Values::new(), &host).unwrap();
    let (encodes, decodes) = (fresh(), fresh());
    panics_once(|| encodes.encode(&Record::new("token")));
    panics_once(|| decodes.decode(b"x"));

    let encryption = panics_as(Role::Encryption);
    let fresh = || encryption.open::<dyn Encryption>(&Values::new(), &host).unwrap();
    let (seals, unseals, entry) = (fresh(), fresh(), EntryId::new("ann", None).unwrap());
    let context = Context::new(StoreId([1; 16]), &entry);
    panics_once(|| seals.seal(&Secret::from("plain"), &context));
    panics_once(|| unseals.unseal(b"x", &context));
}

#[test]
fn a_panic_prints_nothing() {
    let tests = [
        "a_panic_in_opening_is_an_error",
        "an_instance_that_panicked_is_not_used_again",
        "a_lock_whose_renewal_panics_is_not_renewed_again",
        "a_panic_in_another_role_is_the_same",
    ];
    let tests = tests.map(|test| format!("plugins::linkage::panics::{test}"));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(tests)
        .args(["--exact", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("4 passed"), "{said}");
    assert!(!said.contains("canary") && !said.contains("panicked at"), "{said}");
}

#[test]
fn a_plugin_that_would_abort_is_refused() {
    let aborts = library("panics", &["--config", "profile.dev.panic=\"abort\""]);
    let error = load(verify_library(&pin(aborts), &[]).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.advice().unwrap().contains("unwind"), "{error:?}");
}
