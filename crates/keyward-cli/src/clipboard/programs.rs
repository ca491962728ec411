//! The programs that read and change the clipboard.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use keyward::Environment;
use keyward_config::find_program;
use keyward_core::{Error, ErrorKind, MAX_RECORD, Result, Secret};
use keyward_plugin::process;

/// The variables that these programs need.
const VARIABLES: [&str; 7] =
    ["DISPLAY", "HOME", "LANG", "PATH", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"];

/// How long the owner of the clipboard may take to return what is on it.
const LIMIT: Duration = Duration::from_secs(5);

/// How long to wait before the clipboard is read again.
const PAUSE: Duration = Duration::from_millis(10);

/// A clipboard that a desktop has.
struct Kind {
    /// Its name.
    name: &'static str,
    /// The variable that is set in its sessions.
    variable: &'static str,
    /// The programs, each with its arguments: to change it, to clear it, to print it.
    copy: &'static [&'static str],
    clear: &'static [&'static str],
    paste: &'static [&'static str],
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "wayland",
        variable: "WAYLAND_DISPLAY",
        copy: &["wl-copy"],
        clear: &["wl-copy", "--clear"],
        paste: &["wl-paste", "--no-newline"],
    },
    Kind {
        name: "x11",
        variable: "DISPLAY",
        copy: &["xclip", "-selection", "clipboard", "-in"],
        clear: &["xclip", "-selection", "clipboard", "-in"],
        paste: &["xclip", "-selection", "clipboard", "-out"],
    },
];

/// The programs for the clipboard of this session.
pub(super) struct Programs {
    kind: &'static Kind,
    copy: PathBuf,
    paste: PathBuf,
    environment: Environment,
}

impl Programs {
    /// Returns the programs for the clipboard of the desktop that the environment names.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if there is no desktop, or no program for it.
    pub(super) fn find(environment: &Environment) -> Result<Self> {
        let is_there =
            |kind: &&Kind| environment.get(kind.variable).is_some_and(|value| !value.is_empty());
        let mut missing = None;
        for kind in KINDS.iter().filter(is_there) {
            match Self::installed(kind, environment) {
                Some(programs) => return Ok(programs),
                None => missing = missing.or(Some(kind)),
            }
        }
        let error = Error::new(ErrorKind::Unavailable, "clip");
        Err(match missing {
            Some(kind) => error
                .because(format!("{} is not installed, or is not on PATH", kind.copy[0]))
                .hint("Install wl-clipboard for Wayland, xclip for X11"),
            None => error
                .because("there is no clipboard: neither WAYLAND_DISPLAY nor DISPLAY is set")
                .hint("Run this in a graphical session"),
        })
    }

    /// Returns those of this name, as [`name`](Self::name) returned it.
    pub(super) fn named(name: &OsStr, environment: &Environment) -> Option<Self> {
        Self::installed(KINDS.iter().find(|kind| name == kind.name)?, environment)
    }

    fn installed(kind: &'static Kind, environment: &Environment) -> Option<Self> {
        let copy = find_program(environment, kind.copy[0])?;
        let paste = find_program(environment, kind.paste[0])?;
        Some(Self { kind, copy, paste, environment: environment.clone() })
    }

    pub(super) fn name(&self) -> &'static str {
        self.kind.name
    }

    /// The program that gets the value.
    pub(super) fn copy(&self) -> &Path {
        &self.copy
    }

    /// Puts a value on the clipboard. The program remains and gives it to those who paste.
    pub(super) fn put(&self, value: &Secret) -> io::Result<()> {
        self.change(self.kind.copy, value)?;
        // xclip returns a moment before it has the clipboard.
        let end = Instant::now() + LIMIT;
        while !self.has(value) {
            if Instant::now() > end {
                return Err(io::Error::other("the clipboard did not take the value"));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Removes what is on the clipboard, if it is this value.
    pub(super) fn clear(&self, value: &Secret) -> io::Result<()> {
        // Otherwise another program has changed it, or the desktop is gone.
        if self.has(value) { self.change(self.kind.clear, &Secret::default()) } else { Ok(()) }
    }

    /// Whether this value is on the clipboard.
    fn has(&self, value: &Secret) -> bool {
        let mut paste = self.command(&self.paste, self.kind.paste);
        let found = process::ask(&mut paste, &Secret::default(), MAX_RECORD, LIMIT);
        found.is_ok_and(|answer| answer.output == *value)
    }

    fn change(&self, words: &[&str], value: &Secret) -> io::Result<()> {
        let mut command = self.command(&self.copy, words);
        // The program that remains must not keep a pipe open.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        process::confine(&mut command);
        let mut child = command.spawn()?;
        let written = child.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(value.expose()));
        match child.wait()? {
            status if status.success() => written,
            status => Err(io::Error::other(format!("{} failed: {status}", words[0]))),
        }
    }

    fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(&words[1..]).env_clear();
        for name in VARIABLES {
            if let Some(value) = self.environment.get(name) {
                command.env(name, value);
            }
        }
        // wl-copy writes the value to a file. This folder is in memory.
        if let Some(folder) = self.environment.path("XDG_RUNTIME_DIR") {
            command.env("TMPDIR", folder);
        }
        command
    }
}
