//! What the program writes to in place of one of its streams.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::Stdio;

use rustix::termios::{isatty, tcgetwinsize, tcsetwinsize};

use super::pty;

/// A terminal in place of a terminal, or a pipe in place of something else.
#[derive(Debug)]
pub(super) struct Channel {
    /// The stream of this process that it replaces.
    pub(super) stream: BorrowedFd<'static>,
    /// This process's side, if it is a terminal.
    pub(super) terminal: Option<File>,
    /// The program's side. It stays open until the program ends: a program may close a terminal and
    /// open it again.
    theirs: OwnedFd,
}

impl Channel {
    /// Returns the channel, and what is read from it.
    pub(super) fn open(stream: BorrowedFd<'static>) -> io::Result<(Self, File)> {
        if isatty(stream) {
            let (ours, theirs) = pty::open(stream)?;
            let channel = Self { stream, terminal: Some(ours.try_clone()?), theirs };
            channel.resize();
            return Ok((channel, ours));
        }
        let (ours, theirs) = io::pipe()?;
        let channel = Self { stream, terminal: None, theirs: theirs.into() };
        Ok((channel, File::from(OwnedFd::from(ours))))
    }

    /// Returns the program's side.
    pub(super) fn end(&self) -> io::Result<Stdio> {
        Ok(self.theirs.try_clone()?.into())
    }

    /// Lets a terminal pass on as it is what the program writes.
    pub(super) fn pass_output(&self) -> io::Result<()> {
        self.terminal.as_ref().map_or(Ok(()), pty::pass_output)
    }

    /// Gives a terminal the size of the one that it replaces. The kernel tells the program.
    pub(super) fn resize(&self) {
        if let Some(terminal) = &self.terminal
            && let Ok(size) = tcgetwinsize(self.stream)
        {
            // A terminal without a size has none here either.
            let _ = tcsetwinsize(terminal, size);
        }
    }
}
