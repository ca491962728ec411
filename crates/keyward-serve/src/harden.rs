//! Hardens the process at its start.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

use crate::log::{Format, Log};

/// Disables core dumps and debuggers of the same user, and keeps values out of the messages of
/// panics: they may contain a secret.
pub(crate) fn process() {
    // Neither can fail on a kernel that supports it; on another kernel there is nothing to disable.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let limit = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
    let _ = setrlimit(Resource::Core, limit);
    std::panic::set_hook(Box::new(|panic| {
        if !keyward_core::panic_is_caught() {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            Log::new(Format::Text)
                .error("this is a fault in keyward-serve itself", &[("place", &place)]);
        }
    }));
}
