//! Continues a test in a separate process.

use std::path::Path;
use std::process::Command;

/// Set in the child.
const CHILD: &str = "KEYWARD_TEST_CHILD";

/// Returns the task that the parent gave to this process, if it is such a child.
pub(crate) fn task() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// Makes the command that runs the test of this name in a process, with `task`.
pub(crate) fn start(test: &str, task: &Path) -> Command {
    run(&std::env::current_exe().unwrap(), test, task)
}

/// Makes the same command for a copy of this program.
pub(crate) fn run(program: &Path, test: &str, task: &Path) -> Command {
    let mut child = Command::new(program);
    child.args(["--exact", test, "--nocapture"]).env(CHILD, task);
    child
}
