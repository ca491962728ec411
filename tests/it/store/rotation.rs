//! A rotation may be killed at any step: every entry stays readable, and the next one finishes it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use keyward::{Credentials, EntryId, OpenStore};
use keyward_tests::{number, value};
use serde_json::Value;

use crate::helpers::crash_worker::{CrashWorker, WORKER};
use crate::helpers::home::{Home, STORAGES};
use crate::helpers::prng::Prng;
use crate::helpers::program::keyward;

/// More than a rotation reseals at once.
const ENTRIES: u64 = 36;

/// The system calls that make a step durable. A rotation is killed at each of them.
const STEPS: &[&str] = &["fsync", "fdatasync", "renameat", "pwrite64", "ftruncate"];

#[test]
fn killed_at_each_step_it_is_finished_by_the_next() {
    for storage in STORAGES {
        let home = filled(storage);
        let steps = steps(&home);
        assert!(steps.len() > 30, "{storage}: {steps:?}");
        let mut killed = 0;
        for step in steps.iter().step_by(steps.len().div_ceil(60)) {
            // A rotation that has fewer steps than the first one may complete.
            killed +=
                u32::from(!strace(&home, Path::new("/dev/null"), step).status().unwrap().success());
            all_there(&home.store("store"), step);
            finish(&home, &format!("{storage}, {step}"));
        }
        assert!(killed > 20, "{storage}: only {killed} rotations were killed");
    }
}

#[test]
fn killed_at_any_moment_all_entries_are_readable_throughout() {
    for storage in STORAGES {
        let home = filled(storage);
        // It has read the keys before they change, and continues with them.
        let lasting = home.store("store");
        let (over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        scope(|scope| {
            let reader = scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    all_there(&lasting, storage);
                    all_there(&home.store("store"), storage);
                    rounds.fetch_add(1, Ordering::SeqCst);
                }
            });
            let mut prng = Prng(6);
            // On a busy machine, the reader needs more than thirty rotations for its rounds.
            for kill in 0.. {
                if kill >= 30 && rounds.load(Ordering::SeqCst) > 10 {
                    break;
                }
                let mut rotation = rotate(&home).spawn().unwrap();
                sleep(Duration::from_micros(prng.below(60_000)));
                rotation.kill().unwrap();
                rotation.wait().unwrap();
                if kill % 10 == 9 {
                    finish(&home, storage);
                }
                if reader.is_finished() {
                    break;
                }
            }
            over.store(true, Ordering::SeqCst);
            reader.join().unwrap();
            assert!(rounds.load(Ordering::SeqCst) > 10);
        });
    }
}

#[test]
fn writers_meanwhile_lose_nothing() {
    for storage in STORAGES {
        let home = filled(storage);
        let start = |user: &str| {
            let mut writer = home.command(WORKER);
            CrashWorker::start(writer.args(["write", "store", user, "1"]))
        };
        // One changes an existing entry, and the other makes a new one.
        let writers: Vec<_> = ["user-0", "new"].map(|user| (user, start(user))).into();
        for _ in 0..10 {
            assert_eq!(json(rotate(&home))["old_keys"].as_u64().map(|keys| keys > 0), Some(true));
            json(retire(&home));
        }
        for (user, writer) in writers {
            let done = writer.kill().expect("it wrote something");
            assert!(done > 10, "{storage}: {user} came to {done} only");
            let store = home.store("store");
            let found = store.credentials(&EntryId::new(user, None).unwrap()).unwrap().unwrap();
            let found = number(&found).expect("it is whole");
            assert!(found == done || found == done + 1, "{storage}: {done} acknowledged, {found}");
        }
    }
}

#[test]
fn old_keys_go_once_no_entry_needs_them() {
    for storage in STORAGES {
        let home = filled(storage);
        let lasting = home.store("store");
        all_there(&lasting, storage);
        let rotated = json(rotate(&home));
        assert_eq!((&rotated["resealed"], &rotated["old_keys"]), (&ENTRIES.into(), &1.into()));
        assert_eq!(json(retire(&home))["retired"], 1);
        assert_eq!(json(retire(&home))["retired"], 0);
        // A process that still holds the old keyset reads with the new one, and writes with it.
        all_there(&lasting, storage);
        set(&lasting, 0);
        all_there(&home.store("store"), storage);
    }
}

#[test]
fn old_keys_stay_while_an_entry_needs_one() {
    for storage in STORAGES {
        let mut syncs = steps(&filled(storage));
        syncs.retain(|step| step.contains("sync"));
        let mut refused = 0;
        for step in syncs.iter().step_by(syncs.len().div_ceil(8)) {
            let home = filled(storage);
            kill_at(&home, step);
            // When it was killed, the new key was not primary yet, or some entries had the old key,
            // or none had it.
            match retire(&home).output().unwrap().status.code() {
                Some(8) => refused += 1,
                code => assert_eq!(code, Some(0), "{storage}, {step}"),
            }
            all_there(&home.store("store"), storage);
            finish(&home, storage);
        }
        assert!(refused > 0, "{storage}: no rotation was killed half-way");
    }
}

/// If a rotation made its key but did not use it, retiring that key also ends the rotation.
#[test]
fn a_key_that_was_retired_before_its_use_is_replaced() {
    let home = filled("file");
    // The first rename puts the key into the keyset, the second would make it primary.
    kill_at(&home, "inject=renameat:signal=SIGKILL:when=2");
    assert_eq!(json(retire(&home))["retired"], 1);
    let rotated = json(rotate(&home));
    assert_eq!((&rotated["resealed"], &rotated["old_keys"]), (&ENTRIES.into(), &1.into()));
}

#[test]
fn large_entries_are_resealed() {
    for storage in STORAGES {
        let home = filled(storage);
        let store = home.store("store");
        let large = Credentials::new("large", "x".repeat(700 << 10));
        for index in 3..6 {
            store.set_credentials(&entry(index), &large).unwrap();
        }
        assert_eq!(json(rotate(&home))["resealed"], ENTRIES, "{storage}");
        json(retire(&home));
        assert_eq!(store.credentials(&entry(5)).unwrap(), Some(large), "{storage}");
    }
}

#[test]
fn an_entry_that_does_not_open_keeps_none_before_it_from_a_new_key() {
    let home = filled("sqlite");
    let store = home.store("store");
    let order: Vec<_> = store.entries(None).map(Result::unwrap).collect();
    let database = home.store_folder().join("store.db");
    let spoil = "UPDATE entry SET blob = x'00' WHERE user = 'user-5'";
    assert!(Command::new("sqlite3").arg(database).arg(spoil).status().unwrap().success());
    assert_eq!(rotate(&home).status().unwrap().code(), Some(6));

    set(&store, 5);
    let before = order.iter().position(|id| *id == entry(5)).unwrap() as u64;
    let rotated = json(rotate(&home));
    assert!(before > 0 && before + 1 < ENTRIES, "{order:?}");
    assert_eq!(
        (&rotated["current"], &rotated["resealed"]),
        (&(before + 1).into(), &(ENTRIES - before - 1).into())
    );
}

/// A home with a store that holds some entries.
fn filled(storage: &str) -> Home {
    let home = Home::in_memory();
    home.init("store", storage, "aes-gcm");
    let store = home.store("store");
    (0..ENTRIES).for_each(|index| set(&store, index));
    home
}

fn set(store: &OpenStore, index: u64) {
    store.set_credentials(&entry(index), &value(index)).unwrap();
}

fn all_there(store: &OpenStore, what: &str) {
    for index in 0..ENTRIES {
        let found =
            store.credentials(&entry(index)).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(found, Some(value(index)), "{what}");
    }
}

fn entry(index: u64) -> EntryId {
    EntryId::new(&format!("user-{index}"), None).unwrap()
}

/// Finishes the rotation. After that, the old keys can be deleted, and the next rotation reseals
/// every entry.
fn finish(home: &Home, what: &str) {
    let rotated = json(rotate(home));
    let entries = rotated["resealed"].as_u64().unwrap() + rotated["current"].as_u64().unwrap();
    assert_eq!(entries, ENTRIES, "{what}: {rotated}");
    json(retire(home));
    all_there(&home.store("store"), what);
}

fn rotate(home: &Home) -> Command {
    let mut command = home.command(keyward());
    command
        .args(["store", "rotate", "store", "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn retire(home: &Home) -> Command {
    let mut command = rotate(home);
    command.arg("--retire");
    command
}

fn json(mut command: Command) -> Value {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns every step at which a rotation can be killed, as an option of strace.
fn steps(home: &Home) -> Vec<String> {
    let log = home.path("log");
    let output = strace(home, &log, &format!("trace={}", STEPS.join(","))).output().unwrap();
    assert!(output.status.success(), "strace is installed: {output:?}");
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    let calls = text.lines().filter_map(|line| line.split_whitespace().nth(1)?.split_once('('));
    let mut counts = std::collections::BTreeMap::<_, u32>::new();
    calls
        .map(|(call, _)| {
            let when = counts.entry(call).or_default();
            *when += 1;
            format!("inject={call}:signal=SIGKILL:when={when}")
        })
        .collect()
}

/// A rotation that is killed at this step.
fn kill_at(home: &Home, step: &str) {
    let killed = strace(home, Path::new("/dev/null"), step).status().unwrap();
    assert_eq!(killed.code(), None, "{step}: it was not killed");
}

/// A rotation under strace.
fn strace(home: &Home, log: &Path, what: &str) -> Command {
    let mut strace = home.command("strace");
    strace.args(["-f", "-qq", "-o"]).arg(log).args(["-e", what]).arg(keyward());
    strace.args(["store", "rotate", "store"]).stdout(Stdio::null()).stderr(Stdio::null());
    strace
}
