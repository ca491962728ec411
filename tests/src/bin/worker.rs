//! A process that uses a store, for tests that kill it, starve it, cut its power or start fifty of it.
//!
//! It acknowledges on standard output, line by line, what is done and not before.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "all of this is test code")]

use std::io::{Write, stdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use keyward::{EntryId, ErrorKind, Keyward, OpenStore, Record};
use keyward_core::{Change, EntryLock, Expect, LockMode, Registry};
use keyward_defaults as _;
use keyward_loader::process::{Command, Programs};
use keyward_tests::{count, counted, number, unlocked, value};

/// How long it waits for a lock.
const LONG: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", store, user, from] => write(store, user, from.parse().unwrap()),
        ["read", store, user] => read(store, user),
        ["increment", store, user, times] => increment(store, user, times.parse().unwrap()),
        ["increment-locked", store, user, times] => {
            increment_locked(store, user, times.parse().unwrap());
        }
        ["hold", store, user] => hold(open(store, user)),
        ["hold-in-child", child, store, user] => hold_in_child(child, store, user),
        ["await", store, user, threads] => wait_shared(store, user, threads.parse().unwrap()),
        ["write-carelessly", file, from] => write_carelessly(file, from.parse().unwrap()),
        ["read-carelessly", file] => read_carelessly(file),
        _ => panic!("no such work: {arguments:?}"),
    }
}

/// Writes ever greater numbers until it is killed or something fails.
fn write(store: &str, user: &str, from: u64) {
    acknowledge("ready");
    let (store, id) = open(store, user);
    for number in from.. {
        store.set_credentials(&id, &value(number)).unwrap();
        acknowledge(&number.to_string());
    }
}

/// Says which number is there, or `none` or `torn`.
fn read(store: &str, user: &str) {
    let (store, id) = open(store, user);
    match store.credentials(&id).unwrap() {
        Some(credentials) => acknowledge(&shown(number(&credentials))),
        None => acknowledge("none"),
    }
}

/// Adds one to what is there, again and again, by compare-and-swap.
///
/// Who lost steps aside for longer each time, by a number of milliseconds that is hardly another's.
fn increment(store: &str, user: &str, times: u64) {
    let (store, id) = open(store, user);
    for _ in 0..times {
        let mut lost = 0;
        while !add_one(&store, &id) {
            lost += 1;
            let longest = 1 << (lost + 1).min(8);
            sleep(Duration::from_millis(u64::from(std::process::id() * lost * 7 % longest)));
        }
    }
    acknowledge("done");
}

/// Adds one to what is there, again and again, under the lock of the entry.
fn increment_locked(store: &str, user: &str, times: u64) {
    let (store, id) = open(store, user);
    for _ in 0..times {
        let mut lock = store.lock(&id, LockMode::Exclusive, LONG).unwrap();
        lock.update(&mut |record| {
            let found = counted(&(&record.unwrap()).try_into().unwrap());
            Ok(Change::Put(Box::new(Record::from(&count(found + 1)))))
        })
        .unwrap();
    }
    acknowledge("done");
}

/// Holds the lock of an entry until it is killed. A lease lasts four seconds longer.
fn hold((store, id): (OpenStore, EntryId)) {
    let mut lock = store.lock(&id, LockMode::Exclusive, LONG).unwrap();
    lock.renew(Duration::from_secs(4)).unwrap();
    acknowledge("ready");
    sleep(Duration::from_secs(600));
}

/// As [`hold`], with the storage `file` in a child process, while another thread waits for the lock
/// in the same child.
fn hold_in_child(child: &str, store: &str, user: &str) {
    let programs = Programs::new();
    let file = Command::new(child).argument("keyward-storage-file");
    let run = programs.run(&file).unwrap();
    let linked = Registry::linked().unwrap();
    let others = linked.iter().filter(|it| it.package != "keyward-storage-file").cloned();
    let registry = Registry::new(others.chain(run)).unwrap();
    let keyward = Keyward::open().unwrap().with_backends(registry);
    let open = || (keyward.store(store).unwrap(), EntryId::new(user, None).unwrap());
    std::thread::scope(|threads| {
        let (store, id) = open();
        let mut lock = store.lock(&id, LockMode::Exclusive, LONG).unwrap();
        let waiter = threads.spawn(|| {
            let (store, id) = open();
            acknowledge("ready");
            store.lock(&id, LockMode::Exclusive, LONG).unwrap();
        });
        // The child answers other calls while it waits.
        for number in 1.. {
            let next = Record::from(&count(number));
            lock.update(&mut |_| Ok(Change::Put(Box::new(next.clone())))).unwrap();
            assert!(!waiter.is_finished());
            if number > 1 {
                acknowledge(&number.to_string());
            }
            sleep(Duration::from_millis(5));
        }
    });
}

/// Waits with this many threads until no other process holds the lock of an entry.
fn wait_shared(store: &str, user: &str, threads: usize) {
    let (store, id) = open(store, user);
    let started = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                if started.fetch_add(1, Ordering::SeqCst) + 1 == threads {
                    acknowledge("waiting");
                }
                drop(store.lock(&id, LockMode::Shared, LONG).unwrap());
            });
        }
    });
    acknowledge("done");
}

/// Adds one, unless another process changes the entry meanwhile.
fn add_one(store: &OpenStore, id: &EntryId) -> bool {
    let (record, revision) = store.get_with_revision(id).unwrap();
    let found = counted(&(&record).try_into().unwrap());
    let next = Record::from(&count(found + 1));
    match store.put(id, &next, Expect::Revision(revision)) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::Conflict => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// As [`write`], but wrongly: in place, and without waiting for the disk.
fn write_carelessly(file: &str, from: u64) {
    acknowledge("ready");
    for number in from.. {
        std::fs::write(file, value(number).password.expose()).unwrap();
        acknowledge(&number.to_string());
    }
}

fn read_carelessly(file: &str) {
    let found = std::fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&found).into_owned();
    let first = text.split([' ', ',']).nth(1).unwrap_or_default().parse::<u64>();
    acknowledge(&shown(first.ok().filter(|number| value(*number).password.expose() == found)));
}

fn open(store: &str, user: &str) -> (OpenStore, EntryId) {
    let keyward = Keyward::open().unwrap().with_backends(unlocked::registry().unwrap());
    (keyward.store(store).unwrap(), EntryId::new(user, None).unwrap())
}

fn shown(number: Option<u64>) -> String {
    number.map_or("torn".into(), |number| number.to_string())
}

fn acknowledge(line: &str) {
    let mut out = stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}
