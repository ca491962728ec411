//! `keyward-serve checkpassword`: the interface of D. J. Bernstein's `checkpassword`, for mail servers
//! that run a program for each login.
//!
//! It asks the socket of Dovecot's protocol, so that the checkers stay open in the server, failures
//! are counted there, and this process needs no access to the users.

mod ask;
mod input;

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use keyward_config::Environment;
use keyward_core::{Error, Secret};

pub use ask::Said;
pub use input::Input;

use crate::listen;
use crate::log::{Format, Log};

/// The user is not let in.
const REFUSED: u8 = 1;

/// The program is used in a wrong way.
const MISUSED: u8 = 2;

/// It cannot be decided now.
const TEMPORARY: u8 = 111;

/// Check a password from descriptor 3, and run a program if it is right
///
/// Descriptor 3 gives the name of the user, the password and a third part, with a NUL after each. The
/// program runs as the same user of the system, with the name of the user in USER. Exit codes: 1 if the
/// user is not let in, 2 if the arguments or descriptor 3 are wrong, 111 if it cannot be decided now,
/// otherwise that of the program.
#[derive(Debug, clap::Args)]
pub(crate) struct Checkpassword {
    /// Ask this socket, which is one of `listen` in [mail.dovecot]
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// What the user wants to use
    #[arg(long, value_name = "NAME", default_value = "pop3")]
    service: String,
    /// The program to run, and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<OsString>,
}

impl Checkpassword {
    /// Takes the place of the process, or returns its exit code.
    pub(crate) fn run(&self) -> ExitCode {
        let log = Log::new(Format::Text);
        let complain = |error: &Error| log.error(&error.to_string(), &[]);
        let input = match self.read() {
            Ok(input) => input,
            Err(error) => {
                complain(&error);
                return ExitCode::from(MISUSED);
            }
        };
        let address =
            Environment::current().get("TCPREMOTEIP").and_then(|it| it.into_string().ok());
        match ask::ask(&self.socket, &self.service, address.as_deref(), &input) {
            Ok(Said::Accepted(user)) => {
                drop(input);
                let [program, arguments @ ..] = &*self.program else {
                    return ExitCode::from(MISUSED);
                };
                let failure =
                    std::process::Command::new(program).args(arguments).env("USER", user).exec();
                complain(&Error::io("checkpassword", failure));
                ExitCode::from(TEMPORARY)
            }
            Ok(Said::Refused) => ExitCode::from(REFUSED),
            Err(error) => {
                complain(&error);
                ExitCode::from(TEMPORARY)
            }
        }
    }

    fn read(&self) -> keyward_core::Result<Input> {
        let wrong = |why: &str| Error::invalid("checkpassword", why);
        let is_name = self.service.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if self.service.is_empty() || !is_name {
            return Err(wrong("the name of a service consists of letters, digits and hyphens"));
        }
        let file = listen::first().ok_or_else(|| wrong("descriptor 3 is not open"))?;
        let bytes = Secret::read_from(File::from(file), input::MAX)
            .map_err(|_| wrong("descriptor 3 cannot be read, or gives more than 512 bytes"))?;
        Input::parse(&bytes)
            .ok_or_else(|| wrong("descriptor 3 does not give a user and a password"))
    }
}
