//! What a writer acknowledged survives if the writer is killed, and no temporary file remains.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use keyward_tests::{CANARY, number, value};

use crate::helpers::crash_worker::{CrashWorker, WORKER};
use crate::helpers::home::Home;
use crate::helpers::prng::Prng;

const KILLS: u32 = 1000;

#[test]
fn a_killed_writer_of_files_loses_nothing() {
    let home = loses_nothing("file");
    // Only the entry contains the secret, and no temporary file remains.
    let folder = home.store_folder();
    let with_secret: Vec<_> =
        files(&folder).into_iter().filter(|file| holds_canary(file)).collect();
    assert_eq!(with_secret, [folder.join("victim/%")]);
}

#[test]
fn a_killed_writer_of_sqlite_loses_nothing() {
    loses_nothing("sqlite");
}

#[test]
fn a_killed_writer_of_redb_loses_nothing() {
    loses_nothing("redb");
}

/// Without this test, the other tests might be unable to fail.
#[test]
fn a_killed_writer_that_does_not_rename_leaves_half_a_file() {
    let home = Home::in_memory();
    let file = home.path("file");
    let file = file.to_str().unwrap();
    let mut prng = Prng(4);
    let torn = (0..100).filter(|_| {
        let mut writer = home.command(WORKER);
        let worker = CrashWorker::start(writer.args(["write-carelessly", file, "0"]));
        sleep(Duration::from_micros(prng.below(2000)));
        worker.kill();
        let found = home.command(WORKER).args(["read-carelessly", file]).output().unwrap();
        found.stdout == b"torn\n"
    });
    let torn = torn.count();
    assert!(torn > 0, "100 writers in place were killed, and not one tore its file");
}

/// Kills writers, each at another moment, and checks the store after each kill.
fn loses_nothing(storage: &str) -> Home {
    let home = Home::in_memory();
    home.init("store", storage, "clear");
    home.store("store")
        .set_credentials(&home.store("store").entry(Some("victim"), None).unwrap(), &value(0))
        .unwrap();
    let ours = files_after_a_write(&home);
    let mut prng = Prng(1);
    let mut last = 0;
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let mut writer = home.command(WORKER);
        let from = (last + 1).to_string();
        let worker = CrashWorker::start(writer.args(["write", "store", "victim", &from]));
        sleep(Duration::from_micros(prng.below(12_000)));
        let done = worker.kill().unwrap_or(last);
        let found = found(&home, kill);
        assert!(
            found == done || found == done + 1,
            "kill {kill}: {done} was acknowledged, {found} is there"
        );
        acknowledged += done - last;
        last = found;
        if kill % 20 == 19 {
            last += 1;
            set(&home, last);
            assert_eq!(files_after_a_write(&home), ours, "kill {kill}: left behind");
        }
    }
    assert!(
        acknowledged > u64::from(KILLS),
        "the writers were killed before they wrote: {acknowledged}"
    );
    home
}

/// The number in the store, as a process that has just started finds it.
fn found(home: &Home, kill: u32) -> u64 {
    let store = home.store("store");
    let credentials = store.credentials(&store.entry(Some("victim"), None).unwrap());
    let credentials = credentials.unwrap_or_else(|error| panic!("kill {kill}: {error:?}"));
    number(&credentials.expect("the entry is there")).unwrap_or_else(|| panic!("kill {kill}: torn"))
}

fn set(home: &Home, number: u64) {
    let store = home.store("store");
    store.set_credentials(&store.entry(Some("victim"), None).unwrap(), &value(number)).unwrap();
}

/// The files of the store, but for the empty sentinels of locks.
pub(crate) fn files_after_a_write(home: &Home) -> Vec<PathBuf> {
    let mut files = files(&home.store_folder());
    files.retain(|file| !file.parent().unwrap().ends_with(".locks"));
    files.sort();
    files
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn holds_canary(file: &Path) -> bool {
    fs::read(file).unwrap().windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}
