//! The system calls of a cold `get`, if store and key are files, are few.

use std::fs;

use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// The most system calls that `get -p` may make, from the program's own first one on. It makes 60,
/// eight of them for the standard library's debug assertions.
const MOST: usize = 62;

/// Returns the system calls of `keyward get s -p`, one per line.
fn traced() -> (Home, Vec<String>) {
    let home = Home::with_store("");
    home.keyward("set s ann --stdin").input("s3cret").run().ends(0);
    let log = home.path("strace.log");
    let strace = home.program("strace").args(["-f", "-qq", "-o"]).arg(&log).arg(keyward());
    strace.args(["get", "s", "-p"]).run().prints("s3cret\n").ends(0);
    let calls = fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect();
    (home, calls)
}

#[test]
fn nothing_is_started_connected_or_loaded() {
    let (home, calls) = traced();
    let name =
        |call: &str| call.split_once(' ').unwrap().1.trim().split('(').next().unwrap().to_owned();
    for forbidden in ["clone", "clone3", "fork", "vfork", "socket", "connect", "bind"] {
        assert!(calls.iter().all(|call| name(call) != forbidden), "{forbidden}: {calls:#?}");
    }
    // The C library, the cache that leads to it, and the user's name.
    let system = ["/etc/ld.so.cache", "/libc.so.6", "/etc/passwd"];
    let home = home.path("");
    let ours = ["/etc/keyward/", home.to_str().unwrap()];
    for call in calls.iter().filter(|call| name(call).starts_with("open")) {
        let file = call.split('"').nth(1).unwrap();
        let known = system.iter().any(|end| file.ends_with(end))
            || ours.iter().any(|start| file.starts_with(start))
            || !file.starts_with('/');
        assert!(known, "{call}");
    }
}

#[test]
fn system_calls_are_few() {
    let (_sandbox, calls) = traced();
    // The calls before this one are those of the dynamic linker.
    let first = calls.iter().position(|call| call.contains("fcntl(0, F_GETFD)")).unwrap();
    let own = &calls[first..];
    assert!(own.len() <= MOST, "{} system calls: {own:#?}", own.len());
}

#[test]
fn closed_standard_streams_are_filled() {
    let home = Home::new();
    let log = home.path("strace.log");
    let strace = home.program("strace").args(["-f", "-qq", "-e", "open,openat", "-o"]).arg(&log);
    // It prints, so the closed output is an error.
    strace.args(["sh", "-c", "exec \"$0\" config path <&- >&- 2>&-"]).arg(keyward()).run().ends(1);
    let calls = fs::read_to_string(log).unwrap();
    let filled: Vec<_> = calls.lines().filter(|call| call.contains("/dev/null")).collect();
    for (stream, call) in filled.iter().enumerate() {
        assert!(call.ends_with(&format!("= {stream}")), "{call}");
    }
    assert_eq!(filled.len(), 3, "{calls}");
}
