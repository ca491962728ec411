//! A backend uses a store that its options name, through each door.

use std::sync::Arc;

use keyward::{Keyward, NewStore};
use keyward_core::{
    EntryId, Error, ErrorKind, Host, Key, KeyId, Registration, Registry, Role, SecretRef, Stores,
    Value, Values,
};
use keyward_loader::process::Command;
use keyward_loader::{load, verify_library};
use keyward_testkit::{MemorySource, TestHost};
use keyward_tests::borrowed_backend;

use super::child_process::run_backend;
use super::{Backend, Outcome, library, pin, results};
use crate::helpers::home::Home;

const BORROWED: Backend = Backend {
    role: Role::Key,
    name: "borrowed",
    values: |_| values("vault"),
    host: || TestHost::new().source("vault", Arc::new(MemorySource::default())),
};

fn values(store: &str) -> Values {
    Values::new().with("store", Value::Text(store.into()))
}

fn running() -> Registration {
    let child = Command::new(env!("CARGO_BIN_EXE_child")).argument("borrowed");
    run_backend(BORROWED, &child)
}

fn loaded() -> Registration {
    load(verify_library(&pin(library("borrowed")), &[]).unwrap()).unwrap().remove(0)
}

/// The backend through each door.
fn doors() -> [Registration; 3] {
    [borrowed_backend(), loaded(), running()]
}

#[test]
fn a_key_source_in_a_store_keeps_all_promises_through_each_door() {
    for registration in doors() {
        let results = results(BORROWED, &registration);
        let door = registration.door;
        assert!(!results.values().any(Outcome::is_failure), "{door}: {results:#?}");
    }
}

#[test]
fn a_store_that_no_option_names_is_an_error() {
    for registration in doors() {
        let host: Arc<dyn Host> = Arc::new((BORROWED.host)());
        let source = registration.open::<dyn Key>(&values("other"), &host).unwrap();
        let error = source.load(&KeyId::default(), &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
    }
}

#[test]
fn many_threads_lose_no_change_of_a_record() {
    for registration in doors() {
        let host: Arc<dyn Host> = Arc::new((BORROWED.host)());
        let source = registration.open::<dyn Key>(&values("vault"), &host).unwrap();
        let made = std::thread::scope(|scope| {
            let create = || source.create(&KeyId::default());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
            let ended = threads.into_iter().map(|thread| thread.join().unwrap());
            ended.filter_map(Result::ok).collect::<Vec<_>>()
        });
        assert_eq!(made.len(), 1);
        assert_eq!(source.load(&KeyId::default(), &[]).unwrap().secret, made[0].key);
    }
}

/// The library with this backend besides those that are linked.
fn with(home: &Home, borrowed: Registration) -> Keyward {
    let linked = Registry::linked().unwrap();
    let backends = linked.iter().cloned().chain([borrowed]);
    home.library().with_backends(Registry::new(backends).unwrap())
}

fn store_with_key_in(keyward: &Keyward, name: &str, store: &str) -> Result<(), Error> {
    let key = SecretRef { from: "borrowed".into(), options: values(store) };
    keyward.init_store(&NewStore { key: Some(key), ..NewStore::named(name).unwrap() }).map(drop)
}

fn file_key() -> Option<SecretRef> {
    Some(SecretRef { from: "file".into(), options: Values::new() })
}

#[test]
fn the_key_of_a_store_is_a_record_of_another_store() {
    for registration in doors() {
        let home = Home::in_memory();
        let keyward = with(&home, registration);
        let vault = NewStore { key: file_key(), ..NewStore::named("vault").unwrap() };
        keyward.init_store(&vault).unwrap();
        for name in ["a", "b", "c"] {
            store_with_key_in(&keyward, name, "vault").unwrap();
        }
        let store = keyward.store("a").unwrap();
        let id = store.entry(Some("ann"), None).unwrap();
        store.set_credentials(&id, &keyward_tests::value(7)).unwrap();
        let again = keyward.store("a").unwrap();
        assert_eq!(again.credentials(&id).unwrap(), Some(keyward_tests::value(7)));
        let vault: Arc<dyn Stores> = Arc::new(keyward.clone());
        let listed = vault.open("vault").unwrap().list(&keyward_core::Query::default()).unwrap();
        assert_eq!(listed.entries.len(), 3);
        assert!(listed.entries.iter().all(|id| id.user() == "keys"));
        keyward.delete_store("a").unwrap();
        let listed = vault.open("vault").unwrap().list(&keyward_core::Query::default()).unwrap();
        assert_eq!(listed.entries.len(), 2);
    }
}

#[test]
fn a_list_passes_each_door() {
    for registration in doors() {
        let home = Home::in_memory();
        let keyward = with(&home, borrowed_backend());
        let vault = NewStore { key: file_key(), ..NewStore::named("vault").unwrap() };
        keyward.init_store(&vault).unwrap();
        let vault = Stores::open(&keyward, "vault").unwrap();
        let host: Arc<dyn Host> = Arc::new(TestHost::new().source("vault", vault));
        let source = registration.open::<dyn Key>(&values("vault"), &host).unwrap();
        let names: Vec<_> = (1..=5_u8).map(|byte| KeyId::new(&[byte; 16]).unwrap()).collect();
        for id in &names {
            source.create(id).unwrap();
        }
        let listed = String::from_utf8(source.rewrap(&names[0], b"list").unwrap()).unwrap();
        let mut listed: Vec<_> = listed.lines().collect();
        listed.sort_unstable();
        let expected: Vec<_> = names.iter().map(|id| format!("key {id}")).collect();
        assert_eq!(listed, expected);
    }
}

#[test]
fn a_store_that_needs_itself_is_an_error_at_once() {
    for registration in doors() {
        let home = Home::in_memory();
        let keyward = with(&home, registration);
        let error = store_with_key_in(&keyward, "s", "s").unwrap_err();
        assert!(error.message().contains("a store needs itself: `s` needs `s`"), "{error:?}");

        let third = NewStore { key: file_key(), ..NewStore::named("third").unwrap() };
        keyward.init_store(&third).unwrap();
        store_with_key_in(&keyward, "first", "third").unwrap();
        store_with_key_in(&keyward, "second", "first").unwrap();
        let path = ".config/keyward/stores/first.toml";
        let text = home.read(path);
        home.write(path, text.replace("third", "second"));
        let store = keyward.store("second").unwrap();
        let id = EntryId::new("ann", None).unwrap();
        let error = store.set_credentials(&id, &keyward_tests::value(7)).unwrap_err();
        let why = "a store needs itself: `second` needs `first` needs `second`";
        assert!(format!("{error:?}").contains(why), "{error:?}");
        assert_ne!(error.kind(), ErrorKind::NotFound);
    }
}
