//! Runs the program, with limits on its time and its output.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use keyward_plugin::process::{self, Failure};
use keyward_plugin::{Error, ErrorKind, Result, Secret};

/// More than any key or password needs.
const MAX_OUTPUT: usize = 64 << 10;

/// Returns the output of the program, without the line end at its end.
pub(crate) fn output(command: &mut Command, program: &str, wait: Duration) -> Result<Secret> {
    let answer = process::ask(command, &Secret::default(), MAX_OUTPUT, wait);
    let answer = answer.map_err(|failure| match failure {
        Failure::NotStarted(error) => {
            let why = format!("{} cannot be started: {error}", program);
            Error::io("command", error).because(why)
        }
        Failure::Late => late(program, wait),
        Failure::TooMuch => {
            failed(ErrorKind::Refused, format!("{} printed more than {MAX_OUTPUT} bytes", program))
        }
        Failure::Io(error) => Error::io("command", error),
    })?;
    check(answer.status, program)?;
    let mut secret = answer.output;
    secret.strip_line_end();
    if secret.is_empty() {
        return Err(failed(ErrorKind::NoKey, format!("{} printed nothing", program)));
    }
    Ok(secret)
}

fn check(status: ExitStatus, program: &str) -> Result<()> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => {
            let hint = "Run it by hand to see why; here it has no terminal, and no environment except \
                        the variables in `allow`";
            Err(failed(ErrorKind::NoKey, format!("{program} ended with exit status {code}"))
                .hint(hint))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            Err(failed(ErrorKind::Unavailable, format!("{program} was ended by signal {signal}")))
        }
    }
}

fn late(program: &str, wait: Duration) -> Error {
    let message = format!("Keyward ended {program} after {:.1} seconds", wait.as_secs_f64());
    failed(ErrorKind::Unavailable, message).hint("Raise `timeout` if it needs longer")
}

fn failed(kind: ErrorKind, message: String) -> Error {
    Error::new(kind, "command").because(message)
}
