//! The console sessions of a page.

use std::fs;

use xtask::root;
use xtask::transcript::{Home, Step, steps};

use crate::helpers::program::keyward;

/// How many commands a page shows.
pub(crate) fn steps_of(page: &str) -> usize {
    read(page).len()
}

/// Runs what a page shows, from its top to its end in one scratch home, and gives what is not as
/// the page says.
pub(crate) fn wrong(page: &str) -> Vec<String> {
    let keyward = keyward();
    let programs = keyward.parent().unwrap();
    let name = page.replace('/', "-");
    let home =
        Home::new(&programs.join(format!("{name}-{}", std::process::id())), programs).unwrap();
    let mut wrong = Vec::new();
    for step in read(page) {
        let printed = home.run(&step).unwrap();
        if !step.agrees(&printed) {
            let Step { command, expected } = step;
            wrong.push(format!("$ {command}\n{printed}\n— and {page} says\n{expected}"));
        }
    }
    wrong
}

fn read(page: &str) -> Vec<Step> {
    let text = fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
    steps(&text)
}
