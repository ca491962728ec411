//! The program that gets the secrets.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use keyward::Environment;
use keyward_core::{Error, Secret};
use keyward_fs::open_in_memory;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::files::SecretFiles;
use super::masked::{Masked, Masking};
use super::plan::{Form, Resolved, Value};
use super::watch::{self, Watch, not_started};
use crate::harden;
use crate::stop::{Outcome, Stop};

/// The program, its environment, and what must stay open or exist while it runs.
#[derive(Debug)]
pub(super) struct Child {
    command: Command,
    masked: Option<Masked>,
    files: Option<SecretFiles>,
    /// Files without names that the program inherits.
    _descriptors: Vec<File>,
}

impl Child {
    /// Prepares the program.
    pub(super) fn new(
        environment: &Environment,
        command: Vec<OsString>,
        resolved: Resolved,
        masking: Masking,
    ) -> Outcome<Self> {
        let masked = Masked::new(masking, &resolved.values)?;
        let mut words = command.into_iter();
        let mut command = Command::new(words.next().expect("clap requires it"));
        command.args(words).env_clear().envs(resolved.texts);
        let (mut files, mut descriptors) = (None, Vec::new());
        for Value { variable: name, content, form, .. } in resolved.values {
            match form {
                Form::Variable => command.env(&name, in_variable(&name, &content)?),
                Form::File => {
                    let files = match &mut files {
                        Some(files) => files,
                        none => {
                            watch::hold_signals()?;
                            none.insert(SecretFiles::new(environment)?)
                        }
                    };
                    command.env(&name, files.add(&name.to_string_lossy(), &content)?)
                }
                Form::Descriptor => {
                    let (file, path) = open_in_memory(&content)?;
                    descriptors.push(file);
                    command.env(&name, path)
                }
            };
        }
        Ok(Self { command, masked, files, _descriptors: descriptors })
    }

    /// Replaces this process by the program or, if there is something to do while it runs or after
    /// it, waits for it.
    pub(super) fn run(mut self) -> Outcome {
        harden::restore_core_limit();
        let status = match self.masked {
            Some(masked) => masked.run(self.command),
            None if self.files.is_some() => wait(self.command),
            None => {
                let error = self.command.exec();
                return Err(not_started(&self.command, &error));
            }
        };
        drop(self.files);
        match status? {
            0 => Ok(()),
            code => Err(Stop::Ended(code)),
        }
    }
}

/// Runs the program to its end, and returns its exit status.
fn wait(mut command: Command) -> Outcome<u8> {
    // If there is a terminal, it sends the last two to both.
    let mut watch = match File::open("/dev/tty") {
        Ok(_) => Watch::new(&[SIGHUP, SIGTERM], &[SIGINT, SIGQUIT])?,
        Err(_) => Watch::new(&[SIGHUP, SIGTERM, SIGINT, SIGQUIT], &[])?,
    };
    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    watch.wait(&mut child, |_| {})
}

/// Returns a value for a variable, which no NUL can be in.
fn in_variable<'a>(name: &OsStr, secret: &'a Secret) -> Outcome<&'a OsStr> {
    if secret.expose().contains(&0) {
        let name = name.to_string_lossy();
        let why = format!("{name}: the value contains a NUL, and a variable cannot");
        return Err(Error::invalid("run", why).hint("Use --file or --fd").into());
    }
    Ok(OsStr::from_bytes(secret.expose()))
}
