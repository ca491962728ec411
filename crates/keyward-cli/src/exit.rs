//! Ends the program with an exit code.

use std::io;

use crate::output::complain;
use crate::stop::{Outcome, Stop, code_of};

/// Does the work for each item, even after it failed for another one.
///
/// Returns the last failure, and reports those before it. If standard output cannot be written, it
/// returns at once: it could not print the next result either.
pub(crate) fn each<T>(
    things: impl IntoIterator<Item = T>,
    mut work: impl FnMut(T) -> Outcome,
) -> Outcome {
    let mut outcome = Ok(());
    for thing in things {
        match work(thing) {
            Ok(()) => {}
            Err(Stop::Output(error)) => return Err(Stop::Output(error)),
            failure => {
                status(std::mem::replace(&mut outcome, failure));
            }
        }
    }
    outcome
}

/// Reports a failure on standard error, and returns the exit code.
pub(crate) fn status(outcome: Outcome) -> u8 {
    match outcome {
        Ok(()) => 0,
        // The program that read the output has closed it, and needs no message.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 141,
        Err(Stop::Output(error)) => {
            complain(&format!("error: standard output cannot be written\n  because: {error}"));
            1
        }
        Err(Stop::Code(code, message)) => {
            complain(&message);
            code
        }
        Err(Stop::Failed(error)) => {
            complain(&format!("error: {}", error.report()));
            code_of(error.kind())
        }
    }
}
