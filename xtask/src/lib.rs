//! The project's own commands, one module each: `cargo xtask COMMAND`.
//!
//! It is a library with a small main, because the tests read the README's [`transcript`] as
//! `quickstart` does, and pack the program as [`dist`] does.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "commands print for the user who runs them"
)]

use std::process::ExitCode;

mod bench;
mod ci;
pub mod dist;
mod docs;
mod fuzz;
mod node;
mod packages;
mod plugins;
mod python;
mod quickstart;
mod shell;
mod test;
mod tidy;
mod tools;
pub mod transcript;

pub use plugins::not_linked;
pub use shell::{Result, root};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  quickstart      build the program and run the README's example in a scratch home
  test [ARG]...   install what the tests need, then run every test; ARGs go to `cargo nextest run`;
                  with --fast first, run only tests that need no servers and little time
  bench           measure the speed of the released program, for docs/performance.md; ENTRIES ROUNDS for a shorter run
  ci [STAGE]...   run fmt, tidy, clippy, doc, deny and audit, or the named stages; with --fuzz, then also `fuzz`
  fuzz            search for bytes that break a parser, for a minute each; or TARGET or --all, and SECONDS;
                  --merge removes files of the corpora that reach nothing new
  plugins         build every crate of backends as a shared library, into FOLDER; with --dev, unoptimised
  dist            build the Debian package, into FOLDER; with --dev, unoptimised
  tidy            check the repository's own rules, which no compiler checks
  docs            write the parts of the documentation that are made from the code";

/// Runs the command that the arguments name.
pub fn main(arguments: Vec<String>) -> ExitCode {
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let done = match command {
        "quickstart" => quickstart::run(),
        "test" => test::run(rest),
        "bench" => bench::run(rest),
        "ci" => ci::run(rest),
        "fuzz" => fuzz::run(rest),
        "plugins" => plugins::run(rest),
        "dist" => dist::run(rest),
        "tidy" => tidy::run(),
        "docs" => docs::run(),
        "help" | "-h" | "--help" => {
            println!("{USAGE}");
            Ok(())
        }
        other => {
            eprintln!("error: there is no command `{other}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
