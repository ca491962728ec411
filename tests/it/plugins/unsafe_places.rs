//! Plugins that another user could replace, or that are not the trusted ones.

use std::fs;
use std::os::unix::fs::{chown, symlink};

use super::{change, chmod, describe, home, others_work, put, tracer, tracer_text};
use crate::helpers::home::Home;

/// What is done to the file at a path, the exit code of a later use of the plugin, and its state in
/// `plugin list`.
type Attack = (&'static str, fn(&Home, &str), i32, &'static str);

const ATTACKS: [Attack; 12] = [
    ("changed", |_, path| change(path), 4, "changed"),
    ("group can write", |_, path| chmod(path.as_ref(), 0o775), 4, "unsafe"),
    ("others can write", |_, path| chmod(path.as_ref(), 0o757), 4, "unsafe"),
    ("folder's group can write", |home, _| chmod(&home.path("bin/deep"), 0o775), 4, "unsafe"),
    ("others can write the folder", |home, _| chmod(&home.path("bin/deep"), 0o757), 4, "unsafe"),
    ("others can write a grandparent", |home, _| chmod(&home.path("bin"), 0o757), 4, "unsafe"),
    ("somebody else's", |_, path| chown(path, Some(4001), None).unwrap(), 4, "unsafe"),
    (
        "somebody else's folder",
        |home, _| chown(home.path("bin"), Some(4001), None).unwrap(),
        4,
        "unsafe",
    ),
    (
        "a link",
        |home, path| {
            fs::rename(path, home.path("real")).unwrap();
            symlink(home.path("real"), path).unwrap();
        },
        4,
        "unsafe",
    ),
    (
        "below a link",
        |home, _| {
            fs::rename(home.path("bin"), home.path("real")).unwrap();
            symlink(home.path("real"), home.path("bin")).unwrap();
        },
        4,
        "unsafe",
    ),
    (
        "a folder",
        |_, path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        4,
        "unsafe",
    ),
    ("gone", |_, path| fs::remove_file(path).unwrap(), 7, "missing"),
];

#[test]
fn a_file_that_is_not_safe_or_not_the_same_is_not_run() {
    for (what, attack, code, state) in ATTACKS {
        let (home, _) = home();
        let path = tracer(&home);
        attack(&home, &path);
        not_run(&home, what, code, state);
    }
}

#[test]
fn a_path_that_is_not_plain_is_not_run() {
    let (home, _) = home();
    let path = tracer(&home);
    let name = path.rsplit('/').next().unwrap();
    for shown in [
        "bin/deep/tracer.sh".to_owned(),
        path.replace("/deep/", "/deep/../deep/"),
        path.replace("/deep/", "//deep/"),
        format!("./{name}"),
        format!("{path}/"),
    ] {
        describe(&home, "tracer", &tracer_text(&shown, &path));
        not_run(&home, &shown, 4, "unsafe");
    }
}

/// An unchanged plugin runs, with only the variables that it may see.
#[test]
fn what_was_trusted_is_run() {
    let (home, _) = home();
    tracer(&home);
    let list = |line: &str| home.keyward(line).env("SEEN", "1").env("HIDDEN", "1").run();
    list("plugin list").ends(0);
    list("doctor").ends(0);
    assert!(!home.path("trace").exists());
    list("backend list").ends(7);
    let trace = home.read("trace");
    assert!(trace.contains("SEEN=1\n"), "{trace}");
    for hidden in ["HIDDEN", "ABSENT", "HOME", "PATH=/usr/local"] {
        assert!(!trace.contains(hidden), "{trace}");
    }
    others_work(&home);
}

#[track_caller]
fn not_run(home: &Home, what: &str, code: i32, state: &str) {
    home.keyward("backend show storage tracer").run().ends(code).prints("");
    let listed = home.keyward("backend list").run().ends(code);
    assert_eq!(
        listed.text().lines().filter(|line| line.contains(" linked ")).count(),
        44,
        "{what}"
    );
    home.keyward("doctor").run().ends(code);
    let listed = home.keyward("plugin list --json").run().ends(0).json();
    assert_eq!(listed[0]["state"], state, "{what}");
    assert!(!home.path("trace").exists(), "{what}");
    others_work(home);
}

#[test]
fn a_changed_library_is_neither_loaded_nor_run() {
    for run in ["", "--run"] {
        let (home, library) = home();
        home.keyward(&format!("plugin trust {library} --yes {run}")).run().ends(0);
        home.keyward("init s --storage drawer --option key.from=file").run().ends(0);
        change(&library);
        let says = format!("keyward plugin trust '{library}'");
        home.keyward("get s").run().ends(4).prints("").says("has changed").says(&says);
        fs::remove_file(&library).unwrap();
        home.keyward("get s").run().ends(7).says("does not exist");
        others_work(&home);
    }
}

/// The program that runs a library is checked by its place.
#[test]
fn a_host_in_a_bad_place_is_not_run() {
    let (home, library) = home();
    home.keyward(&format!("plugin trust {library} --yes --run")).run().ends(0);
    let script = format!("#!/bin/sh\ntouch '{}'\n", home.path("trace").display());
    let host = put(&home, "bin/host", script.as_bytes(), 0o757);
    let file = home.path(".config/keyward/plugins/drawer.toml");
    let text = fs::read_to_string(&file).unwrap();
    let keyward = crate::helpers::program::keyward();
    fs::write(&file, text.replace(keyward.to_str().unwrap(), &host)).unwrap();
    home.keyward("backend show storage drawer").run().ends(4).says("can be written by other users");
    assert!(!home.path("trace").exists());
}

/// `plugin host` itself checks the hash that it is passed.
#[test]
fn a_host_serves_the_pinned_library_alone() {
    let (home, library) = home();
    let digest = super::sha256(&library);
    home.keyward(&format!("plugin host {library} --sha256 {digest}")).run().ends(0).says_nothing();
    let other = digest.replace(|digit| digit != '0', "0");
    let host = format!("plugin host {library} --sha256 {other}");
    home.keyward(&host).run().ends(4).prints("").says("has changed");
    home.keyward(&format!("plugin host {library} --sha256 x")).run().ends(2);
    home.keyward("plugin host libdrawer.so").current_dir(&home.path("lib")).run().ends(4);
}
