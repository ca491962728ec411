//! The backends of one linked crate, behind the door `run`: what a test starts to use them so.

use std::process::ExitCode;

fn main() -> ExitCode {
    let package = std::env::args().nth(1).unwrap_or_default();
    match keyward_tests::serve(&package) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.kind().code()),
    }
}
