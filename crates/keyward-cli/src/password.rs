//! Where `set` takes the password from. Never from the command line: others can read that.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use keyward_config::Interaction;
use keyward_core::{Error, ErrorKind, MAX_RECORD, Prompt, Secret};
#[cfg(target_os = "linux")]
use rustix::{
    io::Errno,
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};

use crate::arguments::switch;
use crate::console::Console;
use crate::exit::{Outcome, Stop, usage};
use crate::input::standard_input;

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
                .value_parser(clap::value_parser!(i32).range(0..))
                .conflicts_with("stdin")
                .help("Read the password from this open file descriptor"),
        )
}

/// The password, from where the arguments say, else from whoever sits at the terminal.
pub(crate) fn read(matches: &ArgMatches, console: &Console) -> Outcome<Secret> {
    let raw = matches.get_flag("raw");
    if matches.get_flag("stdin") {
        return take(standard_input()?, "standard input", raw);
    }
    if let Some(path) = matches.get_one::<PathBuf>("password-file") {
        let shown = path.display().to_string();
        return take(open(path, &shown)?, &shown, raw);
    }
    if let Some(number) = matches.get_one::<i32>("password-fd") {
        let shown = format!("file descriptor {number}");
        let file = descriptor(*number).map_err(|error| usage(format!("{shown}: {error}")))?;
        return take(file, &shown, raw);
    }
    if raw {
        return Err(usage("--raw goes with --stdin, --password-file or --password-fd"));
    }
    Ok(console.prompt(&Prompt { text: "Password", confirm: true })?)
}

fn open(path: &PathBuf, shown: &str) -> Outcome<File> {
    File::open(path).map_err(|error| usage(format!("{shown}: {error}")))
}

/// A copy of an open descriptor. To open it anew by its path would lose its place in a file, is not
/// possible for sockets and for what another user opened, and can wait for ever on a named pipe.
#[cfg(target_os = "linux")]
fn descriptor(number: i32) -> std::io::Result<File> {
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    match pidfd_getfd(this, number, PidfdGetfdFlags::empty()) {
        Err(Errno::NOSYS | Errno::PERM) => File::open(format!("/dev/fd/{number}")),
        other => Ok(other?.into()),
    }
}

/// A copy of an open descriptor: elsewhere its path is no more than that.
#[cfg(not(target_os = "linux"))]
fn descriptor(number: i32) -> std::io::Result<File> {
    File::open(format!("/dev/fd/{number}"))
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
