//! The `keyward` program as a library.
//!
//! A program of one's own, with backends of one's own, is [`main`] and a line that names their crate:
//! `use my_backend as _;`.

mod arguments;
mod commands;
mod console;
mod editor;
mod exit;
mod findings;
mod git;
mod harden;
mod input;
mod output;
mod password;
mod progress;
mod shell;
mod terminal;

use std::process::ExitCode;

use keyward_defaults as _;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    status().into()
}

/// As [`main`], for a program that begins without the standard library: the exit status, also after a
/// fault of its own.
#[doc(hidden)]
pub fn status() -> u8 {
    /// What the standard library ends with after a panic.
    const PANICKED: u8 = 101;

    let run = || {
        harden::process();
        exit::status(commands::run(std::env::args_os().collect()))
    };
    let status = std::panic::catch_unwind(run).unwrap_or(PANICKED);
    // The end of this process would kill the programs that run, and leave there what they have started.
    keyward_loader::process::finish();
    terminal::restore();
    status
}

/// Runs `keyward-check`, in which `keyward plugin check` has the code that it checks run.
///
/// It is a program of its own, so that `keyward` is not larger by the suites.
pub fn check() -> ExitCode {
    harden::process();
    exit::status(commands::check_inside(std::env::args_os().collect())).into()
}
