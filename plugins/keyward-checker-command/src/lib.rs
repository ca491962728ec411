//! Checker `command`: a condition that a program decides.
//!
//! The program reads the circumstances as one line of JSON from its standard input:
//!
//! ```json
//! {"address":"192.0.2.1","private":true,"service":"http","details":{"host":"www.example.org"}}
//! ```
//!
//! `address` and `service` are absent if they are not known. `details` has `host`, `method` and `path` of the
//! request, and `argument.NAME` for each of its arguments. The program ends with 0 if the condition
//! holds and with 1 if it does not. It may print one line `{"until": SECONDS}`: the condition holds
//! until then, in seconds since 1970.
//!
//! # Security
//! Every other end of the program is an outage, as is one that takes too long or prints anything else: no
//! client that needs the condition is let in then. The program is started without a shell, in `/`,
//! without error output, and without an environment except the variables that `variables` names. What
//! a client sent is only in its input. It runs in a separate process group, so that all its processes
//! are killed when its time is over, and inherits no open file of this process.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::process::{self, Answer, Failure};
use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Error, ErrorKind, Host, Info, Presented, PresentedKind,
    Result, Round, Secret, Timestamp, options,
};
use serde_json::{Map, Value};

keyward_plugin::register!(checker: CommandCondition);

/// The greatest value of `timeout`.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// More than any answer needs, in bytes.
const MAX_OUTPUT: usize = 1024;

/// The greatest size of the circumstances, in bytes.
const MAX_INPUT: usize = 64 << 10;

options! {
    /// The program and how it runs.
    pub struct Options {
        /// The program's absolute path and its arguments.
        pub argv: Vec<String>,
        /// The environment variables that the program gets.
        pub variables: Vec<String>,
        /// The greatest run time of the program.
        pub timeout: Duration = "5s",
    }
}

/// The checker `command`.
#[derive(Debug)]
pub struct CommandCondition {
    options: Options,
    host: Arc<dyn Host>,
}

impl Backend for CommandCondition {
    const INFO: Info = Info::new("command", "A condition that a program decides");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        process::check_configured(&options.argv, "variables", &options.variables)?;
        if options.timeout.is_zero() || options.timeout > MAX_TIMEOUT {
            let why = "`timeout` must be more than 0 and at most 60 seconds";
            return Err(Error::invalid("options", why));
        }
        Ok(Self { options, host: Arc::clone(host) })
    }
}

impl Checker for CommandCondition {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::CIRCUMSTANCES]
    }

    fn check(&self, presented: &Presented, attempt: &Attempt) -> Result<Round> {
        if !presented.is(&PresentedKind::CIRCUMSTANCES) {
            return Err(presented.unsupported());
        }
        match circumstances(presented, attempt) {
            Some(input) => self.ask(&input),
            None => Ok(Round::wrong(Denial::Malformed)),
        }
    }
}

impl CommandCondition {
    /// Runs the program.
    fn ask(&self, input: &Secret) -> Result<Round> {
        let program = &self.options.argv[0];
        let timeout = self.options.timeout;
        let wait = self.host.remaining().map_or(timeout, |remaining| remaining.min(timeout));
        let Options { argv, variables, .. } = &self.options;
        let mut command = process::configured(argv, variables, &*self.host);
        let answer = process::ask(&mut command, input, MAX_OUTPUT, wait);
        let answer = answer.map_err(|failure| match failure {
            Failure::NotStarted(error) => {
                let why = format!("{program} cannot be started: {error}");
                Error::io("check", error).because(why)
            }
            Failure::Late => {
                let seconds = wait.as_secs_f64();
                outage(format!("Keyward ended {program} after {seconds:.1} seconds"))
                    .hint("Raise `timeout` if it needs longer")
            }
            Failure::TooMuch => outage(format!("{program} printed more than {MAX_OUTPUT} bytes")),
            Failure::Io(error) => Error::io("check", error),
        })?;
        judge(program, &answer)
    }
}

/// What the end of the program says.
fn judge(program: &str, answer: &Answer) -> Result<Round> {
    match (answer.status.code(), answer.status.signal()) {
        (Some(0), _) => {
            let until = read_until(&answer.output).ok_or_else(|| {
                outage(format!("{program} printed something other than {{\"until\": SECONDS}}"))
            })?;
            Ok(Round::Accepted { identity: None, last: None, until })
        }
        (Some(1), _) => Ok(Round::wrong(Denial::Restricted)),
        (Some(code), _) => {
            Err(outage(format!("{program} ended with exit status {code}; 0 and 1 are answers")))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            Err(outage(format!("{program} was ended by signal {signal}")))
        }
    }
}

/// Reads until when the condition holds: `Some(None)` if nothing was printed, `None` if it is
/// something else.
fn read_until(output: &Secret) -> Option<Option<Timestamp>> {
    if output.is_empty() {
        return Some(None);
    }
    let answer: Map<String, Value> = serde_json::from_slice(output.expose()).ok()?;
    let seconds = answer.get("until")?.as_u64()?;
    (answer.len() == 1).then_some(Some(Timestamp::from_unix(seconds)))
}

/// Writes the circumstances as JSON. `None` if they are not text or too long.
fn circumstances(presented: &Presented, attempt: &Attempt) -> Option<Secret> {
    let mut details = Map::new();
    for (name, value) in presented.fields() {
        details.insert(name.to_owned(), value.expose_str()?.into());
    }
    let mut all = Map::new();
    let named = [("address", &attempt.address), ("service", &attempt.service)];
    for (name, value) in named {
        if let Some(value) = value {
            all.insert(name.to_owned(), value.as_str().into());
        }
    }
    all.insert("private".to_owned(), attempt.private.into());
    all.insert("details".to_owned(), details.into());
    let mut line = Value::from(all).to_string();
    line.push('\n');
    (line.len() <= MAX_INPUT).then(|| Secret::from(line))
}

fn outage(message: String) -> Error {
    Error::new(ErrorKind::Unavailable, "check").because(message)
}

#[cfg(test)]
mod tests;
