//! What the process gives up at its very start.

use std::sync::Arc;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core dumps, nobody who attaches, no panic that prints what it was working on; and a limit on
/// the size of files is an error of the write that meets it, not the end of the process.
pub(crate) fn process() {
    // Neither can fail on a kernel that has them, and one that lacks them has nothing to give up.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    std::panic::set_hook(Box::new(|panic| {
        if keyward_core::panic_is_caught() {
            return;
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        crate::output::complain(&format!("error: this is a fault in keyward itself ({place})"));
    }));
}
