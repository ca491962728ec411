//! Prompts and messages, for the user of the program.

use std::fmt::Arguments;
use std::sync::Mutex;

use keyward_config::{Config, Environment, Interaction};
use keyward_core::{Error, ErrorKind, Level, Prompt, Result, Secret};
use keyward_kinds::{FieldSpec, Shape};

use crate::askpass::Askpass;
use crate::output::{escaped, print_message};
use crate::terminal::{Asked, Terminal};

/// Prompts on the terminal or through another program, and prints messages on standard error.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Console {
    /// How many times `-v` was given.
    pub(crate) verbosity: u8,
    /// What forbids it to ask, if anything does: the option or command.
    pub(crate) forbidden_by: Option<&'static str>,
}

/// How many times a user may try to type a new secret and to repeat it correctly.
const ATTEMPTS: usize = 3;

/// Held during a prompt: several plugins may prompt at the same time, but there is one terminal.
static PROMPT_LOCK: Mutex<()> = Mutex::new(());

impl Interaction for Console {
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        let _lock = PROMPT_LOCK.lock()?;
        let question = format!("{}: ", escaped(prompt.text));
        self.asker()?.ask_repeatedly(&question, Asked::Hidden, prompt.confirm)
    }

    fn ask(&self, purpose: &str, fields: &[&FieldSpec]) -> Result<Vec<Secret>> {
        let _lock = PROMPT_LOCK.lock()?;
        let mut asker = self.asker()?;
        asker.purpose = purpose.lines().map(|line| format!("{}\n", escaped(line))).collect();
        fields.iter().map(|field| asker.ask_for(field)).collect()
    }

    fn check_can_ask(&self) -> Result<()> {
        self.asker().map(drop)
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

impl Console {
    /// Opens the terminal for a question whose answer is no secret, such as yes or no.
    ///
    /// # Errors
    /// `Locked` if there is none, or Keyward must not ask.
    pub(crate) fn terminal(&self) -> Result<Terminal> {
        self.check_may_ask(&Config::load(Environment::current())?)?;
        Terminal::open()
    }

    /// Returns what asks the user: the terminal, or the program of the setting.
    ///
    /// The settings are read here, because most commands never ask.
    fn asker(&self) -> Result<Asker> {
        let config = Config::load(Environment::current())?;
        self.check_may_ask(&config)?;
        let settings = config.settings();
        let program = Askpass::configured(&config)?;
        let way = match program {
            Some(program) if settings.flag("prompt.prefer_askpass") => Way::Program(program),
            Some(program) => Terminal::open().map_or(Way::Program(program), Way::Terminal),
            None => Way::Terminal(Terminal::open()?),
        };
        Ok(Asker {
            way,
            purpose: String::new(),
            repeats: settings.flag("prompt.repeat"),
            echoes: settings.flag("prompt.echo"),
        })
    }

    fn check_may_ask(&self, config: &Config) -> Result<()> {
        let by_setting = config.settings().flag("prompt.never");
        let by_setting = by_setting.then_some("the setting `prompt.never`");
        let Some(forbids) = self.forbidden_by.or(by_setting) else { return Ok(()) };
        Err(Error::new(ErrorKind::Locked, "prompt")
            .because(format!("Keyward has to ask, but {forbids} forbids it")))
    }
}

/// Asks the user.
struct Asker {
    way: Way,
    /// What the answers are for, in lines. The terminal shows it once.
    purpose: String,
    repeats: bool,
    echoes: bool,
}

enum Way {
    Terminal(Terminal),
    Program(Askpass),
}

impl Asker {
    /// Asks for a field until the answer is valid.
    fn ask_for(&mut self, field: &FieldSpec) -> Result<Secret> {
        let asked = match (field.shape, field.secret) {
            (Shape::Text, true) => Asked::HiddenLines,
            (Shape::Text, false) => Asked::OpenLines,
            (_, true) => Asked::Hidden,
            (_, false) => Asked::Open,
        };
        let question = format!("{}: ", escaped(&field.prompt()));
        for _ in 0..ATTEMPTS {
            let answer = self.ask_repeatedly(&question, asked, field.secret && field.twice)?;
            if answer.is_empty() {
                print_message("The answer must not be empty.");
                continue;
            }
            match field.check(&answer) {
                Ok(()) => return Ok(answer),
                Err(error) => print_message(&error.report().to_string()),
            }
        }
        Err(Error::new(ErrorKind::Locked, "prompt").because("there was no valid answer"))
    }

    /// Asks, and asks for the same answer again if `confirm` is true.
    fn ask_repeatedly(&mut self, question: &str, asked: Asked, confirm: bool) -> Result<Secret> {
        if !(confirm && self.repeats) {
            return self.ask(question, asked);
        }
        for _ in 0..ATTEMPTS {
            let answer = self.ask(question, asked)?;
            if answer.is_empty() {
                print_message("The answer must not be empty.");
            } else if self.ask("Repeat for confirmation: ", asked)? == answer {
                return Ok(answer);
            } else {
                print_message("The two answers do not match.");
            }
        }
        Err(Error::new(ErrorKind::Invalid, "usage").because("no answer was confirmed"))
    }

    fn ask(&mut self, question: &str, asked: Asked) -> Result<Secret> {
        match &mut self.way {
            Way::Terminal(terminal) => {
                let question = std::mem::take(&mut self.purpose) + question;
                terminal.ask(&question, if self.echoes { asked.open() } else { asked })
            }
            Way::Program(program) => program.ask(&(self.purpose.clone() + question)),
        }
    }
}
