//! When the operating system fails, the old value or the new one is there, and the exit code says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use keyward_tests::{number, value};

use crate::helpers::home::{Home, STORAGES, init};
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::namespace::Namespace;
use crate::helpers::prng::Prng;
use crate::helpers::program::keyward;
use crate::store::killed_writer::files_after_a_write;

/// The system calls with which a `set` reads and writes the disk. `close` is not among them: a real
/// one closes the file even if it fails, and one that strace makes fail does not.
const CALLS: &[&str] = &[
    "fchmod",
    "fchown",
    "fcntl",
    "fdatasync",
    "flock",
    "fstat",
    "fsync",
    "ftruncate",
    "getdents64",
    "link",
    "linkat",
    "lseek",
    "mkdir",
    "mkdirat",
    "mmap",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pread64",
    "pwrite64",
    "read",
    "readlink",
    "rename",
    "renameat",
    "renameat2",
    "statx",
    "unlink",
    "unlinkat",
    "write",
];

const ERRORS: [&str; 4] = ["EIO", "ENOSPC", "EINTR", "EMFILE"];

/// How many of all possible faults a test tries, the same ones each time.
const TRIED: usize = 200;

#[test]
fn failing_calls_leave_files_old_or_new() {
    failing_calls_leave_old_or_new("file");
}

#[test]
fn failing_calls_leave_sqlite_old_or_new() {
    failing_calls_leave_old_or_new("sqlite");
}

#[test]
fn failing_calls_leave_redb_old_or_new() {
    failing_calls_leave_old_or_new("redb");
}

/// A failed `fsync` of the new file leaves the old value. That of its folder comes after the rename, when the
/// new value is there.
#[test]
fn a_failed_fsync_says_which_value_is_there() {
    let home = Home::in_memory();
    home.init("store", "file", "aes-gcm");
    put(&home, 0);
    for (when, value, says) in
        [(1, 0, "error: file: write: "), (2, 1, "may not survive a power cut")]
    {
        for error in ["EIO", "ENOSPC"] {
            put(&home, 0);
            let fault = format!("inject=fsync:error={error}:when={when}");
            let output = set(strace(&home, Path::new("/dev/null"), &["-e", &fault]), "victim", 1);
            let said = output.ends(7).err;
            assert!(said.contains(says), "{fault}: {said}");
            assert_eq!(said.contains("has the new value"), value == 1, "{fault}: {said}");
            assert_eq!(get(home.command(keyward()), "victim"), Some(value), "{fault}");
        }
    }
}

#[test]
fn a_full_disk_takes_nothing_away() {
    for (storage, size) in [("file", "256k"), ("sqlite", "256k"), ("redb", "2m")] {
        let namespace = Namespace::new();
        let home = Home::in_memory();
        let mounted = home.path("full");
        namespace.run(&format!("mkdir {}", mounted.display()));
        namespace
            .run(&format!("mount -t tmpfs -o mode=700,size={size} none {}", mounted.display()));
        let command = || namespace.command(&mounted, &keyward());
        Invocation::from(command()).args(init("store", storage, "clear")).run().ends(0);

        let kept = (0..).find(|number| {
            let output = set(command(), &format!("user-{number}"), *number);
            assert!(matches!(output.code, 0 | 7), "{storage}: {output:?}");
            output.code == 7
        });
        let kept = kept.unwrap();
        assert!(kept > 5, "{storage}: a store of {size} was full at {kept} entries");
        for user in 0..kept {
            assert_eq!(get(command(), &format!("user-{user}")), Some(user), "{storage}");
        }
        let (old, new) = (kept - 1, kept + 1);
        let output = set(command(), &format!("user-{old}"), new);
        let found = get(command(), &format!("user-{old}")).expect("it is there");
        let expected = if output.code == 0 { new } else { old };
        assert_eq!(found, expected, "{storage}: {output:?}");
    }
}

#[test]
fn a_limit_on_file_sizes_is_an_error_like_others() {
    under_limits("--fsize=", &[0, 1, 100, 1000, 4096, 8192, 20_000, 40_000]);
}

#[test]
fn a_limit_on_open_files_is_an_error_like_others() {
    under_limits("--nofile=", &[4, 5, 6, 7, 8, 9, 10, 11, 12, 14]);
}

/// Runs `set` under limits of the operating system that are too low for it.
fn under_limits(limit: &str, sizes: &[u32]) {
    for storage in STORAGES {
        let home = Home::in_memory();
        home.init("store", storage, "aes-gcm");
        put(&home, 0);
        let ours = files_after_a_write(&home);
        let mut last = 0;
        let mut failed = 0;
        for size in sizes {
            let mut limited = home.command("prlimit");
            limited.arg(format!("{limit}{size}")).arg(keyward());
            let output = set(limited, "victim", last + 1);
            let what = format!("{storage}, {limit}{size}");
            last = old_or_new(&home, &output, last, &what, &ours);
            failed += u32::from(output.code != 0);
        }
        assert!(failed > 0, "{storage}: no limit was tight enough");
    }
}

fn failing_calls_leave_old_or_new(storage: &str) {
    let home = Home::in_memory();
    home.init("store", storage, "aes-gcm");
    put(&home, 0);
    let ours = files_after_a_write(&home);
    let mut faults = faults(&home);
    let possible = faults.len();
    Prng(5).shuffle(&mut faults);
    faults.truncate(TRIED);

    let mut last = 0;
    let mut codes = BTreeMap::new();
    for fault in faults {
        let output =
            set(strace(&home, Path::new("/dev/null"), &["-e", &fault]), "victim", last + 1);
        *codes.entry(output.code).or_insert(0) += 1;
        last = old_or_new(&home, &output, last, &format!("{storage}, {fault}"), &ours);
    }
    assert!(codes.get(&7) > Some(&20), "of {possible} faults too few were met: {codes:?}");
}

/// Every fault that a `set` could meet once its program has been loaded.
fn faults(home: &Home) -> Vec<String> {
    let log = home.path("log");
    let traced = format!("trace=prctl,{}", CALLS.join(","));
    set(strace(home, &log, &["-e", &traced]), "victim", 0).ends(0);
    let mut loaded = false;
    let mut seen = BTreeMap::<_, u32>::new();
    let mut faults = Vec::new();
    for line in fs::read_to_string(&log).unwrap().lines() {
        let Some((call, _)) = line.split_whitespace().nth(1).and_then(|rest| rest.split_once('('))
        else {
            continue;
        };
        loaded |= line.contains("PR_SET_DUMPABLE");
        let when = seen.entry(call.to_owned()).or_default();
        *when += 1;
        if loaded && CALLS.contains(&call) {
            faults.extend(
                ERRORS.iter().map(|error| format!("inject={call}:error={error}:when={when}")),
            );
        }
    }
    fs::remove_file(log).unwrap();
    faults
}

/// `keyward` under strace.
fn strace(home: &Home, log: &Path, arguments: &[&str]) -> Command {
    let mut strace = home.command("strace");
    strace.args(["-f", "-qq", "-o"]).arg(log).args(arguments).arg(keyward());
    strace
}

/// Returns the number in the store after a `set` of the next one. It must be the old or the new
/// one, as the exit code says, and the next `set` must leave only the store's files.
fn old_or_new(
    home: &Home,
    output: &Finished,
    old: u64,
    what: &str,
    ours: &[std::path::PathBuf],
) -> u64 {
    let (code, said) = (output.code, &output.err);
    assert!(!said.contains("fault in keyward"), "{what}: {said}");
    assert!(allowed(what).contains(&code), "{what}: {code}: {said}");
    let found = get(home.command(keyward()), "victim").unwrap_or_else(|| panic!("{what}: torn"));
    let new = old + 1;
    assert!(found == new || code != 0 && found == old, "{what}: {code}, {found} is there");
    put(home, new + 1);
    assert_eq!(files_after_a_write(home), ours, "{what}: left behind");
    new + 1
}

/// Returns the exit codes that a `set` with this fault may have: success, or a failure of the
/// backend. SQLite reports a disk that cannot be read as damaged, and a lock that fails as held by
/// another process.
fn allowed(what: &str) -> &'static [i32] {
    if what.starts_with("sqlite, inject=pread64:error=EIO") {
        &[0, 7, 6]
    } else if what.starts_with("sqlite, inject=fcntl:") {
        &[0, 7, 5]
    } else {
        &[0, 7]
    }
}

fn put(home: &Home, number: u64) {
    set(home.command(keyward()), "victim", number).ends(0);
}

fn set(keyward: Command, user: &str, number: u64) -> Finished {
    let credentials = value(number);
    let set = ["set", "store", &credentials.username, "--user", user, "--stdin", "--raw"];
    Invocation::from(keyward).args(set).input(credentials.password.expose()).run()
}

/// The number that `keyward get` shows; `None` if it is not whole.
fn get(keyward: Command, user: &str) -> Option<u64> {
    let get = ["get", "store", "-n", "-p", "--user", user];
    let shown = Invocation::from(keyward).args(get).run().ends(0).into_text();
    let (username, password) = shown.split_once('\n')?;
    let password = password.strip_suffix('\n')?;
    number(&keyward::Credentials::new(username, password))
}
