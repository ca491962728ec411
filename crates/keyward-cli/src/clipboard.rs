//! Puts a secret on the clipboard, and removes it after a time.
//!
//! A second process of this program does that: it is in a separate session, so that it remains when
//! the command and its terminal end. It gets the secret through a pipe.

mod keeper;
mod programs;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use keyward::Environment;
use keyward_config::path_of_program;
use keyward_core::{Error, ErrorKind, Secret};

use crate::output::{print_message, print_secret};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};
use programs::Programs;

pub(crate) use keeper::keep;

/// The word with which this program starts the second process. No command has this name.
const KEEPER: &str = "--keep-clipboard";

/// The longest time in seconds for which a value stays on the clipboard.
const LONGEST: u64 = 24 * 60 * 60;

/// The arguments of commands that can put a value on the clipboard.
#[derive(clap::Args)]
pub(crate) struct ClipArguments {
    /// Put the value on the clipboard instead of printing it
    #[arg(long)]
    clip: bool,
    /// Clear the clipboard after this many seconds [default: the setting `clip.seconds`]
    #[arg(long, value_name = "N", requires = "clip", value_parser = clap::value_parser!(u64).range(1..=LONGEST))]
    clip_seconds: Option<u64>,
}

/// Where a command puts a value: on the clipboard, or else on standard output.
pub(crate) struct Destination(Option<Clipboard>);

/// A clipboard that can be used.
struct Clipboard {
    programs: Programs,
    environment: Environment,
    seconds: u64,
}

impl ClipArguments {
    /// Returns where the value is to be put.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if it is the clipboard, and there is none or no program
    /// for it.
    pub(crate) fn destination(&self, session: &Session) -> Outcome<Destination> {
        if !self.clip {
            return Ok(Destination(None));
        }
        let environment = Environment::current();
        let programs = Programs::find(&environment)?;
        let seconds = match self.clip_seconds {
            Some(seconds) => seconds,
            None => {
                let keyward = session.keyward()?;
                let number = keyward.config().settings().number("clip.seconds");
                number.filter(|number| (1..=LONGEST).contains(number)).ok_or_else(|| {
                    usage_error(format!("`clip.seconds` takes a number from 1 to {LONGEST}"))
                })?
            }
        };
        Ok(Destination(Some(Clipboard { programs, environment, seconds })))
    }
}

impl Destination {
    /// Whether it is the clipboard.
    pub(crate) fn is_clipboard(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the same run of the command, which gives records to the program that gets the value.
    pub(crate) fn session(&self, session: &Session) -> Session {
        match &self.0 {
            Some(clipboard) => {
                session.giving_to(clipboard.programs.copy().to_string_lossy().into_owned())
            }
            None => session.clone(),
        }
    }

    /// Puts the value on the clipboard, or prints it, with a newline or without.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the program for the clipboard fails.
    pub(crate) fn put(&self, value: &Secret, newline: bool) -> Outcome {
        match &self.0 {
            Some(clipboard) => clipboard.put(value),
            None => print_secret(value, newline),
        }
    }
}

impl Clipboard {
    fn put(&self, value: &Secret) -> Outcome {
        let mut keeper = Command::new(path_of_program(&self.environment)?);
        keeper.args([KEEPER.into(), self.programs.name().into(), seconds(self.seconds)]);
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut start = || -> std::io::Result<String> {
            let mut keeper = keeper.spawn()?;
            keeper.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(value.expose()))?;
            let mut answer = String::new();
            keeper
                .stdout
                .take()
                .map_or(Ok(0), |pipe| BufReader::new(pipe).read_line(&mut answer))?;
            Ok(answer)
        };
        let answer = start().map_err(|error| Error::io("clip", error))?;
        match answer.trim_end() {
            "" => Err(failed("the process that keeps the clipboard has ended").into()),
            keeper::DONE => {
                let seconds = self.seconds;
                print_message(&format!("The clipboard has the value for {seconds} seconds."));
                Ok(())
            }
            why => Err(failed(why).into()),
        }
    }
}

fn seconds(seconds: u64) -> OsString {
    seconds.to_string().into()
}

fn failed(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "clip").because(why)
}

/// Whether these are the arguments of the second process.
pub(crate) fn is_keeper(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|word| word == KEEPER)
}
