//! Reads the password for `set`. It never takes it from the command line, which other users can
//! read.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::value_parser;
use keyward_config::Interaction;
use keyward_core::{Error, ErrorKind, Level, MAX_RECORD, Prompt, Secret};
use keyward_kinds::FieldSpec;
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::console::Console;
use crate::generate::Rule;
use crate::input::standard_input;
use crate::stop::{Outcome, Stop, usage_error};

/// Where the password comes from: by default, from the terminal.
#[derive(clap::Args)]
pub(crate) struct PasswordSource {
    /// Read the password from standard input, without its last line end
    #[arg(long)]
    stdin: bool,
    /// Keep the last line end of the password
    #[arg(long)]
    raw: bool,
    /// Accept an empty password, which is an error otherwise
    #[arg(long)]
    allow_empty: bool,
    /// Read the password from this file
    #[arg(long, value_name = "F", conflicts_with_all = ["stdin", "password_fd"])]
    password_file: Option<PathBuf>,
    /// Read the password from this open file descriptor
    #[arg(long, value_name = "N", value_parser = value_parser!(i32).range(0..), conflicts_with = "stdin")]
    password_fd: Option<i32>,
    /// Make a random password; RULE is as in `keyward generate`
    #[arg(
        long,
        value_name = "RULE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "alnum",
        conflicts_with_all = ["stdin", "password_file", "password_fd", "raw", "allow_empty"]
    )]
    generate: Option<Rule>,
}

impl PasswordSource {
    /// Reads from a file.
    pub(crate) fn file(path: &Path) -> Self {
        Self {
            stdin: false,
            raw: false,
            allow_empty: false,
            password_file: Some(path.to_owned()),
            password_fd: None,
            generate: None,
        }
    }

    /// Whether an option says from where to read.
    pub(crate) fn is_given(&self) -> bool {
        self.stdin
            || self.password_file.is_some()
            || self.password_fd.is_some()
            || self.generate.is_some()
    }

    /// Whether the password is generated.
    pub(crate) fn is_generated(&self) -> bool {
        self.generate.is_some()
    }

    /// Reads the password, or the main secret of another kind, which is this field.
    pub(crate) fn read(&self, console: &Console, field: Option<&FieldSpec>) -> Outcome<Secret> {
        if let Some(rule) = self.generate {
            return generated(rule, console, field);
        }
        let Some((file, shown)) = self.open()? else { return self.prompt(console, field) };
        let mut password = read_all(file, &shown)?;
        if !self.raw && field.is_none_or(FieldSpec::is_typed) {
            password.strip_line_end();
        }
        if password.is_empty() && !self.allow_empty {
            let hint = format!("Nothing came from {shown}; --allow-empty sets an empty password");
            return Err(Error::invalid("usage", "the password is empty").hint(hint).into());
        }
        Ok(password)
    }

    /// Opens the file, and returns it with its name for messages.
    fn open(&self) -> Outcome<Option<(File, String)>> {
        let (file, shown) = if self.stdin {
            (standard_input(), "standard input".to_owned())
        } else if let Some(path) = &self.password_file {
            (File::open(path), path.display().to_string())
        } else if let Some(number) = self.password_fd {
            (descriptor(number), format!("file descriptor {number}"))
        } else {
            return Ok(None);
        };
        let file = file.map_err(|error| not_opened(&shown, &error))?;
        Ok(Some((file, shown)))
    }

    /// Asks for the password. The console does not accept an empty one.
    fn prompt(&self, console: &Console, field: Option<&FieldSpec>) -> Outcome<Secret> {
        for (option, is_set) in [("raw", self.raw), ("allow-empty", self.allow_empty)] {
            if is_set {
                let why = format!("--{option} needs --stdin, --password-file or --password-fd");
                return Err(usage_error(why));
            }
        }
        let Some(field) = field else {
            return Ok(console.prompt(&Prompt::new("Password").with_confirm(true))?);
        };
        if !field.is_typed() {
            let why = format!("the field `{}` is not one line", field.name);
            return Err(Error::invalid("usage", why).hint("Use --stdin or --password-file").into());
        }
        Ok(console.prompt(&Prompt::new(&field.prompt()).with_confirm(field.twice))?)
    }
}

/// Makes a password. Values of several lines, such as keys, have a form that other programs give them.
fn generated(rule: Rule, console: &Console, field: Option<&FieldSpec>) -> Outcome<Secret> {
    if let Some(field) = field
        && !field.is_typed()
    {
        return Err(usage_error(format!("the field `{}` cannot be generated", field.name)));
    }
    let bits = rule.bits();
    console.log(Level::Info, format_args!("the password has at least {bits} bits of entropy"));
    Ok(rule.secret()?)
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
        return usage_error(message);
    }
    Stop::Failed(Error::new(ErrorKind::Unavailable, "read").because(message))
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
