//! Files that cannot be trusted, and command lines that make no sense.

use std::os::unix::fs::symlink;

use super::{FOLDER, chmod, home, put};

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
        ("/nowhere", 7, "is not there"),
        ("lib/libdrawer.so", 4, "not a plain absolute path"),
        ("/etc", 4, "is not a regular file"),
        ("/dev/null", 4, "is not a regular file"),
    ] {
        let ran = home.keyward(&format!("plugin trust {path} --yes")).run();
        ran.ends(code).says(says);
        assert!(!home.path(FOLDER).exists(), "{path}");
    }
    chmod(library.as_ref(), 0o664);
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(4).says("chmod go-w");
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
