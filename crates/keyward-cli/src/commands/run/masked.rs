//! A program whose output goes through a mask.
//!
//! If standard output is a terminal, the program gets a new terminal, which it controls, and this
//! process passes on what is typed and shown. If only standard error is one, the program keeps its
//! terminal, and gets a new one for that stream alone: other programs of the pipeline may read the
//! keyboard.

mod channel;
mod keyboard;
mod pty;
mod pump;

use std::io;
use std::os::fd::BorrowedFd;
use std::process::{Command, Stdio};

use keyward_core::{Error, Result, Secret};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::isatty;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::low_level::emulate_default_handler;

use super::plan::Value;
use super::watch::{Watch, not_started};
use crate::mask::{self, Hidden};
use crate::stop::Outcome;
use crate::terminal::{self, RestoreOnDrop};

use channel::Channel;
use keyboard::Keyboard;
use pump::Pumps;

const WITHOUT_A_MASK: &str = "Use --no-mask to run the program without a mask";

/// When the output is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Masking {
    /// Where it goes to a terminal.
    OnTerminals,
    Always,
    Never,
}

/// What to hide, and on which streams.
#[derive(Debug)]
pub(super) struct Masked {
    hidden: Hidden,
    output: bool,
    errors: bool,
}

impl Masked {
    /// Returns `None` if there is nothing to hide, or nowhere.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the secrets are too long.
    pub(super) fn new(masking: Masking, values: &[Value]) -> Result<Option<Self>> {
        let is_masked = |stream| match masking {
            Masking::OnTerminals => isatty(stream),
            Masking::Always => true,
            Masking::Never => false,
        };
        let (output, errors) = (is_masked(stdout()), is_masked(stderr()));
        if !output && !errors {
            return Ok(None);
        }
        let secrets = values.iter().filter(|value| value.is_secret).map(|value| &value.content);
        if secrets.clone().map(Secret::len).sum::<usize>() > mask::MOST {
            let why = format!("more than {} KiB of secrets cannot be masked", mask::MOST >> 10);
            return Err(Error::invalid("run", why).hint(WITHOUT_A_MASK));
        }
        Ok(Hidden::new(secrets).map(|hidden| Self { hidden, output, errors }))
    }

    /// Runs the program to its end, and returns its exit status.
    pub(super) fn run(self, mut command: Command) -> Outcome<u8> {
        let leads_session = self.leads_session();
        let mut watch = if leads_session {
            // The keys that mean a signal go to the new terminal, so none of these is from a key.
            Watch::new(&[SIGINT, SIGQUIT, SIGHUP, SIGTERM], &[SIGWINCH, SIGTSTP, SIGCONT])?
        } else {
            Watch::new(&[SIGHUP, SIGTERM], &[SIGINT, SIGQUIT, SIGWINCH])?
        };
        let mut pumps = Pumps::new().map_err(failed)?;
        let channels = self.connect(&mut command, &mut pumps).map_err(failed)?;
        let keyboard = if leads_session { Keyboard::open() } else { None };
        let _restoring = RestoreOnDrop;
        // Before the start: of the two terminals, only the new one may change LF to CR LF.
        keyboard.iter().for_each(|keyboard| keyboard.take());
        let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
        // It would keep the program's streams open, and copies of the secrets.
        drop(command);
        pumps.start();
        if let (Some(keyboard), Some(screen)) = (&keyboard, &channels[0].terminal) {
            keyboard.copy_to(screen.try_clone().map_err(failed)?);
        }
        let status = watch.wait(&mut child, |signal| match signal {
            SIGWINCH => channels.iter().for_each(Channel::resize),
            SIGTSTP => {
                terminal::restore();
                // It returns when the process is continued.
                let _ = emulate_default_handler(SIGTSTP);
            }
            SIGCONT => {
                channels.iter().for_each(Channel::resize);
                keyboard.iter().for_each(|keyboard| keyboard.take());
            }
            _ => {}
        });
        drop(channels);
        pumps.finish();
        status
    }

    /// Whether the program gets a terminal that it controls.
    fn leads_session(&self) -> bool {
        self.output && isatty(stdout())
    }

    /// Connects the program's streams.
    fn connect(&self, command: &mut Command, pumps: &mut Pumps) -> io::Result<Vec<Channel>> {
        let mut channels = Vec::new();
        let mut open = |stream: BorrowedFd<'static>| -> io::Result<Stdio> {
            let (channel, reader) = Channel::open(stream)?;
            pumps.add(reader, &channel, self.hidden.mask())?;
            let end = channel.end()?;
            channels.push(channel);
            Ok(end)
        };
        if self.output {
            command.stdout(open(stdout())?);
        }
        if self.errors {
            // A secret whose pieces alternate between two streams is whole where both go.
            let end = match self.output && is_same(stdout(), stderr())? {
                true => channels[0].end()?,
                false => open(stderr())?,
            };
            command.stderr(end);
        }
        if self.leads_session() {
            if isatty(stdin()) {
                command.stdin(channels[0].end()?);
            }
            pty::lead_session(command);
        } else {
            // The terminal that it is copied to changes LF to CR LF.
            channels.iter().try_for_each(Channel::pass_output)?;
        }
        Ok(channels)
    }
}

/// Whether two streams are the same file, pipe or terminal.
fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<bool> {
    let (one, other) = (rustix::fs::fstat(one)?, rustix::fs::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

fn failed(error: io::Error) -> Error {
    Error::io("mask the output", error).hint(WITHOUT_A_MASK)
}
