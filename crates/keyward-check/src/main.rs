//! The program that `keyward plugin check` starts for each case. It contains the conformance suites,
//! and runs the code to check, which may crash it.
//!
//! It reads one request from standard input, and writes one reply, both as JSON.

mod case;
mod panics;
mod subject;

use std::process::ExitCode;

fn main() -> ExitCode {
    match case::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
