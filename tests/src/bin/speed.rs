//! Measures how fast Keyward is: `speed PROGRAM ENTRIES ROUNDS [PAGE|SECTION]`. `cargo xtask bench` starts it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints for the user who runs it")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keyward_tests::speed::{Plan, Result, check, measure, write_page};

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result {
    let (plan, page) = match &arguments[..] {
        // What it measures as a backend that runs.
        [serve, package] if serve == "serve" => return Ok(keyward_tests::serve(package)?),
        [program, entries, rounds, last @ ..] if last.len() <= 1 => {
            let program = PathBuf::from(program);
            let (page, section) =
                last.iter().cloned().partition::<Vec<_>, _>(|it| it.ends_with(".md"));
            let (page, section) = (page.first().cloned(), section.first().cloned());
            (Plan { program, entries: entries.parse()?, rounds: rounds.parse()?, section }, page)
        }
        _ => return Err("usage: speed PROGRAM ENTRIES ROUNDS [PAGE.md|SECTION]".into()),
    };
    let tables = measure(&plan, |table| println!("{table}"))?;
    if let Some(page) = page {
        write_page(Path::new(&page), &plan, &tables)?;
    }
    check(&tables)
}
