//! The `keyward` program as a library.
//!
//! To build a program with your own backends, call [`main`] and name the crate of the backends:
//! `use my_backend as _;`.

mod arguments;
mod askpass;
mod browser;
mod candidates;
mod clipboard;
mod command_line;
mod commands;
mod console;
mod editor;
mod exit;
mod findings;
mod generate;
mod harden;
mod input;
mod json;
mod mask;
mod output;
mod password;
mod progress;
mod session;
mod shell;
mod stop;
mod terminal;

use std::process::ExitCode;

use keyward_defaults as _;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    status().into()
}

/// Does the same as [`main`] for a program that defines C's `main`, and returns the exit status,
/// also after a panic.
#[doc(hidden)]
pub fn status() -> u8 {
    /// The exit status with which the standard library ends a process after a panic.
    const PANICKED: u8 = 101;

    let run = || {
        harden::process();
        exit::report(command_line::run(std::env::args_os().collect()))
    };
    let status = std::panic::catch_unwind(run).unwrap_or(PANICKED);
    terminal::restore();
    status
}
