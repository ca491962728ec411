//! The cases for every storage.

use std::collections::BTreeMap;
use std::time::Duration;

use keyward_core::{ErrorKind, Exclusion, LockMode, Sharing, Swaps};

use super::child::{FIRST_PUTS, INCREMENTS, Job, TTL, Worker, bulk_entries, number_in};
use super::{Processes, entry};

/// Processes that work at once.
const AT_ONCE: u64 = 8;

/// A process that is killed while it puts loses no put that it saw succeed, and leaves a whole blob.
///
/// # Panics
/// If the storage breaks the contract.
pub fn a_killed_writer_loses_nothing_it_acknowledged(processes: &Processes) {
    is_shared(processes);
    kill_while(processes, Job::Write, &["counter"]);
}

/// A process that is killed during a bulk leaves all of its changes or none.
///
/// # Panics
/// If the storage breaks the contract.
pub fn a_killed_bulk_is_done_or_not(processes: &Processes) {
    is_shared(processes);
    if processes.open().abilities().bulk.is_some() {
        kill_while(processes, Job::Bulk, &bulk_entries());
    }
}

/// Kills writers of rising numbers, each at another moment, and looks at the entries after each kill.
fn kill_while(processes: &Processes, job: Job, entries: &[&str]) {
    for round in 0..30 {
        let mut writer = Worker::start(&mut processes.command(job));
        writer.begin();
        let first = writer.hear();
        std::thread::sleep(Duration::from_micros(round * 700));
        let mut lines = writer.kill();
        // A line that the kill cut short is not an acknowledgement, but it is the last one.
        let acknowledged = lines.pop().unwrap_or(first);
        let acknowledged: u64 = acknowledged.parse().unwrap_or_else(|_| panic!("{acknowledged}"));
        let storage = processes.open();
        let kept: Vec<_> = entries.iter().map(|name| number_in(&*storage, name)).collect();
        assert!(kept.iter().all(|number| *number == kept[0]), "a part of a bulk is done: {kept:?}");
        assert!(
            kept[0] == acknowledged || kept[0] == acknowledged + 1,
            "{acknowledged} was acknowledged, {} is kept",
            kept[0]
        );
    }
}

/// Processes that add to one number by compare-and-swap lose none of their work.
///
/// # Panics
/// If the storage breaks the contract.
pub fn processes_lose_no_increment(processes: &Processes) {
    is_shared(processes);
    if processes.open().abilities().swaps < Swaps::Puts {
        return;
    }
    at_once(processes, Job::Count);
    let sum = number_in(&*processes.open(), "counter");
    assert_eq!(sum, AT_ONCE * INCREMENTS, "increments are lost");
}

/// Of the processes that make the same entry at once, exactly one does.
///
/// # Panics
/// If the storage breaks the contract.
pub fn one_of_many_first_puts_wins(processes: &Processes) {
    is_shared(processes);
    if processes.open().abilities().swaps < Swaps::Puts {
        return;
    }
    let mut makers: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (id, made) in at_once(processes, Job::First) {
        for number in made {
            makers.entry(number).or_default().push(id);
        }
    }
    let storage = processes.open();
    for number in (0..FIRST_PUTS).map(|number| number.to_string()) {
        let made_by = makers.remove(&number).unwrap_or_default();
        assert_eq!(made_by.len(), 1, "the processes {made_by:?} made entry {number}");
        let kept = storage.get(&entry(&number)).unwrap().blob;
        assert_eq!(kept, made_by[0].to_string().as_bytes(), "entry {number} was replaced");
    }
}

/// The lock of a killed process ends: at once or, if it is a lease, when its time is over.
///
/// # Panics
/// If the storage breaks the contract.
pub fn a_lock_ends_with_its_killed_holder(processes: &Processes) {
    is_shared(processes);
    let storage = processes.open();
    let Some(locks) = storage.abilities().locks else { return };
    if locks.exclusion() == Exclusion::Process {
        return;
    }
    let lock = |wait| locks.lock(&entry("lock"), LockMode::Exclusive, wait, TTL);
    let mut holder = Worker::start(&mut processes.command(Job::Hold));
    holder.begin();
    assert_eq!(holder.hear(), "held");
    let refused = lock(Duration::ZERO).map(drop).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked, "{refused:?}");
    holder.kill();
    lock(TTL * 2).unwrap();
}

/// Runs a job in several processes that begin at once, and returns their ids and what they wrote.
fn at_once(processes: &Processes, job: Job) -> Vec<(u32, Vec<String>)> {
    let start = |_| Worker::start(&mut processes.command(job));
    let mut workers: Vec<_> = (0..AT_ONCE).map(start).collect();
    workers.iter_mut().for_each(Worker::begin);
    workers.into_iter().map(|worker| (worker.id(), worker.finish())).collect()
}

fn is_shared(processes: &Processes) {
    let sharing = processes.open().abilities().sharing;
    assert!(sharing > Sharing::Process, "the storage says that other processes cannot use it");
}
