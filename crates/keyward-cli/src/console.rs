//! Prompts and messages of backends, for the user of the program.

use std::fmt::Arguments;
use std::sync::Mutex;

use keyward_config::Interaction;
use keyward_core::{Error, ErrorKind, Level, Prompt, Result, Secret};

use crate::output::{escaped, print_message};
use crate::terminal::Terminal;

/// Prompts on the terminal, and prints messages on standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// How many times `-v` was given.
    pub(crate) verbosity: u8,
}

/// How many times a user may try to type a new secret and to repeat it correctly.
const ATTEMPTS: usize = 3;

/// Held during a prompt: several plugins may prompt at the same time, but there is one terminal.
static PROMPT_LOCK: Mutex<()> = Mutex::new(());

impl Interaction for Console {
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        let _lock = PROMPT_LOCK.lock()?;
        let mut terminal = Terminal::open()?;
        let question = format!("{}: ", escaped(prompt.text));
        if !prompt.confirm {
            return terminal.ask_hidden(&question);
        }
        for _ in 0..ATTEMPTS {
            let answer = terminal.ask_hidden(&question)?;
            if answer.is_empty() {
                print_message("The answer must not be empty.");
            } else if terminal.ask_hidden("Repeat for confirmation: ")? == answer {
                return Ok(answer);
            } else {
                print_message("The two answers do not match.");
            }
        }
        Err(Error::new(ErrorKind::Invalid, "usage").because("no answer was confirmed"))
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        let (needed, prefix) = match level {
            Level::Warning => (0, "warning"),
            Level::Info => (1, "info"),
            Level::Debug => (2, "debug"),
        };
        if self.verbosity >= needed {
            print_message(&format!("{prefix}: {message}"));
        }
    }
}
