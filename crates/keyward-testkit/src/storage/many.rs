use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use keyward_core::{
    EntryId, ErrorKind, Exclusion, Expect, Guard, LockMode, Locks, MANY_BYTES, Operation,
    Persistence, Put, Result, Sharing, Storage, Stored, Swaps,
};

use super::{UNCHECKED, any, entry, holds, lacks, put};
use crate::Subject;
use crate::check::fails;

const ALONE: &str = "it does not share its entries with other instances";
const SINGLE: &str = "it has no bulk changes";

/// A storage that persists keeps its entries when it is opened again.
pub fn reopening_keeps_everything(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().persistence <= Persistence::Process {
        return subject.pass_over("its entries end with the process");
    }
    let (id, deleted) = (entry("ann", "work"), entry("ann", ""));
    let revision = put(&*storage, &id, b"blob");
    put(&*storage, &deleted, b"blob");
    storage.delete(&deleted, &Expect::Any).unwrap();
    drop(storage);
    let storage = subject.open();
    assert_eq!(holds(&*storage, &id, b"blob"), revision);
    lacks(&*storage, &deleted);
}

/// Other instances at the same place see a change of one instance at once.
pub fn instances_see_each_other(subject: &Subject<dyn Storage>) {
    let (one, other) = (subject.open(), subject.open());
    if one.abilities().sharing < Sharing::Machine {
        return subject.pass_over(ALONE);
    }
    let id = entry("ann", "");
    let first = put(&*one, &id, b"first");
    assert_eq!(holds(&*other, &id, b"first"), first);
    if one.abilities().swaps >= Swaps::Puts {
        other.put(&id, b"second", &Put::expecting(Expect::Revision(first.clone()))).unwrap();
        holds(&*one, &id, b"second");
        let stale = Put::expecting(Expect::Revision(first));
        fails(one.put(&id, b"third", &stale), &[ErrorKind::Conflict]);
    }
    one.delete(&id, &Expect::Any).unwrap();
    lacks(&*other, &id);
}

const THREADS: usize = 8;
const INCREMENTS: usize = 25;

/// Threads that share an instance and count by compare-and-swap lose no increment.
pub fn threads_lose_no_increment(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().swaps < Swaps::Puts {
        return subject.pass_over(UNCHECKED);
    }
    put(&*storage, &entry("ann", ""), b"0");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| count(&*storage));
        }
    });
    holds(&*storage, &entry("ann", ""), (THREADS * INCREMENTS).to_string().as_bytes());
}

/// Separate instances that count by compare-and-swap lose no increment.
pub fn instances_lose_no_increment(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().sharing < Sharing::Machine {
        return subject.pass_over(ALONE);
    }
    if storage.abilities().swaps < Swaps::Puts {
        return subject.pass_over(UNCHECKED);
    }
    put(&*storage, &entry("ann", ""), b"0");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| count(&*subject.open()));
        }
    });
    holds(&*storage, &entry("ann", ""), (THREADS * INCREMENTS).to_string().as_bytes());
}

fn count(storage: &dyn Storage) {
    let id = entry("ann", "");
    for _ in 0..INCREMENTS {
        while !increment(storage, &id) {}
    }
}

/// Adds one, unless another thread did in the meantime.
fn increment(storage: &dyn Storage, id: &EntryId) -> bool {
    let stored = storage.get(id).unwrap();
    let (blob, revision) = (&stored.blob, stored.revision());
    let next = std::str::from_utf8(blob).unwrap().parse::<usize>().unwrap() + 1;
    let put = Put::expecting(Expect::Revision(revision));
    match storage.put(id, next.to_string().as_bytes(), &put) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::Conflict => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// If many make the same entry at once, one succeeds, and the others get `Conflict`.
pub fn one_of_many_first_puts_wins(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().swaps < Swaps::Puts {
        return subject.pass_over(UNCHECKED);
    }
    for round in 0..5 {
        let id = entry("ann", &format!("round {round}"));
        let start = Barrier::new(THREADS);
        let attempt = |at: usize| {
            start.wait();
            storage.put(&id, at.to_string().as_bytes(), &Put::expecting(Expect::Absent))
        };
        let results: Vec<Result<_>> = thread::scope(|scope| {
            let attempts: Vec<_> =
                (0..THREADS).map(|at| scope.spawn(move || attempt(at))).collect();
            attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
        });
        let winners: Vec<_> = (0..THREADS).filter(|at| results[*at].is_ok()).collect();
        assert_eq!(winners.len(), 1, "these won: {winners:?}");
        holds(&*storage, &id, winners[0].to_string().as_bytes());
        for error in results.into_iter().filter(Result::is_err) {
            fails(error, &[ErrorKind::Conflict]);
        }
    }
}

/// While a blob is replaced, readers see the old one or the new one.
pub fn no_reader_sees_half_a_blob(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let size = storage.abilities().largest.unwrap_or(usize::MAX).min(64 << 10);
    let id = entry("ann", "");
    put(&*storage, &id, &vec![0; size]);
    // Every second blob is shorter, so that a rest of the longer one would be found.
    let length = |fill: u8| size - size / 3 * usize::from(fill % 2);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for fill in 1..=20 {
                put(&*storage, &id, &vec![fill; length(fill)]);
            }
        });
        while !writer.is_finished() {
            let blob = storage.get(&id).unwrap().blob;
            let fill = *blob.first().unwrap();
            assert_eq!(blob.len(), length(fill), "a blob is torn");
            assert!(blob.iter().all(|byte| *byte == fill), "two blobs are mixed");
        }
    });
}

const TTL: Duration = Duration::from_secs(60);

fn lock(locks: &dyn Locks, id: &EntryId, mode: LockMode) -> Result<Box<dyn Guard>> {
    locks.lock(id, mode, Duration::from_millis(20), TTL)
}

/// An exclusive lock excludes all other locks.
pub fn an_exclusive_lock_excludes_all_others(subject: &Subject<dyn Storage>) {
    with_locks(subject, |holder, other| {
        let id = EntryId::reserved("store");
        let _guard = lock(holder, &id, LockMode::Exclusive).unwrap();
        for mode in [LockMode::Exclusive, LockMode::Shared] {
            fails(lock(other, &id, mode), &[ErrorKind::Locked]);
        }
    });
}

/// Several shared locks can be held at once, and exclude exclusive ones.
pub fn shared_locks_exclude_only_exclusive_ones(subject: &Subject<dyn Storage>) {
    with_locks(subject, |holder, other| {
        let id = EntryId::reserved("store");
        let _guard = lock(holder, &id, LockMode::Shared).unwrap();
        let _second = lock(other, &id, LockMode::Shared).unwrap();
        fails(lock(other, &id, LockMode::Exclusive), &[ErrorKind::Locked]);
    });
}

/// A lock is free when its guard is dropped, also for a caller who is waiting; until then it can be
/// renewed.
pub fn a_lock_ends_with_its_guard(subject: &Subject<dyn Storage>) {
    with_locks(subject, |holder, other| {
        let id = entry("ann", "");
        let mut guard = lock(holder, &id, LockMode::Exclusive).unwrap();
        guard.renew(TTL).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                other.lock(&id, LockMode::Exclusive, Duration::from_secs(20), TTL).map(drop)
            });
            thread::sleep(Duration::from_millis(30));
            drop(guard);
            waiting.join().unwrap().unwrap();
        });
        lock(holder, &id, LockMode::Exclusive).unwrap();
    });
}

/// Locks of different entries are independent.
pub fn locks_of_different_entries_are_independent(subject: &Subject<dyn Storage>) {
    with_locks(subject, |holder, other| {
        let _guard = lock(holder, &entry("ann", ""), LockMode::Exclusive).unwrap();
        for id in [entry("ann", "work"), entry("Ann", ""), EntryId::reserved("ann")] {
            lock(other, &id, LockMode::Exclusive).unwrap();
        }
    });
}

/// A lock that ends by itself does so after its time to live, unless it is renewed, and its guard
/// notices that it was lost.
pub fn a_lease_ends_unless_it_is_renewed(subject: &Subject<dyn Storage>) {
    let (one, other) = (subject.open(), subject.open());
    let (Some(locks), Some(others)) = (one.abilities().locks, other.abilities().locks) else {
        return subject.pass_over("it has no locks");
    };
    if locks.exclusion() != Exclusion::Lease {
        return subject.pass_over("its locks do not end by themselves");
    }
    let (id, mode, short) = (entry("ann", ""), LockMode::Exclusive, Duration::from_secs(1));
    let mut lost = locks.lock(&id, mode, short, short).unwrap();
    thread::sleep(Duration::from_millis(1500));
    let mut guard = others.lock(&id, mode, Duration::from_secs(5), short).unwrap();
    fails(lost.renew(TTL), &[ErrorKind::Conflict]);
    guard.renew(TTL).unwrap();
    thread::sleep(Duration::from_millis(1500));
    fails(lock(locks, &id, mode), &[ErrorKind::Locked]);
    // To release a lock that was lost does not release the other's.
    drop(lost);
    fails(lock(locks, &id, mode), &[ErrorKind::Locked]);
    drop(guard);
    lock(locks, &id, mode).unwrap();
}

/// Tests the locks of one instance against themselves and, if the storage is shared, against
/// another instance's.
fn with_locks(subject: &Subject<dyn Storage>, check: impl Fn(&dyn Locks, &dyn Locks)) {
    let (one, other) = (subject.open(), subject.open());
    let Some(locks) = one.abilities().locks else {
        return subject.pass_over("it has no locks");
    };
    check(locks, locks);
    if one.abilities().sharing >= Sharing::Machine {
        check(locks, other.abilities().locks.unwrap());
    }
}

/// Puts and deletes in bulk do the same as single ones.
pub fn bulk_makes_all_changes(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let Some(bulk) = storage.abilities().bulk else { return subject.pass_over(SINGLE) };
    let (old, new, gone) = (entry("ann", ""), entry("ann", "new"), entry("bob", ""));
    let revision = put(&*storage, &old, b"old");
    put(&*storage, &gone, b"gone");
    bulk.apply(&[
        Operation::Put(&new, b"new", Put::expecting(Expect::Absent)),
        Operation::Put(&old, b"changed", Put::expecting(Expect::Revision(revision))),
        Operation::Delete(&gone, Expect::Any),
    ])
    .unwrap();
    holds(&*storage, &new, b"new");
    holds(&*storage, &old, b"changed");
    lacks(&*storage, &gone);
    bulk.apply(&[]).unwrap();
}

/// If one of many changes cannot be made, none is.
pub fn bulk_makes_all_changes_or_none(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let Some(bulk) = storage.abilities().bulk else { return subject.pass_over(SINGLE) };
    let (old, new, missing) = (entry("ann", ""), entry("ann", "new"), entry("bob", ""));
    put(&*storage, &old, b"old");
    let changes = [Operation::Put(&new, b"new", any()), Operation::Delete(&old, Expect::Any)];
    let conflict = Operation::Put(&old, b"x", Put::expecting(Expect::Absent));
    // The last change finds the entry unchanged, or deleted by the change before.
    let late = Operation::Delete(&missing, Expect::Any);
    let [put_new, delete_old] = changes;
    for (operations, kind) in [
        (vec![put_new.clone(), conflict], ErrorKind::Conflict),
        (vec![put_new, delete_old, late], ErrorKind::NotFound),
    ] {
        fails(bulk.apply(&operations), &[kind]);
        lacks(&*storage, &new);
        holds(&*storage, &old, b"old");
    }
}

/// A bulk returns the revision of each put, and nothing for a delete.
pub fn bulk_returns_the_revisions(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let Some(bulk) = storage.abilities().bulk else { return subject.pass_over(SINGLE) };
    let (one, gone, other) = (entry("ann", ""), entry("ann", "gone"), entry("bob", ""));
    put(&*storage, &gone, b"gone");
    let revisions = bulk
        .apply(&[
            Operation::Put(&one, b"one", any()),
            Operation::Delete(&gone, Expect::Any),
            Operation::Put(&other, b"other", any()),
        ])
        .unwrap();
    let expected =
        [Some(holds(&*storage, &one, b"one")), None, Some(holds(&*storage, &other, b"other"))];
    assert_eq!(revisions, expected);
    assert!(bulk.apply(&[]).unwrap().is_empty());
}

/// Changes of one entry in a bulk are made in their order, or all are refused.
pub fn bulk_applies_changes_of_one_entry_in_order(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let Some(bulk) = storage.abilities().bulk else { return subject.pass_over(SINGLE) };
    let (id, other) = (entry("ann", ""), entry("bob", ""));
    let applied = bulk.apply(&[
        Operation::Put(&other, b"other", any()),
        Operation::Put(&id, b"first", any()),
        Operation::Delete(&id, Expect::Any),
        Operation::Put(&id, b"last", any()),
    ]);
    if applied.is_ok() {
        holds(&*storage, &id, b"last");
        holds(&*storage, &other, b"other");
    } else {
        fails(applied, &[ErrorKind::Unsupported]);
        lacks(&*storage, &id);
        lacks(&*storage, &other);
    }
}

/// `get_many` returns what `get` returns for each entry, in their order.
pub fn get_many_gives_the_same_as_get(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    assert!(storage.get_many(&[]).unwrap().is_empty());
    let largest = storage.abilities().largest.unwrap_or(MANY_BYTES).min(MANY_BYTES);
    let mut ids: Vec<_> = (0..60).map(|number| entry("ann", &number.to_string())).collect();
    for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 3 > 0) {
        // A few are large, so that a call may return fewer.
        let length = if number % 20 == 1 { largest } else { number };
        put(&*storage, id, &vec![number as u8; length]);
    }
    // In another order than they were put, and some of them twice.
    ids.reverse();
    ids.extend([entry("ann", "1"), entry("ann", "0"), entry("ann", "1")]);
    let mut rest = &ids[..];
    while !rest.is_empty() {
        let results = storage.get_many(rest).unwrap();
        assert!((1..=rest.len()).contains(&results.len()), "{} results", results.len());
        let (these, others) = rest.split_at(results.len());
        for (id, result) in these.iter().zip(results) {
            match storage.get(id) {
                Ok(stored) => assert_same(&result.unwrap(), &stored, id),
                Err(_) => drop(fails(result, &[ErrorKind::NotFound])),
            }
        }
        rest = others;
    }
}

#[track_caller]
fn assert_same(found: &Stored, stored: &Stored, id: &EntryId) {
    assert!(found.blob == stored.blob, "{id} has another blob");
    assert_eq!(found.revision(), stored.revision(), "{id} has another revision");
}
