//! Locks of entries when something fails: holders that are killed, locks that end too soon, storages
//! that are damaged or not there, and a rotation that waits.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use keyward::{EntryId, Keyward, OpenStore, within};
use keyward_core::{
    Change, EntryLock, Error, ErrorKind, Exclusion, Expect, Guard, LockMode, Page, Put, Query,
    Record, Result, Revision, Storage, StorageAbilities, Stored, Swaps,
};
use keyward_tests::{count, unlocked};

use super::entry_locks::{LONG, add_one, ann, counting, found, make_store, service, worker};
use crate::helpers::crash_worker::CrashWorker;
use crate::helpers::expiring_locks::{ExpiringLocks, LONGEST};
use crate::helpers::home::{Home, STORAGES};
use crate::helpers::program::keyward;
use crate::helpers::remote_storage::Service;

const SHORT: Duration = Duration::from_millis(50);

fn bob() -> EntryId {
    EntryId::new("bob", None).unwrap()
}

/// A store in files that several processes use, in a storage without locks.
fn in_unlocked(home: &Home) -> Keyward {
    let keyward = home.library().with_backends(unlocked::registry().unwrap());
    make_store(&keyward, "unlocked");
    keyward
}

/// Takes the store's lock in its storage, as a rotation does.
fn lock_out_writers(store: &OpenStore, mode: LockMode, wait: Duration) -> Option<Box<dyn Guard>> {
    let locks = store.storage_abilities().locks.unwrap();
    locks.lock(&EntryId::reserved("store"), mode, wait, LONG).ok()
}

fn is_locked(store: &OpenStore) -> bool {
    match store.lock(&ann(), LockMode::Exclusive, SHORT) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
            true
        }
    }
}

#[test]
fn processes_with_leases_and_a_rotation_lose_nothing_and_end() {
    let home = Home::in_memory();
    let store = in_unlocked(&home).store("store").unwrap();
    let start = |times| {
        let mut worker = worker(&home, &["increment-locked", "store", "ann", times]);
        worker.stdout(Stdio::null()).spawn().unwrap()
    };
    let mut writers = [start("40"), start("40")];
    let mut rounds = 0;
    while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
        store.rotate(|_| {}).unwrap();
        assert_eq!(store.retire().unwrap_err().kind(), ErrorKind::Unsupported);
        rounds += 1;
    }
    assert!(writers.iter_mut().all(|writer| writer.wait().unwrap().success()));
    assert!(rounds > 0);
    assert_eq!(found(&store), 80);
}

#[test]
fn writers_with_locks_that_expire_a_rotation_and_a_retirement_lose_nothing_and_end() {
    for swaps in [Swaps::All, Swaps::Puts, Swaps::None] {
        let home = Home::new();
        let locks = Some(ExpiringLocks::default());
        let (keyward, _) = Service { swaps, locks, ..service() }.start(&home);
        make_store(&keyward, "remote");
        let store = keyward.store("store").unwrap();
        store.set_credentials(&bob(), &count(0)).unwrap();
        scope(|threads| {
            let writer = |id: EntryId| {
                let store = &store;
                move || {
                    for _ in 0..20 {
                        let mut lock = store.lock(&id, LockMode::Exclusive, LONG).unwrap();
                        assert_eq!(lock.exclusion(), Exclusion::Lease);
                        sleep(Duration::from_millis(2));
                        lock.update(&mut add_one).unwrap();
                    }
                }
            };
            let writers = [ann(), ann(), bob(), bob()].map(|id| threads.spawn(writer(id)));
            while writers.iter().any(|writer| !writer.is_finished()) {
                store.rotate(|_| {}).unwrap();
                match store.retire() {
                    Ok(_) => {}
                    // A writer sealed with the old key between the two.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
                }
            }
            writers.into_iter().for_each(|writer| writer.join().unwrap());
        });
        assert_eq!(found(&store), 40, "{swaps:?}");
        assert_eq!(store.credentials(&bob()).unwrap(), Some(count(40)), "{swaps:?}");
    }
}

#[test]
fn the_lease_of_a_killed_holder_ends_after_its_time() {
    let home = Home::in_memory();
    let store = in_unlocked(&home).store("store").unwrap();
    let holder = CrashWorker::start(&mut worker(&home, &["hold", "store", "ann"]));
    holder.kill();
    assert!(is_locked(&store));
    let mut lock = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
    lock.update(&mut add_one).unwrap();
    assert_eq!(found(&store), 1);
}

/// The holder also waits for the lock with another thread, which keeps the child busy.
#[test]
fn the_lock_that_a_child_process_holds_is_free_at_once_when_its_host_is_killed() {
    let home = counting("file");
    let store = home.store("store");
    let child = env!("CARGO_BIN_EXE_child");
    let arguments = ["hold-in-child", child, "store", "ann"];
    let holder = CrashWorker::start(&mut worker(&home, &arguments));
    let started = Instant::now();
    while holder.acknowledged() < Some(5) {
        assert!(started.elapsed() < LONG, "the child does not answer while it waits for a lock");
        sleep(Duration::from_millis(1));
    }
    assert!(is_locked(&store));
    holder.kill();
    let killed = Instant::now();
    drop(store.lock(&ann(), LockMode::Exclusive, LONG).unwrap());
    assert!(killed.elapsed() < LONG / 4, "{:?}", killed.elapsed());
}

#[test]
fn a_change_under_a_lock_does_not_wait_for_a_rotation_that_waits_for_the_lock() {
    for storage in STORAGES {
        let home = counting(storage);
        let store = home.store("store");
        for option in [None, Some("--retire")] {
            let mut lock = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
            let mut rotate = home.command(keyward());
            rotate.args(["store", "rotate", "store"]).args(option).stdout(Stdio::null());
            let mut rotate = rotate.spawn().unwrap();
            // Locks are fair: no other can be taken once the rotation waits.
            while lock_out_writers(&store, LockMode::Shared, Duration::ZERO).is_some() {
                assert_eq!(rotate.try_wait().unwrap(), None, "{storage}: it did not wait");
                sleep(Duration::from_millis(1));
            }
            let started = Instant::now();
            lock.update(&mut add_one).unwrap();
            assert!(started.elapsed() < Duration::from_secs(10), "{storage}");
            assert_eq!(rotate.try_wait().unwrap(), None, "{storage}: it did not wait");
            drop(lock);
            assert!(rotate.wait().unwrap().success(), "{storage}");
        }
        assert_eq!(found(&store), 2, "{storage}");
    }
}

#[test]
fn overlapping_locks_of_entries_do_not_keep_out_a_rotation() {
    let home = counting("file");
    let store = home.store("store");
    store.set_credentials(&bob(), &count(0)).unwrap();
    scope(|threads| {
        let overlap = |first: Duration, id: EntryId| {
            let store = &store;
            move || {
                sleep(first);
                let started = Instant::now();
                while started.elapsed() < Duration::from_secs(4) {
                    let mut lock = store.lock(&id, LockMode::Exclusive, LONG).unwrap();
                    sleep(Duration::from_millis(100));
                    lock.update(&mut add_one).unwrap();
                }
            }
        };
        let writers =
            [threads.spawn(overlap(Duration::ZERO, ann())), threads.spawn(overlap(SHORT, bob()))];
        let mut rotations = 0;
        while writers.iter().any(|writer| !writer.is_finished()) {
            store.rotate(|_| {}).unwrap();
            rotations += 1;
        }
        assert!(rotations > 2, "{rotations}");
    });
}

#[test]
fn the_wait_for_a_lock_includes_that_for_a_rotation() {
    for storage in STORAGES {
        let home = counting(storage);
        let store = home.store("store");
        let rotation = lock_out_writers(&store, LockMode::Exclusive, LONG);
        let started = Instant::now();
        assert!(is_locked(&store), "{storage}");
        assert!(started.elapsed() < Duration::from_secs(10), "{storage}: {:?}", started.elapsed());
        drop(rotation);
        assert!(!is_locked(&store), "{storage}");
    }
}

#[test]
fn a_lock_that_ends_while_its_holder_waits_for_a_rotation_is_not_returned() {
    let home = Home::new();
    let locks = Some(ExpiringLocks::default());
    let (keyward, _) = Service { locks, ..service() }.start(&home);
    make_store(&keyward, "remote");
    let store = keyward.store("store").unwrap();
    let mut rotation = lock_out_writers(&store, LockMode::Exclusive, LONG).unwrap();
    scope(|threads| {
        let waiter = threads.spawn(|| store.lock(&ann(), LockMode::Exclusive, LONG).map(drop));
        let started = Instant::now();
        while started.elapsed() < LONGEST + Duration::from_secs(1) {
            rotation.renew(LONG).unwrap();
            sleep(Duration::from_millis(20));
        }
        drop(rotation);
        assert_eq!(waiter.join().unwrap().unwrap_err().kind(), ErrorKind::Locked);
    });
    assert!(!is_locked(&store));
}

/// Returns the entry and the blob of the lease on `ann`.
fn lease(service: &Service) -> (EntryId, Vec<u8>) {
    let page = service.kept.list(&Query::default()).unwrap();
    let is_lease = |id: &EntryId| id.name().is_some_and(|name| name.starts_with("lease-"));
    let mut leases = page.entries.into_iter().filter(is_lease);
    let id = leases.next().expect("there is a lease");
    assert_eq!(leases.next(), None);
    let blob = service.kept.get(&id).unwrap().blob;
    (id, blob)
}

#[test]
fn a_lease_that_is_damaged_or_of_another_store_or_endless() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    make_store(&keyward, "remote");
    let store = keyward.store("store").unwrap();
    let held = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
    let (id, blob) = lease(&service);
    let put = |blob: &[u8]| {
        service.kept.put(&id, blob, &Put::expecting(Expect::Any)).unwrap();
    };
    let with_end = |end: u64| [&blob[..blob.len() - 8], &end.to_be_bytes()].concat();
    let now = store.now().as_unix();

    for valid in [with_end(now + 60), with_end(now + 3500)] {
        put(&valid);
        assert!(is_locked(&store));
    }
    let damaged =
        [&b""[..], b"x", &blob[..20], &blob[..blob.len() - 1], &[&blob[..], b"x"].concat()];
    let ended = [with_end(0), with_end(now - 1), with_end(now + 3700), with_end(u64::MAX)];
    for free in damaged.into_iter().map(<[u8]>::to_vec).chain(ended) {
        put(&free);
        assert_eq!(store.entries(None).count(), 1);
        assert_eq!(store.verify(None, |_, _| {}).unwrap().corrupt, 0);
        store.rotate(|_| {}).unwrap();
        assert!(store.lock(&ann(), LockMode::Shared, SHORT).is_ok(), "{free:?}");
        assert!(!is_locked(&store), "{free:?}");
    }
    let mut foreign = with_end(now + 60);
    foreign[13] ^= 1;
    put(&foreign);
    let refused = store.lock(&ann(), LockMode::Exclusive, SHORT).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused:?}");
    assert_eq!(service.kept.get(&id).unwrap().blob, foreign);
    drop(held);
    assert_eq!(service.kept.get(&id).unwrap().blob, foreign);
}

#[test]
fn a_change_keeps_the_time_for_which_a_lease_was_renewed() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    make_store(&keyward, "remote");
    let store = keyward.store("store").unwrap();
    let mut held = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
    held.renew(LONG * 10).unwrap();
    held.update(&mut add_one).unwrap();
    let end = *lease(&service).1.last_chunk().unwrap();
    assert!(u64::from_be_bytes(end) > store.now().as_unix() + 500);
}

#[test]
fn a_lease_is_removed_with_its_store() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    make_store(&keyward, "remote");
    let store = keyward.store("store").unwrap();
    let held = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
    // Without a listing of everything, each entry of the store is removed by itself.
    let stranger = EntryId::new("zoe", None).unwrap();
    service.kept.put(&stranger, b"not a record", &Put::expecting(Expect::Any)).unwrap();
    keyward.delete_store("store").unwrap();
    assert_eq!(service.kept.list(&Query::default()).unwrap().entries, [stranger]);
    drop(held);
}

#[test]
fn a_storage_that_is_not_the_stores_gets_no_lease() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    make_store(&keyward, "remote");
    let store = keyward.store("store").unwrap();
    service.kept.destroy().unwrap();
    for mode in [LockMode::Exclusive, LockMode::Shared] {
        let refused = store.lock(&ann(), mode, SHORT).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NoKey, "{refused:?}");
    }
    assert!(service.kept.list(&Query::default()).unwrap().entries.is_empty());
}

#[test]
fn a_lease_is_released_after_the_time_of_the_operation() {
    let home = Home::new();
    let (keyward, _) = service().start(&home);
    make_store(&keyward, "remote");
    let store = keyward.store("store").unwrap();
    within(SHORT, || {
        let _lock = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
        sleep(SHORT * 2);
    });
    assert!(!is_locked(&store));
}

#[test]
fn a_new_record_under_a_lease_is_sealed_with_the_key_of_a_rotation_meanwhile() {
    let home = Home::new();
    let (keyward, service) = service().start(&home);
    make_store(&keyward, "remote");
    let (store, other) = (keyward.store("store").unwrap(), keyward.store("store").unwrap());
    let mut lock = store.lock(&bob(), LockMode::Exclusive, LONG).unwrap();
    // Now it has the keys in memory.
    assert_eq!(found(&store), 0);
    other.rotate(|_| {}).unwrap();
    lock.update(&mut |_| Ok(Change::Put(Box::new(Record::from(&count(1)))))).unwrap();
    assert_eq!(key_id(&service, &bob()), key_id(&service, &ann()));
}

/// Returns everything in an entry's header up to its key's id.
fn key_id(service: &Service, id: &EntryId) -> Vec<u8> {
    let blob = service.kept.get(id).unwrap().blob;
    let mut end = 8 + 16;
    for _ in 0..3 {
        end += 1 + usize::from(blob[end]);
    }
    blob[..end].to_vec()
}

/// A thousand threads of ten processes.
#[test]
fn a_thousand_who_wait_go_on_soon_after_the_holder() {
    for storage in ["file", "unlocked"] {
        let home = Home::in_memory();
        let keyward = home.library().with_backends(unlocked::registry().unwrap());
        make_store(&keyward, storage);
        let store = keyward.store("store").unwrap();
        let lock = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
        let start = |_| {
            let mut worker = worker(&home, &["await", "store", "ann", "100"]);
            let mut child = worker.stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            assert_eq!(lines.next().unwrap().unwrap(), "waiting");
            (child, lines)
        };
        let workers: Vec<_> = (0..10).map(start).collect();
        let started = Instant::now();
        drop(lock);
        for (mut child, mut lines) in workers {
            assert_eq!(lines.next().unwrap().unwrap(), "done");
            assert!(child.wait().unwrap().success());
        }
        let drained = started.elapsed();
        eprintln!("{storage}: a thousand went on within {drained:?}");
        assert!(drained < Duration::from_secs(15), "{storage}: {drained:?}");
    }
}

/// A storage that does these things before it lists.
#[derive(Debug)]
struct Listing {
    kept: Box<dyn Storage>,
    before: Arc<Mutex<Vec<Before>>>,
}

struct Before(Box<dyn FnOnce() -> Result<()> + Send>);

impl fmt::Debug for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Before")
    }
}

impl Storage for Listing {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        self.kept.get(id)
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.kept.put(id, blob, put)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.kept.delete(id, expect)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let before = self.before.lock().unwrap().pop();
        before.map_or(Ok(()), |before| (before.0)())?;
        self.kept.list(query)
    }

    fn destroy(&self) -> Result<()> {
        self.kept.destroy()
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        self.kept.abilities()
    }
}

#[test]
fn a_retirement_that_loses_its_lock_to_a_rotation_deletes_no_key() {
    let home = Home::new();
    let before = Arc::new(Mutex::new(Vec::new()));
    let new = service();
    let kept = Box::new(Listing { kept: new.kept, before: Arc::clone(&before) });
    let locks = Some(ExpiringLocks::default());
    let (keyward, service) = Service { kept, locks, ..new }.start(&home);
    make_store(&keyward, "remote");
    let (store, other) = (keyward.store("store").unwrap(), keyward.store("store").unwrap());
    store.rotate(|_| {}).unwrap();

    // Another process adds a key, and ends before it has resealed an entry.
    let fail = || Err(Error::new(ErrorKind::Unavailable, "list"));
    let rotate = move || {
        service.locks.as_ref().unwrap().end_all();
        other.rotate(|_| {}).unwrap_err();
        Ok(())
    };
    *before.lock().unwrap() = vec![Before(Box::new(fail)), Before(Box::new(rotate))];
    let refused = store.retire().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused:?}");
    assert!(before.lock().unwrap().is_empty());

    assert_eq!(found(&store), 0);
    store.rotate(|_| {}).unwrap();
    assert_eq!(store.retire().unwrap(), 2);
    assert_eq!(found(&keyward.store("store").unwrap()), 0);
}
