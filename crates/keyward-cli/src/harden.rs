//! What the process gives up at its very start.

use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use signal_hook::consts::{SIGPIPE, SIGXFSZ};

/// No core dumps, nobody who attaches, no panic that prints what it was working on. A limit on the size of
/// files, and a reader that has gone, are errors of the write that meets them, not the end of the process.
pub(crate) fn process() {
    fill_standard_streams();
    // Neither can fail on a kernel that has them, and one that lacks them has nothing to give up.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    for signal in [SIGXFSZ, SIGPIPE] {
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
    std::panic::set_hook(Box::new(|panic| {
        if keyward_core::panic_is_caught() {
            return;
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        crate::output::complain(&format!("error: this is a fault in keyward itself ({place})"));
    }));
}

/// Opens `/dev/null` in place of a standard stream that is closed: the next file that is opened would get its
/// number, and be read from or printed into. It is opened for the wrong direction, so that to read from a
/// closed input, or to write to a closed output, is an error and not an empty success.
fn fill_standard_streams() {
    for (stream, wrong_way) in [
        (rustix::stdio::stdin(), OFlags::WRONLY),
        (rustix::stdio::stdout(), OFlags::RDONLY),
        (rustix::stdio::stderr(), OFlags::RDONLY),
    ] {
        if rustix::io::fcntl_getfd(stream) == Err(Errno::BADF) {
            // The lowest number that is free is this stream's, and stays so.
            match rustix::fs::open("/dev/null", wrong_way, Mode::empty()) {
                Ok(nothing) => std::mem::forget(nothing),
                // There is nowhere to say so.
                Err(_) => std::process::abort(),
            }
        }
    }
}
