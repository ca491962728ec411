//! Several setups at the same time.

use std::thread;

use super::{git, helper, helpers, setup};
use crate::helpers::home::Home;

/// How many of each kind.
const MANY: usize = 6;

#[test]
fn simultaneous_setups_add_one_line_and_remove_no_other() {
    let home = Home::new();
    home.write(".gitconfig", "[user]\n\tname = Ann");
    thread::scope(|scope| {
        for number in 0..MANY {
            let home = &home;
            scope.spawn(move || setup(home, "").run().ends(0));
            scope.spawn(move || {
                let line = format!("config --global some.key{number} value");
                // Git does not wait for its lock.
                while git(home, &line).run().code != 0 {}
            });
        }
    });
    let keys = || {
        let listed = git(&home, "config --global --name-only --get-regexp ^some").run();
        listed.text().lines().count()
    };
    assert_eq!(helpers(&home, ".gitconfig"), [helper("git")]);
    assert_eq!(keys(), MANY);
    setup(&home, "--undo").run().ends(0);
    assert_eq!(helpers(&home, ".gitconfig"), [""; 0]);
    assert_eq!(keys(), MANY);
    home.keyward("list").run().ends(0).prints("git\n");
}
