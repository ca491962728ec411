//! Several at once.

use std::thread;

use super::{git, helper, helpers, setup};
use crate::helpers::sandbox::Sandbox;

/// How many of each kind.
const MANY: usize = 6;

#[test]
fn of_many_setups_at_once_one_line_comes_and_nobody_elses_goes() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitconfig", "[user]\n\tname = Ann");
    thread::scope(|scope| {
        for number in 0..MANY {
            let sandbox = &sandbox;
            scope.spawn(move || setup(sandbox, "").run().ends(0));
            scope.spawn(move || {
                let line = format!("config --global some.key{number} value");
                // Git does not wait for its lock.
                while git(sandbox, &line).run().code != 0 {}
            });
        }
    });
    let keys = || {
        let listed = git(&sandbox, "config --global --name-only --get-regexp ^some").run();
        listed.text().lines().count()
    };
    assert_eq!(helpers(&sandbox, ".gitconfig"), [helper("git")]);
    assert_eq!(keys(), MANY);
    setup(&sandbox, "--undo").run().ends(0);
    assert_eq!(helpers(&sandbox, ".gitconfig"), [""; 0]);
    assert_eq!(keys(), MANY);
    sandbox.keyward("list").run().ends(0).prints("git\n");
}
