//! The adapter for key–value services, on services of different abilities.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod service;
mod vectors;

use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::keyed::Keyed;
use keyward_plugin::{
    Backend, EntryId, ErrorKind, Expect, Host, Level, Put, Query, Storage, Timestamp, Value, Values,
};
use keyward_testkit::{Scratch, TestHost};

use service::{Fault, Map, PLAIN, Place, SHORT_KEYS, UNCONDITIONAL};

/// The options of a service that is only used in this folder.
fn values(scratch: &Scratch) -> Values {
    Values::new().with("place", Value::Text(scratch.path("")))
}

mod plain {
    use super::*;
    keyward_testkit::storage_suite!(Keyed<Map<PLAIN>>, values);
}

mod short_keys {
    use super::*;
    keyward_testkit::storage_suite!(Keyed<Map<SHORT_KEYS>>, values);
}

mod unconditional {
    use super::*;
    keyward_testkit::storage_suite!(Keyed<Map<UNCONDITIONAL>>, values);
}

/// A service, and a storage on it.
struct Fixture<const KIND: u8> {
    host: Arc<TestHost>,
    map: Map<KIND>,
    storage: Keyed<Map<KIND>>,
}

impl<const KIND: u8> Fixture<KIND> {
    fn new() -> Self {
        let scratch = Scratch::new();
        let host = Arc::new(TestHost::new());
        let open = || Place { place: scratch.path("") };
        let as_host: Arc<dyn Host> = Arc::<TestHost>::clone(&host);
        let map = Map::open(open(), &as_host).unwrap();
        let storage = Keyed::open(open(), &as_host).unwrap();
        Self { host, map, storage }
    }
}

fn ann() -> EntryId {
    EntryId::new("ann", Some("work")).unwrap()
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

fn listed(storage: &dyn Storage) -> Vec<EntryId> {
    let page = storage.list(&Query::default()).unwrap();
    assert_eq!(page.next, None);
    page.entries
}

#[test]
fn a_put_whose_answer_is_lost_is_made_once() {
    let Fixture { map, storage, .. } = Fixture::<PLAIN>::new();
    for expect in [Expect::Absent, Expect::Any] {
        map.fail_next(&[Fault::Done]);
        let revision = storage.put(&ann(), b"1", &Put::expecting(expect)).unwrap();
        assert_eq!(storage.get(&ann()).unwrap().revision(), revision);
    }
    let old = storage.get(&ann()).unwrap().revision();
    map.fail_next(&[Fault::Done]);
    let put = Put::expecting(Expect::Revision(old));
    let new = storage.put(&ann(), b"2", &put).unwrap();
    assert_eq!(storage.get(&ann()).unwrap().revision(), new);
    let error = storage.put(&ann(), b"3", &put).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "another put with the same condition");
    map.fail_next(&[Fault::NotDone]);
    storage.put(&ann(), b"4", &any()).unwrap();
    assert_eq!(storage.get(&ann()).unwrap().blob, b"4");
}

#[test]
fn after_two_lost_answers_the_old_or_the_new_blob_is_there() {
    let Fixture { map, storage, .. } = Fixture::<PLAIN>::new();
    storage.put(&ann(), b"old", &any()).unwrap();
    for (faults, blob) in [
        ([Fault::NotDone, Fault::NotDone], b"old"),
        ([Fault::NotDone, Fault::Done], b"new"),
        ([Fault::Done, Fault::Done], b"new"),
    ] {
        map.fail_next(&faults);
        let error = storage.put(&ann(), b"new", &any()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(storage.get(&ann()).unwrap().blob, blob);
    }
}

#[test]
fn a_revision_does_not_return_where_versions_do() {
    let Fixture { map, storage, .. } = Fixture::<UNCONDITIONAL>::new();
    let first = storage.put(&ann(), b"1", &any()).unwrap();
    storage.delete(&ann(), &Expect::Any).unwrap();
    assert_eq!(map.keys().len(), 1, "the key says that the entry was deleted");
    storage.put(&ann(), b"2", &Put::expecting(Expect::Absent)).unwrap();
    storage.destroy().unwrap();
    assert!(map.keys().is_empty());
    storage.put(&ann(), b"3", &any()).unwrap();
    let stale = Put::expecting(Expect::Revision(first));
    assert_eq!(storage.put(&ann(), b"4", &stale).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn an_expired_entry_is_gone_and_not_in_the_way() {
    let Fixture { host, storage, .. } = Fixture::<PLAIN>::new();
    let expiring = any().expiring(Some(host.now().after(Duration::from_secs(60))));
    let other = EntryId::new("ann", None).unwrap();
    let old = storage.put(&ann(), b"1", &expiring).unwrap();
    storage.put(&other, b"1", &expiring).unwrap();
    storage.put(&other, b"2", &any()).unwrap();
    assert_eq!(listed(&storage).len(), 2);

    host.set_now(Timestamp::from_unix(host.now().as_unix() + 60));
    assert!(storage.get(&ann()).unwrap_err().is_miss());
    assert!(storage.delete(&ann(), &Expect::Any).unwrap_err().is_miss());
    assert_eq!(listed(&storage), [other], "a put without a time lifts the earlier one");
    let put = Put::expecting(Expect::Revision(old));
    assert_eq!(storage.put(&ann(), b"3", &put).unwrap_err().kind(), ErrorKind::Conflict);
    storage.put(&ann(), b"3", &Put::expecting(Expect::Absent)).unwrap();
    assert_eq!(storage.get(&ann()).unwrap().blob, b"3");
}

#[test]
fn a_foreign_value_is_corrupt_and_stays() {
    let Fixture { map, storage, host, .. } = Fixture::<PLAIN>::new();
    storage.put(&ann(), b"blob", &any()).unwrap();
    let key = map.keys().remove(0);
    let value = map.value(&key).unwrap();
    let prefix = key.strip_suffix("ann-nwork").unwrap();
    // A value of another program, a valid one under another key, and damaged ones.
    let mut foreign =
        vec![b"hunter2".to_vec(), value.clone(), Vec::new(), [&b"x"[..], &value].concat()];
    foreign.extend((0..value.len() - 4).step_by(7).map(|cut| value[..cut].to_vec()));
    for foreign in &foreign {
        map.set(&format!("{prefix}bob"), foreign);
        let bob = EntryId::new("bob", None).unwrap();
        for error in [
            storage.get(&bob).unwrap_err(),
            storage.delete(&bob, &Expect::Any).unwrap_err(),
            storage.put(&bob, b"x", &Put::expecting(Expect::Absent)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
        let page = storage.list(&Query::default().with_limit(1)).unwrap();
        assert_eq!(page.entries, [ann()]);
        let query = Query::default().with_limit(1).with_cursor(page.next);
        let page = storage.list(&query).unwrap();
        let query = Query::default().with_cursor(page.next);
        assert!(page.entries.is_empty());
        assert_eq!(storage.list(&query).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let other_user = Query::default().with_user(Some("ann"));
    assert_eq!(storage.list(&other_user).unwrap().next, None, "it is not an entry of ann");
    storage.destroy().unwrap();
    assert_eq!(map.keys(), [format!("{prefix}bob")]);
    assert!(matches!(&host.log()[..], [(Level::Warning, said)] if said.contains("1 values")));
}

#[test]
fn a_put_without_a_condition_replaces_a_damaged_value() {
    let Fixture { map, storage, .. } = Fixture::<PLAIN>::new();
    storage.put(&ann(), b"1", &any()).unwrap();
    map.set(&map.keys()[0], b"damaged");
    storage.put(&ann(), b"2", &any()).unwrap();
    assert_eq!(storage.get(&ann()).unwrap().blob, b"2");
}

#[test]
fn a_service_that_lists_forever_is_corrupt() {
    let Fixture { map, storage, .. } = Fixture::<PLAIN>::new();
    storage.put(&ann(), b"1", &any()).unwrap();
    map.fail_next(&[Fault::ListsTheSame]);
    assert_eq!(storage.list(&Query::default()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_list_of_one_user_gets_no_other_values() {
    let Fixture { map, storage, .. } = Fixture::<SHORT_KEYS>::new();
    for user in ["ann", "anna", "an", "bob"] {
        for name in [None, Some("work"), Some("home")] {
            storage.put(&EntryId::new(user, name).unwrap(), b"1", &any()).unwrap();
        }
    }
    let long = EntryId::new("ann", Some(&"w".repeat(80))).unwrap();
    storage.put(&long, b"1", &any()).unwrap();
    let before = map.gets();
    let query = Query::default().with_user(Some("ann")).with_prefix("w");
    assert_eq!(storage.list(&query).unwrap().entries, [long, ann()]);
    assert_eq!(map.gets() - before, 2);
}

#[test]
fn a_prefix_that_leaves_no_room_is_refused() {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let place = Place { place: "p".to_owned() };
    let map = Map::<SHORT_KEYS>::open(place, &host).unwrap().with_long_prefix();
    let error = Keyed::new(map, &host).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.message(), "the prefix of the keys may have at most 22 bytes");
}
