//! Where `set` takes the password from. Never from the command line: others can read that.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use keyward_config::Interaction;
use keyward_core::{Error, ErrorKind, MAX_RECORD, Prompt, Secret};

use crate::arguments::switch;
use crate::console::Console;
use crate::exit::{Outcome, Stop, usage};

pub(crate) fn arguments(command: Command) -> Command {
    command
        .arg(switch("stdin", "Read the password from standard input, without its last newline"))
        .arg(switch("raw", "Keep that last newline"))
        .arg(
            Arg::new("password-file")
                .long("password-file")
                .value_name("F")
                .value_parser(clap::value_parser!(PathBuf))
                .conflicts_with_all(["stdin", "password-fd"])
                .help("Read the password from this file"),
        )
        .arg(
            Arg::new("password-fd")
                .long("password-fd")
                .value_name("N")
                .value_parser(clap::value_parser!(u32))
                .conflicts_with("stdin")
                .help("Read the password from this open file descriptor"),
        )
}

/// The password, from where the arguments say, else from whoever sits at the terminal.
pub(crate) fn read(matches: &ArgMatches, console: &Console) -> Outcome<Secret> {
    let raw = matches.get_flag("raw");
    if matches.get_flag("stdin") {
        return take(std::io::stdin().lock(), "standard input", raw);
    }
    if let Some(path) = matches.get_one::<PathBuf>("password-file") {
        let shown = path.display().to_string();
        return take(open(path, &shown)?, &shown, raw);
    }
    if let Some(number) = matches.get_one::<u32>("password-fd") {
        let path = PathBuf::from(format!("/dev/fd/{number}"));
        let shown = format!("file descriptor {number}");
        return take(open(&path, &shown)?, &shown, raw);
    }
    if raw {
        return Err(usage("--raw goes with --stdin, --password-file or --password-fd"));
    }
    Ok(console.prompt(&Prompt { text: "Password", confirm: true })?)
}

fn open(path: &PathBuf, shown: &str) -> Outcome<File> {
    File::open(path).map_err(|error| usage(format!("{shown}: {error}")))
}

fn take(from: impl Read, shown: &str, raw: bool) -> Outcome<Secret> {
    let mut secret = Secret::read_from(from, MAX_RECORD).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::InvalidData => ErrorKind::Unsupported,
            _ => ErrorKind::Unavailable,
        };
        Stop::Failed(Error::new(kind, "read").because(format!("{shown}: {error}")))
    })?;
    if !raw && secret.expose().last() == Some(&b'\n') {
        secret.truncate(secret.len() - 1);
    }
    Ok(secret)
}
