//! The lock of an entry: work under it is done by one at a time, even if it is killed, and neither a
//! rotation nor a retirement of keys loses or blocks anything.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use keyward::{EntryId, Keyward, NewStore, OpenStore};
use keyward_core::{
    Change, EntryLock, ErrorKind, Exclusion, Host, LockMode, Record, SecretRef, Source, Swaps,
    Values,
};
use keyward_testkit::TestHost;
use keyward_tests::{count, counted};

use crate::helpers::crash_worker::{CrashWorker, WORKER};
use crate::helpers::home::{Home, STORAGES};
use crate::helpers::program::keyward;
use crate::helpers::remote_storage::Service;

pub(super) const LONG: Duration = Duration::from_secs(60);

pub(super) fn ann() -> EntryId {
    EntryId::new("ann", None).unwrap()
}

/// A home with a store that counts from 0.
pub(super) fn counting(storage: &str) -> Home {
    let home = Home::in_memory();
    home.init("store", storage, "aes-gcm");
    home.store("store").set_credentials(&ann(), &count(0)).unwrap();
    home
}

/// A store in a service that has no locks.
fn remote(home: &Home, swaps: Swaps) -> Keyward {
    let (keyward, _) = Service { swaps, ..service() }.start(home);
    make_store(&keyward, "remote");
    keyward
}

/// A service that checks all conditions and has no locks.
pub(super) fn service() -> Service {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    Service::new(&host)
}

/// Makes a store that counts from 0.
pub(super) fn make_store(keyward: &Keyward, storage: &str) {
    let key = Some(SecretRef { from: "file".into(), options: Values::new() });
    let new = NewStore { storage: Some(storage.into()), key, ..NewStore::named("store").unwrap() };
    keyward.init_store(&new).unwrap();
    keyward.store("store").unwrap().set_credentials(&ann(), &count(0)).unwrap();
}

pub(super) fn found(store: &OpenStore) -> u64 {
    counted(&store.credentials(&ann()).unwrap().unwrap())
}

pub(super) fn add_one(record: Option<Record>) -> keyward_core::Result<Change> {
    let found = counted(&(&record.unwrap()).try_into().unwrap());
    Ok(Change::Put(Box::new(Record::from(&count(found + 1)))))
}

pub(super) fn worker(home: &Home, arguments: &[&str]) -> Command {
    let mut worker = home.command(WORKER);
    worker.args(arguments);
    worker
}

#[test]
fn writers_a_rotation_and_a_retirement_lose_nothing_and_end() {
    for storage in STORAGES {
        let home = counting(storage);
        let start = |arguments: &[&str]| worker(&home, arguments).stdout(Stdio::null()).spawn();
        let mut writers: Vec<Child> = [
            start(&["increment-locked", "store", "ann", "60"]).unwrap(),
            start(&["increment-locked", "store", "ann", "60"]).unwrap(),
        ]
        .into();
        let mut rounds = 0;
        while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
            for option in [None, Some("--retire")] {
                let mut rotate = home.command(keyward());
                rotate.args(["store", "rotate", "store"]).args(option);
                let output = rotate.output().unwrap();
                assert!(output.status.success(), "{storage}: {output:?}");
            }
            rounds += 1;
        }
        for mut writer in writers {
            assert!(writer.wait().unwrap().success(), "{storage}");
        }
        assert!(rounds > 0);
        assert_eq!(found(&home.store("store")), 120, "{storage}");
    }
}

#[test]
fn writers_with_a_lease_and_a_rotation_lose_nothing_and_end() {
    for swaps in [Swaps::All, Swaps::Puts] {
        let home = Home::new();
        let keyward = remote(&home, swaps);
        let (store, stop) = (keyward.store("store").unwrap(), AtomicBool::new(false));
        scope(|threads| {
            let writers: Vec<_> = (0..3)
                .map(|_| {
                    threads.spawn(|| {
                        for _ in 0..20 {
                            let mut lock = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
                            assert_eq!(lock.exclusion(), Exclusion::Lease);
                            lock.update(&mut add_one).unwrap();
                        }
                    })
                })
                .collect();
            let other = threads.spawn(|| {
                for _ in 0..20 {
                    store.update(&ann(), add_one).unwrap();
                }
            });
            let rotation = threads.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    store.rotate(|_| {}).unwrap();
                }
            });
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            other.join().unwrap();
            stop.store(true, Ordering::SeqCst);
            rotation.join().unwrap();
        });
        assert_eq!(found(&store), 80, "{swaps:?}");
        // The leases are not listed.
        assert_eq!(store.entries(None).count(), 1);
        assert_eq!(store.verify(None, |_, _| {}).unwrap().good, 1);
        keyward.delete_store("store").unwrap();
    }
}

#[test]
fn the_lock_of_a_killed_holder_is_free_at_once() {
    for storage in STORAGES {
        let home = counting(storage);
        let store = home.store("store");
        let holder = CrashWorker::start(&mut worker(&home, &["hold", "store", "ann"]));
        let refused = store.lock(&ann(), LockMode::Exclusive, Duration::from_millis(50));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked, "{storage}");
        holder.kill();
        let lock = store.lock(&ann(), LockMode::Exclusive, Duration::from_secs(10)).unwrap();
        assert_eq!(lock.exclusion(), Exclusion::Holder, "{storage}");
    }
}

#[test]
fn the_lease_of_a_holder_that_vanished_ends() {
    let home = Home::new();
    let keyward = remote(&home, Swaps::All);
    let (store, other) = (keyward.store("store").unwrap(), keyward.store("store").unwrap());
    let mut lost = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
    lost.renew(Duration::from_secs(1)).unwrap();
    let refused = other.lock(&ann(), LockMode::Exclusive, Duration::from_millis(50));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);

    let mut lock = other.lock(&ann(), LockMode::Exclusive, Duration::from_secs(20)).unwrap();
    assert_eq!(lost.update(&mut add_one).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(lost.renew(LONG).unwrap_err().kind(), ErrorKind::Conflict);
    lock.update(&mut add_one).unwrap();
    // To release a lock that was lost does not release the other's.
    drop(lost);
    let refused = store.lock(&ann(), LockMode::Exclusive, Duration::from_millis(50));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
    drop(lock);
    drop(store.lock(&ann(), LockMode::Exclusive, Duration::ZERO).unwrap());
    assert_eq!(found(&store), 1);
}

#[test]
fn those_who_wait_go_on_together() {
    for storage in ["file", "remote"] {
        let home = if storage == "file" { counting("file") } else { Home::new() };
        let keyward = if storage == "file" { home.library() } else { remote(&home, Swaps::All) };
        let store = keyward.store("store").unwrap();
        let (waiting, held) = (AtomicU64::new(0), Duration::from_millis(300));
        scope(|threads| {
            let mut lock = store.lock(&ann(), LockMode::Exclusive, LONG).unwrap();
            for _ in 0..100 {
                threads.spawn(|| {
                    waiting.fetch_add(1, Ordering::SeqCst);
                    let shared = store.lock(&ann(), LockMode::Shared, LONG).unwrap();
                    // The work is done.
                    assert_eq!(found(&store), 1, "{storage}");
                    // All hold it at once.
                    waiting.fetch_sub(1, Ordering::SeqCst);
                    let started = Instant::now();
                    while waiting.load(Ordering::SeqCst) > 0 {
                        assert!(started.elapsed() < LONG, "{storage}: they go on one by one");
                        sleep(Duration::from_millis(1));
                    }
                    drop(shared);
                });
            }
            while waiting.load(Ordering::SeqCst) < 100 {
                sleep(Duration::from_millis(1));
            }
            sleep(held);
            lock.update(&mut add_one).unwrap();
        });
    }
}

#[test]
fn a_lock_for_reading_changes_nothing() {
    let home = counting("file");
    let store = home.store("store");
    let mut lock = store.lock(&ann(), LockMode::Shared, LONG).unwrap();
    assert_eq!(lock.update(&mut add_one).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_storage_that_can_neither_lock_nor_compare_has_no_locks_of_entries() {
    let home = Home::new();
    let keyward = remote(&home, Swaps::None);
    let store = keyward.store("store").unwrap();
    let source: &dyn Source = &*store;
    let refused = source.lock(&ann(), LockMode::Exclusive, LONG);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
}
