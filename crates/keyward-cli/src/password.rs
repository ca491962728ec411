//! Reads the password for `set`. It never takes it from the command line, which other users can
//! read.

use std::fs::File;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use keyward_config::Interaction;
use keyward_core::{Error, ErrorKind, MAX_RECORD, Prompt, Secret};
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::arguments::switch;
use crate::console::Console;
use crate::input::standard_input;
use crate::stop::{Outcome, Stop, usage};

pub(crate) fn arguments(command: Command) -> Command {
    command
        .arg(switch("stdin", "Read the password from standard input, without its last line end"))
        .arg(switch("raw", "Keep the last line end of the password"))
        .arg(switch("allow-empty", "Accept an empty password, which is an error otherwise"))
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

/// Reads the password from the source that the arguments name, else from the terminal.
pub(crate) fn read(matches: &ArgMatches, console: &Console) -> Outcome<Secret> {
    let Some((file, shown)) = source(matches)? else { return prompt(matches, console) };
    let mut password = read_all(file, &shown)?;
    if !matches.get_flag("raw") {
        password.strip_line_end();
    }
    if password.is_empty() && !matches.get_flag("allow-empty") {
        let hint = format!("Nothing came from {shown}; --allow-empty sets an empty password");
        return Err(Error::invalid("usage", "the password is empty").hint(hint).into());
    }
    Ok(password)
}

/// Returns the file that the arguments name, and its name for messages.
fn source(matches: &ArgMatches) -> Outcome<Option<(File, String)>> {
    let (file, shown) = if matches.get_flag("stdin") {
        (standard_input(), "standard input".to_owned())
    } else if let Some(path) = matches.get_one::<PathBuf>("password-file") {
        (File::open(path), path.display().to_string())
    } else if let Some(number) = matches.get_one::<i32>("password-fd") {
        (descriptor(*number), format!("file descriptor {number}"))
    } else {
        return Ok(None);
    };
    let file = file.map_err(|error| not_opened(&shown, &error))?;
    Ok(Some((file, shown)))
}

/// Returns the error for a source that cannot be opened: the arguments are wrong, or the system
/// failed.
fn not_opened(shown: &str, error: &std::io::Error) -> Stop {
    const WRONG: [Errno; 7] = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::ACCESS,
        Errno::PERM,
        Errno::BADF,
        Errno::LOOP,
        Errno::NAMETOOLONG,
    ];
    let message = format!("{shown}: {error}");
    if WRONG.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
        return usage(message);
    }
    Stop::Failed(Error::new(ErrorKind::Unavailable, "read").because(message))
}

/// Asks for the password. The console does not accept an empty one.
fn prompt(matches: &ArgMatches, console: &Console) -> Outcome<Secret> {
    for option in ["raw", "allow-empty"] {
        if matches.get_flag(option) {
            let why = format!("--{option} needs --stdin, --password-file or --password-fd");
            return Err(usage(why));
        }
    }
    Ok(console.prompt(&Prompt { text: "Password", confirm: true })?)
}

/// Returns a copy of an open descriptor. To open it again by its path would lose the position in a
/// file, fails for sockets and for files that another user opened, and can wait forever on a named
/// pipe.
#[cfg(target_os = "linux")]
fn descriptor(number: i32) -> std::io::Result<File> {
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    match pidfd_getfd(this, number, PidfdGetfdFlags::empty()) {
        Err(Errno::NOSYS | Errno::PERM) => File::open(format!("/dev/fd/{number}")),
        other => Ok(other?.into()),
    }
}

/// Returns a copy of an open descriptor. On these systems, opening its path does the same.
#[cfg(not(target_os = "linux"))]
fn descriptor(number: i32) -> std::io::Result<File> {
    File::open(format!("/dev/fd/{number}"))
}

fn read_all(file: File, shown: &str) -> Outcome<Secret> {
    Secret::read_from(file, MAX_RECORD).map_err(|error| {
        // A closed standard stream cannot be read, see `harden`.
        let is_closed = error.raw_os_error() == Some(Errno::BADF.raw_os_error());
        let kind = match error.kind() {
            _ if is_closed => ErrorKind::Invalid,
            std::io::ErrorKind::InvalidData => ErrorKind::Unsupported,
            _ => ErrorKind::Unavailable,
        };
        let why = if is_closed { "it is not open for reading".into() } else { error.to_string() };
        Stop::Failed(Error::new(kind, "read").because(format!("{shown}: {why}")))
    })
}
