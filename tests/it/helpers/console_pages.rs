//! The console sessions of a page.

use std::fs;
use std::path::Path;

use xtask::root;
use xtask::transcript::{Step, steps};

use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// Returns the steps that a page shows.
pub(crate) fn steps_of(page: &str) -> Vec<Step> {
    let text = fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
    steps(&text)
}

/// Runs steps one after the other in a home, and returns the commands whose output differs from the
/// expected output.
pub(crate) fn differences(home: &Home, steps: Vec<Step>) -> Vec<String> {
    differences_with(home, steps, keyward().parent().unwrap())
}

/// The same with these programs first in the search path.
pub(crate) fn differences_with(home: &Home, steps: Vec<Step>, programs: &Path) -> Vec<String> {
    let run = |step: Step| {
        let printed = step.run(home.folder(), programs).unwrap();
        let Step { command, expected } = &step;
        let differs = !step.agrees(&printed);
        differs.then(|| format!("$ {command}\n{printed}\n— but the page says\n{expected}"))
    };
    steps.into_iter().filter_map(run).collect()
}
