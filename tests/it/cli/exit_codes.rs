//! Each exit code, in a situation for which `docs/exit-codes.md` promises it.

use std::fs;
use std::process::{Command, Stdio};

use crate::helpers::home::Home;
use crate::helpers::program::keyward;

const STORE: &str = ".config/keyward/stores/s.toml";

fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin -u b").input("x").run().ends(0);
    home
}

/// A way to make `get s -u b` fail.
type Ruin = fn(&Home);

#[test]
fn the_exit_code_says_why_there_is_no_credential() {
    let cases: &[(i32, &str, Ruin)] = &[
        (0, "nothing is wrong", |_| ()),
        (2, "its backend is not there", |home| change(home, "\"cbor\"", "\"nope\"")),
        (3, "it was unset", |home| drop(home.keyward("unset s -u b").run().ends(0))),
        (4, "others can write the store's file", |home| chmod(home, STORE, 0o666)),
        (4, "others can read the key", |home| chmod(home, &key(home), 0o644)),
        (6, "the key is gone", |home| fs::remove_file(home.path(key(home))).unwrap()),
        (6, "the key is another one", |home| fs::write(home.path(key(home)), [7; 32]).unwrap()),
        (6, "the record was altered", |home| {
            let mut bytes = fs::read(home.path(record(home))).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(home.path(record(home)), bytes).unwrap();
        }),
        (6, "the record was cut", |home| fs::write(home.path(record(home)), "").unwrap()),
        (7, "its folder is a file", |home| {
            let elsewhere = home.write("file", "");
            change(home, "%data%/stores/%id%", &format!("{}/below", elsewhere.display()));
        }),
    ];
    for (code, why, ruin) in cases {
        let home = home();
        ruin(&home);
        let ran = home.keyward("get s -u b").run();
        assert_eq!(ran.code, *code, "{why}: {}", ran.err);
        assert_eq!(ran.err.is_empty(), *code == 0, "{why}: {}", ran.err);
    }
}

#[test]
fn a_lost_key_is_not_replaced() {
    let home = home();
    let key = home.path(key(&home));
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    for line in ["get s -u b", "set s ann --stdin -u b", "set s ann --stdin -u c", "store rotate s"]
    {
        home.keyward(line).input("y").run().ends(6);
        assert!(!key.exists(), "{line}");
    }
    fs::write(&key, kept).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&key, mode).unwrap();
    home.keyward("get s -p -u b").run().ends(0).prints("x\n");
}

#[test]
fn a_store_that_is_being_removed_takes_nothing_and_is_finished_by_rm() {
    let home = home();
    change(&home, "version = 1\n", "version = 1\ndeleting = true\n");
    home.keyward("set s ann --stdin").input("y").run().ends(8).says("is being removed");
    home.keyward("init s").run().ends(2).says("finish the removal with `keyward rm s`");
    home.keyward("rm s --yes").run().ends(0);
    home.keyward("list").run().ends(0).prints("");
}

#[test]
fn other_failures_are_1() {
    let home = home();
    home.keyward("config edit").env("EDITOR", "false").run().ends(1);
}

#[test]
fn verify_names_what_does_not_open() {
    let home = home();
    fs::write(home.path(record(&home)), "ruined").unwrap();
    home.keyward("store verify s")
        .run()
        .ends(6)
        .prints("0 good, 0 not openable by you, 1 corrupt\n")
        .says("b: corrupt");
}

#[test]
fn a_damaged_database_is_no_fault_of_the_program() {
    for (storage, file) in [("sqlite", "/store.db"), ("redb", "/store.redb")] {
        let home = Home::with_store(&format!("--option key.from=file --storage {storage}"));
        home.keyward("set s ann --stdin -u b").input("x").run().ends(0);
        let database = home.path(only(&home, ".local/share/keyward/stores", file));
        let mut bytes = fs::read(&database).unwrap();
        bytes[4096..].fill(0xff);
        fs::write(&database, bytes).unwrap();
        home.keyward("get s -u b").run().ends(6);
        home.keyward("set s ann --stdin -u b").input("x").run().ends(6);
        let key = home.path(only(&home, ".local/state/keyward/keys", ""));
        assert!(key.exists());
        home.keyward("rm s --yes").run().ends(0);
        assert!(!database.exists(), "{storage}");
        assert!(!key.exists(), "{storage}: the store's id names the key");
        home.keyward("get s -u b").run().ends(2);
    }
}

#[test]
fn a_closed_pipe_prints_no_message() {
    let home = home();
    let script = "exec 9>&1; { \"$@\"; echo $? >&9; } | :";
    let ran = home
        .program("sh")
        .args(["-c", &format!("sleep 0.1 | {{ {script}; }}"), "sh"])
        .arg(keyward())
        .arg("help")
        .run()
        .ends(0)
        .says_nothing();
    assert!(["0\n", "141\n"].contains(&ran.text()), "{}", ran.text());
}

#[test]
fn signals_end_the_program() {
    let home = home();
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        // The process that runs the tests may ignore signals, and children inherit that.
        let mut child = Command::new("env")
            .arg("--default-signal")
            .arg(keyward())
            .args(["set", "s", "ann", "--stdin"])
            .env("HOME", home.path(""))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        while !fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap().contains("keyward")
        {
            std::thread::yield_now();
        }
        let kill = ["-s", signal, &child.id().to_string()].map(str::to_owned);
        assert!(Command::new("kill").args(kill).status().unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(number),
            "{status}"
        );
    }
}

fn change(home: &Home, from: &str, to: &str) {
    let text = home.read(STORE);
    assert!(text.contains(from), "{text}");
    fs::write(home.path(STORE), text.replace(from, to)).unwrap();
}

fn chmod(home: &Home, path: &str, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(home.path(path), mode).unwrap();
}

/// Returns the only file below `folder` whose path ends with `end`.
fn only(home: &Home, folder: &str, end: &str) -> String {
    let below = home.path(folder);
    let files = home.files();
    let mut found = files.iter().filter(|(path, content)| {
        path.starts_with(&below) && path.to_str().unwrap().ends_with(end) && !content.is_empty()
    });
    let (path, _) = found.next().unwrap();
    assert!(found.next().is_none());
    path.strip_prefix(home.path("")).unwrap().to_str().unwrap().to_owned()
}

fn key(home: &Home) -> String {
    only(home, ".local/state/keyward/keys", "")
}

fn record(home: &Home) -> String {
    only(home, ".local/share/keyward/stores", "/b/%")
}
