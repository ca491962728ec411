//! Ends the program with an exit code.

use std::io;

use crate::output::print_message;
use crate::stop::{Outcome, Stop, exit_code};

/// Does the work for each item, even after it failed for another one.
///
/// Returns the last failure, and reports those before it. If standard output cannot be written, it
/// returns at once: it could not print the next result either.
pub(crate) fn each<T>(
    items: impl IntoIterator<Item = T>,
    mut work: impl FnMut(T) -> Outcome,
) -> Outcome {
    let mut outcome = Ok(());
    for item in items {
        match work(item) {
            Ok(()) => {}
            Err(Stop::Output(error)) => return Err(Stop::Output(error)),
            failure => {
                report(std::mem::replace(&mut outcome, failure));
            }
        }
    }
    outcome
}

/// Reports a failure on standard error, and returns the exit code.
pub(crate) fn report(outcome: Outcome) -> u8 {
    match outcome {
        Ok(()) => 0,
        // The program that read the output has closed it, and needs no message.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 141,
        Err(Stop::Output(error)) => {
            print_message(&format!("error: standard output cannot be written\n  because: {error}"));
            1
        }
        Err(Stop::Code(code, message)) => {
            print_message(&message);
            code
        }
        Err(Stop::Ended(code)) => code,
        Err(Stop::Failed(error)) => {
            print_message(&format!("error: {}", error.report()));
            exit_code(error.kind())
        }
    }
}
