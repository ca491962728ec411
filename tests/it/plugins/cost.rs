//! The cost of plugins for commands that need none.

use std::fs;

use super::home;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// Returns the system calls of `keyward get plain` on plugins and their folders.
fn calls(home: &Home) -> Vec<String> {
    let log = home.path("strace.log");
    let strace = home.program("strace").args(["-f", "-qq", "-o"]).arg(&log).arg(keyward());
    strace.args(["get", "plain", "-p"]).run().ends(0).prints("plain\n");
    let calls = fs::read_to_string(log).unwrap();
    let calls = calls.lines().filter(|call| call.contains("plugin") || call.contains("drawer"));
    calls.map(str::to_owned).collect()
}

#[test]
fn without_a_plugin_two_folders_are_not_there() {
    let (home, _) = home();
    let calls = calls(&home);
    // The user's folder is checked when the configuration is loaded, and searched afterwards.
    let [judged, system, own] = &calls[..] else { panic!("{calls:#?}") };
    assert!(
        system.contains("\"/etc/keyward/plugins\"")
            && system.ends_with("(No such file or directory)"),
        "{system}"
    );
    for own in [judged, own] {
        assert!(
            own.contains("/.config/keyward/plugins\"")
                && own.ends_with("(No such file or directory)"),
            "{own}"
        );
    }
}

#[test]
fn a_plugin_that_is_not_needed_is_not_looked_at() {
    let (home, library) = home();
    home.keyward(&format!("plugin trust {library} --yes")).run().ends(0);
    let calls = calls(&home);
    assert!(calls.iter().any(|call| call.contains("/plugins/drawer.toml")), "{calls:#?}");
    assert!(calls.iter().all(|call| !call.contains(&library)), "{calls:#?}");
    assert!(
        calls.iter().all(|call| !call.contains("memfd") && !call.contains("clone")),
        "{calls:#?}"
    );
}
