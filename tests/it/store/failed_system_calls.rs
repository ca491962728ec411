//! When the operating system fails, the old value or the new one is there, and the exit code says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use keyward_tests::{number, value};

use crate::helpers::home::{Home, STORAGES, fed, init, printed};
use crate::helpers::namespace::Namespace;
use crate::helpers::prng::Dice;
use crate::helpers::program::keyward;
use crate::store::killed_writer::files_after_a_write;

/// The system calls that a `set` may make on its way to the disk and back. `close` is not among them: a
/// real one closes whatever it answers, one that strace lets fail does not.
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

/// How many of all the faults there could be a test tries, the same ones each time.
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
    let home = Home::new();
    home.init("store", "file", "aes-gcm");
    put(&home, 0);
    for (when, value, says) in
        [(1, 0, "error: file: write: "), (2, 1, "may not survive a power cut")]
    {
        for error in ["EIO", "ENOSPC"] {
            put(&home, 0);
            let fault = format!("inject=fsync:error={error}:when={when}");
            let output = set(strace(&home, Path::new("/dev/null"), &["-e", &fault]), "victim", 1);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(7), "{fault}: {said}");
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
        let home = crate::helpers::home::scratch();
        let mounted = home.path().join("full");
        namespace.run(&format!("mkdir {}", mounted.display()));
        namespace
            .run(&format!("mount -t tmpfs -o mode=700,size={size} none {}", mounted.display()));
        let command = || namespace.command(&mounted, &keyward());
        printed(command().args(init("store", storage, "clear")).output().unwrap());

        let kept = (0..).find(|number| {
            let output = set(command(), &format!("user-{number}"), *number);
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 7)), "{storage}: {code:?}: {output:?}");
            code == Some(7)
        });
        let kept = kept.unwrap();
        assert!(kept > 5, "{storage}: a store of {size} was full at {kept} entries");
        for user in 0..kept {
            assert_eq!(get(command(), &format!("user-{user}")), Some(user), "{storage}");
        }
        let (old, new) = (kept - 1, kept + 1);
        let output = set(command(), &format!("user-{old}"), new);
        let found = get(command(), &format!("user-{old}")).expect("it is there");
        let expected = if output.status.success() { new } else { old };
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

/// Sets under limits of the operating system, each of them tighter than it likes.
fn under_limits(limit: &str, sizes: &[u32]) {
    for storage in STORAGES {
        let home = Home::new();
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
            failed += u32::from(!output.status.success());
        }
        assert!(failed > 0, "{storage}: no limit was tight enough");
    }
}

fn failing_calls_leave_old_or_new(storage: &str) {
    let home = Home::new();
    home.init("store", storage, "aes-gcm");
    put(&home, 0);
    let ours = files_after_a_write(&home);
    let mut faults = faults(&home);
    let possible = faults.len();
    Dice(5).shuffle(&mut faults);
    faults.truncate(TRIED);

    let mut last = 0;
    let mut codes = BTreeMap::new();
    for fault in faults {
        let output =
            set(strace(&home, Path::new("/dev/null"), &["-e", &fault]), "victim", last + 1);
        *codes.entry(output.status.code()).or_insert(0) += 1;
        last = old_or_new(&home, &output, last, &format!("{storage}, {fault}"), &ours);
    }
    assert!(codes.get(&Some(7)) > Some(&20), "of {possible} faults too few were met: {codes:?}");
}

/// Every fault that a `set` could meet once its program has been loaded.
fn faults(home: &Home) -> Vec<String> {
    let log = home.path().join("log");
    let traced = format!("trace=prctl,{}", CALLS.join(","));
    let output = set(strace(home, &log, &["-e", &traced]), "victim", 0);
    assert!(output.status.success(), "strace is installed: {output:?}");
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

/// The number that is there after a `set` of the next one. It must be the old or the new one, as the
/// exit code says, and the next `set` must leave nothing but the store's files.
fn old_or_new(
    home: &Home,
    output: &Output,
    old: u64,
    what: &str,
    ours: &[std::path::PathBuf],
) -> u64 {
    let code = output.status.code();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("fault in keyward"), "{what}: {said}");
    assert!(
        code.is_some_and(|code| allowed(what).contains(&code)),
        "{what}: {:?}: {said}",
        output.status
    );
    let found = get(home.command(keyward()), "victim").unwrap_or_else(|| panic!("{what}: torn"));
    let new = old + 1;
    assert!(found == new || code != Some(0) && found == old, "{what}: {code:?}, {found} is there");
    put(home, new + 1);
    assert_eq!(files_after_a_write(home), ours, "{what}: left behind");
    new + 1
}

/// The exit codes that a `set` may have which meets this fault: success, or a backend that could not do
/// its work. To SQLite a disk that fails to read is damaged, and a lock that fails is another's.
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
    let output = set(home.command(keyward()), "victim", number);
    assert!(output.status.success(), "{output:?}");
}

fn set(mut keyward: Command, user: &str, number: u64) -> Output {
    let credentials = value(number);
    keyward.args(["set", "store", &credentials.username, "--user", user, "--stdin", "--raw"]);
    fed(&mut keyward, credentials.password.expose())
}

/// The number that `keyward get` shows; `None` if it is not whole.
fn get(mut keyward: Command, user: &str) -> Option<u64> {
    let shown =
        printed(keyward.args(["get", "store", "-n", "-p", "--user", user]).output().unwrap());
    let (username, password) = shown.split_once('\n')?;
    let password = password.strip_suffix('\n')?;
    number(&keyward::Credentials::new(username, password))
}
