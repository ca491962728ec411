//! A test that goes on in a process of its own.

use std::path::Path;
use std::process::Command;

/// Set in the child.
const CHILD: &str = "KEYWARD_TEST_CHILD";

/// What the parent of this process handed it, if it is such a child.
pub(crate) fn task() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// The test of this name, as a process that is handed `task`.
pub(crate) fn start(test: &str, task: &Path) -> Command {
    run(&std::env::current_exe().unwrap(), test, task)
}

/// The same, in a copy of this program.
pub(crate) fn run(program: &Path, test: &str, task: &Path) -> Command {
    let mut child = Command::new(program);
    child.args(["--exact", test, "--nocapture"]).env(CHILD, task);
    child
}
