//! Hardens the process at its start.

use std::sync::{Arc, OnceLock};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use signal_hook::consts::{SIGPIPE, SIGXFSZ};

/// Disables core dumps and debuggers of the same user, and keeps values out of the messages of
/// panics. A write beyond the limit on file sizes, or to a closed pipe, returns an error and does
/// not end the process.
pub(crate) fn process() {
    fill_standard_streams();
    // Neither can fail on a kernel that supports it; on another kernel there is nothing to disable.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = set_core_limit(Some(0));
    for signal in [SIGXFSZ, SIGPIPE] {
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
    std::panic::set_hook(Box::new(|panic| {
        if keyward_core::panic_is_caught() {
            return;
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        crate::output::print_message(&format!(
            "error: this is a fault in keyward itself ({place})"
        ));
    }));
}

/// The limit on core dumps that the process started with.
static CORE_LIMIT: OnceLock<Rlimit> = OnceLock::new();

/// Sets the limit on core dumps of this process, and of the programs that it starts.
fn set_core_limit(current: Option<u64>) -> rustix::io::Result<()> {
    let before = getrlimit(Resource::Core);
    let maximum = CORE_LIMIT.get_or_init(|| before).maximum;
    setrlimit(Resource::Core, Rlimit { current, maximum })
}

/// Restores the limit on core dumps for a program that replaces this one or is started by it: the
/// user's program should behave as if it had been started without keyward.
pub(crate) fn restore_core_limit() {
    if let Some(before) = CORE_LIMIT.get() {
        let _ = set_core_limit(before.current);
    }
}

/// Opens `/dev/null` in place of each standard stream that is closed. Otherwise the next file that
/// the process opens would get the number of that stream, and the process would read from the file
/// or print to it. `/dev/null` is opened for the wrong direction, so that to read from a closed
/// input, or to write to a closed output, is an error and not an empty success.
fn fill_standard_streams() {
    for (stream, wrong_way) in [
        (rustix::stdio::stdin(), OFlags::WRONLY),
        (rustix::stdio::stdout(), OFlags::RDONLY),
        (rustix::stdio::stderr(), OFlags::RDONLY),
    ] {
        if rustix::io::fcntl_getfd(stream) == Err(Errno::BADF) {
            // The kernel takes the lowest free number, which is the number of this stream. It stays
            // open.
            match rustix::fs::open("/dev/null", wrong_way, Mode::empty()) {
                Ok(nothing) => std::mem::forget(nothing),
                // There is no stream to report the error on.
                Err(_) => std::process::abort(),
            }
        }
    }
}
