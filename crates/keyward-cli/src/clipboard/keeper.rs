//! The second process: puts the value on the clipboard, waits, and clears the clipboard.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use keyward::Environment;
use keyward_core::{Error, MAX_RECORD, Secret};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::programs::Programs;
use crate::input::standard_input;
use crate::output::print;
use crate::stop::{Outcome, usage_error};

/// What it prints when the value is on the clipboard.
pub(super) const DONE: &str = "done";

/// Does what the second process is for.
pub(crate) fn keep(arguments: &[OsString]) -> Outcome {
    let environment = Environment::current();
    let [_, _, name, seconds] = arguments else {
        return Err(usage_error("only Keyward itself uses this option"));
    };
    let seconds = seconds.to_str().and_then(|text| text.parse().ok());
    let (Some(programs), Some(seconds)) = (Programs::named(name, &environment), seconds) else {
        return Err(usage_error("only Keyward itself uses this option"));
    };
    // It fails only in a process that leads a session already.
    let _ = rustix::process::setsid();
    let end = Signals::new().map_err(|error| Error::io("clip", error))?;
    let value = standard_input().and_then(|input| Secret::read_from(input, MAX_RECORD));
    let value = value.map_err(|error| Error::io("clip", error))?;
    match programs.put(&value) {
        Ok(()) => print(DONE)?,
        Err(error) => return print(&error.to_string()),
    }
    end.wait(Duration::from_secs(seconds));
    programs.clear(&value).map_err(|error| Error::io("clip", error).into())
}

/// The signals that end the process early, such as at the end of the user's session.
struct Signals(UnixStream);

impl Signals {
    fn new() -> io::Result<Self> {
        let (signals, reached) = UnixStream::pair()?;
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::low_level::pipe::register(signal, reached.try_clone()?)?;
        }
        Ok(Self(signals))
    }

    /// Waits this long, or until a signal comes.
    fn wait(mut self, time: Duration) {
        // Both a signal and the end of the time end the read.
        let waits = self.0.set_read_timeout(Some(time));
        drop(waits.and_then(|()| self.0.read(&mut [0])));
    }
}
