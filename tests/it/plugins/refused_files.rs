//! Files that cannot be trusted, and command lines that make no sense.

use std::os::unix::fs::symlink;

use super::{FOLDER, chmod, describe, home, others_work, put, sha256};
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::plugin_fixtures::library_in_c;

#[test]
fn what_is_no_plugin_is_not_trusted() {
    let (home, library) = home();
    let bytes = std::fs::read(&library).unwrap();
    let text = put(&home, "lib/text.so", b"hello", 0o644);
    let short = put(&home, "lib/short.so", &bytes[..4096], 0o644);
    let libc = home.path("lib/libc.so");
    std::fs::copy("/lib/x86_64-linux-gnu/libm.so.6", &libc).unwrap();
    chmod(&libc, 0o644);
    symlink(&library, home.path("lib/link.so")).unwrap();
    let link = library.replace("libdrawer", "link");
    let other = library.replace("libdrawer", "libc");
    let silent = put(&home, "lib/silent.sh", b"#!/bin/sh\nexit 3\n", 0o755);
    for (path, code, says) in [
        (&text[..], 7, "text.so"),
        (&short, 7, "short.so"),
        (&other, 7, "is not a Keyward plugin"),
        (&link, 4, "is a symbolic link"),
        (&silent, 7, "silent.sh"),
        ("/nowhere", 7, "does not exist"),
        ("lib/libdrawer.so", 4, "not a plain absolute path"),
        ("/etc", 2, "contains no library"),
        ("/dev/null", 4, "is not a regular file"),
    ] {
        let ran = home.keyward(&format!("plugin trust {path} --yes")).run();
        ran.ends(code).says(says);
        assert!(!home.path(FOLDER).exists(), "{path}");
    }
    chmod(library.as_ref(), 0o664);
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(4).says("chmod go-w");
}

/// A library that cannot be used: what is wrong, its content, the exit codes of `plugin trust` and
/// of a later use, and the reason in the message.
///
/// If the file is valid, `plugin trust` tries the library in a separate process. If that process
/// fails, the exit code is 7.
type Unfit = (&'static str, fn(&Home) -> Vec<u8>, [i32; 2], &'static str);

const UNFIT: [Unfit; 5] = [
    (
        "for another machine",
        |home| {
            let mut bytes = library(home, "shelf.c", &[]);
            // `e_machine` of its header.
            bytes[18] = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
            bytes
        },
        [7, 7],
        "is built for ",
    ),
    (
        "for another entry",
        |home| library(home, "shelf.c", &["-Dkeyward_plugin_v1__shelf=keyward_plugin_v2__shelf"]),
        [7, 7],
        "is built for version 2 of the plugin interface",
    ),
    (
        "with another table",
        |home| library(home, "hostile.c", &["-DSPOILT=MAJOR"]),
        [7, 7],
        "is built for version 2.0 of the interface",
    ),
    (
        "with other libraries in sight",
        |home| library(home, "shelf.c", &["-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"]),
        [4, 4],
        "has a RUNPATH",
    ),
    (
        "with panics that end the program",
        |home| library(home, "hostile.c", &["-DSPOILT=ABORTS"]),
        [7, 4],
        "a panic would end the program",
    ),
];

/// Builds one of the fixtures in C with these flags.
fn library(home: &Home, source: &str, flags: &[&str]) -> Vec<u8> {
    let built = home.path("built.so");
    library_in_c(&built, source, flags);
    std::fs::read(built).unwrap()
}

#[test]
fn what_is_built_wrongly_is_not_trusted_and_not_used() {
    for (what, build, [trusted, used], says) in UNFIT {
        let (home, _) = home();
        let path = put(&home, "lib/unfit.so", &build(&home), 0o644);
        let is_one_line = |ran: Finished| {
            let lines = ran.err.lines().filter(|line| !line.starts_with("  hint: "));
            assert_eq!(lines.count(), 1, "{what}: {}", ran.err);
        };
        let trust = home.keyward(&format!("plugin trust {path} --yes")).run();
        is_one_line(trust.ends(trusted).says(says));
        assert!(!home.path(FOLDER).exists(), "{what}");

        // A plugin file that was written by hand does not help.
        let digest = sha256(&path);
        let text = format!(
            "version = 1\ndoor = \"load\"\npath = \"{path}\"\nsha256 = \"{digest}\"\nbackends = [\"storage shelf\"]\n"
        );
        describe(&home, "unfit", &text);
        let show = home.keyward("backend show storage shelf").run();
        is_one_line(show.ends(used).prints("").says(says));
        others_work(&home);
    }
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let (home, library) = home();
    let script = put(&home, "lib/p.sh", b"#!/bin/sh\n", 0o755);
    for line in [
        format!("{library} -- --cache"),
        format!("{library} --env LANG"),
        format!("{library} --name {}", "x".repeat(65)),
        format!("{script} --needs {library}"),
        format!("{script} --env LD_PRELOAD"),
        String::new(),
    ] {
        home.keyward(&format!("plugin trust --yes {line}")).run().ends(2);
        assert!(!home.path(FOLDER).exists(), "{line}");
    }
}
