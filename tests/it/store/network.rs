//! What a store needs of a service in a network: few calls, and no ability that it does not have.

use std::sync::Arc;

use keyward::{Credentials, Keyward, NewStore};
use keyward_core::{
    BulkLimits, Change, ErrorKind, Expect, Host, Persistence, Record, Result, SecretRef, Swaps,
    Values,
};
use keyward_import::accounts::{Found, Place, import};
use keyward_origin::Location;
use keyward_testkit::TestHost;

use crate::helpers::home::Home;
use crate::helpers::remote_storage::Service;

const ENTRIES: usize = 302;

fn service() -> Service {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    Service::new(&host)
}

fn init(keyward: &Keyward, encryption: &str) -> Result<()> {
    let new = NewStore {
        storage: Some("remote".into()),
        encryption: Some(encryption.into()),
        key: (encryption != "clear")
            .then(|| SecretRef { from: "file".into(), options: Values::new() }),
        ..NewStore::named("s")?
    };
    keyward.init_store(&new).map(drop)
}

fn fill(keyward: &Keyward) {
    let store = keyward.store("s").unwrap();
    for number in 0..ENTRIES {
        let id = store.entry(Some("ann"), Some(&format!("entry {number}"))).unwrap();
        store.set_credentials(&id, &Credentials::new("ann", "s3cret")).unwrap();
    }
}

#[test]
fn many_entries_need_few_calls() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    init(&keyward, "aes-gcm").unwrap();
    fill(&keyward);

    let store = keyward.store("s").unwrap();
    service.take_calls();
    assert_eq!(store.verify(None, |_, _| {}).unwrap().good as usize, ENTRIES);
    let calls = service.take_calls();
    assert!(calls.values().sum::<usize>() <= 6, "verify: {calls:?}");

    assert_eq!(store.rotate(|_| {}).unwrap().resealed as usize, ENTRIES);
    let calls = service.take_calls();
    assert!(calls.values().sum::<usize>() <= 48, "rotate: {calls:?}");

    keyward.delete_store("s").unwrap();
    let calls = service.take_calls();
    assert!(calls.values().sum::<usize>() <= 12, "rm: {calls:?}");
}

/// Accounts of 150 origins, two each, as an import finds them.
fn found() -> Vec<Found> {
    let accounts = (0..300).map(|number| {
        let url = format!("https://ann{number}@host{}.example", number / 2);
        let location = Location::parse(&url).unwrap();
        let record = Record::from(&Credentials::new("ann", "s3cret"));
        Found { place: Place::Line(number), credential: Ok((location, record)) }
    });
    accounts.collect()
}

#[test]
fn an_import_that_is_repeated_needs_few_calls() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    init(&keyward, "aes-gcm").unwrap();
    let first = import(&keyward, "s", None, found(), &mut || {}).unwrap();
    assert_eq!((first.imported.len(), first.present.len()), (300, 0));
    service.take_calls();
    let again = import(&keyward, "s", None, found(), &mut || {}).unwrap();
    assert_eq!((again.imported.len(), again.present.len()), (0, 300));
    let calls = service.take_calls();
    assert!(calls.values().sum::<usize>() <= 4, "{calls:?}");
}

#[test]
fn a_process_reads_the_keyset_once() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    init(&keyward, "aes-gcm").unwrap();
    fill(&keyward);
    let store = keyward.store("s").unwrap();
    let id = store.entry(Some("ann"), Some("entry 1")).unwrap();
    store.get(&id).unwrap();
    service.take_calls();
    for _ in 0..10 {
        store.get(&id).unwrap();
    }
    assert_eq!(service.take_calls(), [("get", 10)].into());
    // A change reads it again, because a rotation may have added a key; a look-up does not.
    store.set_credentials(&id, &Credentials::new("ann", "other")).unwrap();
    assert_eq!(service.take_calls(), [("get", 2), ("put", 1)].into());
    store.get(&id).unwrap();
    assert_eq!(service.take_calls(), [("get", 1)].into());
}

#[test]
fn a_new_entry_needs_no_read_of_it() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    init(&keyward, "aes-gcm").unwrap();
    let store = keyward.store("s").unwrap();
    service.take_calls();
    let id = store.entry(Some("ann"), None).unwrap();
    store.put(&id, &Record::new("token"), Expect::Absent).unwrap();
    assert_eq!(service.take_calls(), [("get", 1), ("put", 1)].into());
    let again = store.put(&id, &Record::new("token"), Expect::Absent);
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_bulk_keeps_to_the_limits_of_the_storage() {
    let home = Home::new();
    for limits in [BulkLimits::new(Some(5), None), BulkLimits::new(None, Some(1000))] {
        let (keyward, service) = Service { bulk: Some(limits), ..service() }.start(&home);
        init(&keyward, "aes-gcm").unwrap();
        fill(&keyward);
        service.take_calls();
        let rotated = keyward.store("s").unwrap().rotate(|_| {}).unwrap();
        assert_eq!(rotated.resealed as usize, ENTRIES, "{limits:?}");
        let calls = service.take_calls();
        match limits.operations {
            Some(_) => assert_eq!(calls["apply"], ENTRIES.div_ceil(5), "{calls:?}"),
            None => assert_eq!(calls.get("apply"), None, "{calls:?}"),
        }
        keyward.delete_store("s").unwrap();
    }
}

#[test]
fn a_cache_cannot_hold_the_keys_of_a_store() {
    let home = Home::new();
    let (keyward, _) = Service { persistence: Persistence::Cache, ..service() }.start(&home);
    let refused = init(&keyward, "aes-gcm").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
    assert!(refused.message().contains("may vanish at any time"), "{refused}");
    assert!(keyward.store_names().unwrap().is_empty());
    init(&keyward, "clear").unwrap();
    fill(&keyward);
}

#[test]
fn a_storage_that_checks_no_conditions_can_be_used() {
    for swaps in [Swaps::Puts, Swaps::None] {
        let home = Home::new();
        let (keyward, _) = Service { swaps, bulk: None, ..service() }.start(&home);
        init(&keyward, "aes-gcm").unwrap();
        let store = keyward.store("s").unwrap();
        assert!(store.last_writer_wins());
        let id = store.entry(Some("ann"), None).unwrap();
        store.set_credentials(&id, &Credentials::new("ann", "one")).unwrap();
        store.set_credentials(&id, &Credentials::new("ann", "two")).unwrap();
        let conflict = store.put(&id, &Record::new("token"), Expect::Absent).unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict, "{swaps:?}");
        store.update(&id, |_| Ok(Change::Remove)).unwrap();
        assert!(store.get(&id).unwrap_err().is_miss());

        // Two rotations at the same time could lose a key, and all that was sealed with it.
        let rotated = store.rotate(|_| {});
        match swaps {
            Swaps::None => assert_eq!(rotated.unwrap_err().kind(), ErrorKind::Unsupported),
            _ => drop(rotated.unwrap()),
        }
    }
}
