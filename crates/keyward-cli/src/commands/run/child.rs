//! The program that gets the secrets.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use keyward::Environment;
use keyward_core::{Error, Result, Secret};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use super::files::SecretFiles;
use super::plan::{Form, Resolved};
use crate::harden;
use crate::stop::{Outcome, Stop};

/// The exit status if the program is not found, and if it cannot be run, as in shells.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

/// The program, its environment, and what must stay open or exist while it runs.
#[derive(Debug)]
pub(super) struct Child {
    command: Command,
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
    ) -> Outcome<Self> {
        let mut words = command.into_iter();
        let mut command = Command::new(words.next().expect("clap requires it"));
        command.args(words).env_clear().envs(resolved.texts);
        let (mut files, mut descriptors) = (None, Vec::new());
        for (name, secret, form) in resolved.secrets {
            match form {
                Form::Variable => command.env(&name, in_variable(&name, &secret)?),
                Form::File => {
                    let files = match &mut files {
                        Some(files) => files,
                        none => none.insert(SecretFiles::new(environment)?),
                    };
                    command.env(&name, files.add(&name.to_string_lossy(), &secret)?)
                }
                Form::Descriptor => {
                    let (file, path) = open_in_memory(&secret)?;
                    descriptors.push(file);
                    command.env(&name, path)
                }
            };
        }
        Ok(Self { command, files, _descriptors: descriptors })
    }

    /// Replaces this process by the program or, if files must be removed after it, waits for it.
    pub(super) fn run(mut self) -> Outcome {
        harden::restore_core_limit();
        let Some(files) = self.files.take() else {
            let error = self.command.exec();
            return Err(not_started(&self.command, &error));
        };
        let status = self.wait();
        drop(files);
        match status? {
            0 => Ok(()),
            code => Err(Stop::Ended(code)),
        }
    }

    /// Runs the program to its end, and returns its exit status. It gets the signals that this
    /// process gets.
    fn wait(&mut self) -> Outcome<u8> {
        // Before the start, so that no signal is lost. The terminal sends the first two to both.
        let ours = [SIGINT, SIGQUIT];
        let theirs = [SIGHUP, SIGTERM, SIGUSR1, SIGUSR2];
        let mut signals = Signals::new([&ours[..], &theirs, &[SIGCHLD]].concat())
            .map_err(|error| Error::io("run", error))?;
        let mut child = self.command.spawn().map_err(|error| not_started(&self.command, &error))?;
        for signal in signals.forever() {
            if let Some(status) = child.try_wait().map_err(|error| Error::io("run", error))? {
                return Ok(code(status));
            }
            if theirs.contains(&signal)
                && let Some(signal) = Signal::from_named_raw(signal)
            {
                // It is not waited for yet, so its number is not another process's.
                let _ = kill_process(Pid::from_child(&child), signal);
            }
        }
        unreachable!("the signals never end")
    }
}

/// Returns the exit status as shells return it: 128 and the number of the signal, if there was one.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(1)
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

/// Makes a file without a name that the program inherits, and returns the path that opens it.
#[cfg(target_os = "linux")]
fn open_in_memory(secret: &Secret) -> Result<(File, String)> {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let made = || -> io::Result<File> {
        let mut file = File::from(memfd_create("secret", MemfdFlags::ALLOW_SEALING)?);
        file.write_all(secret.expose())?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW)?;
        Ok(file)
    };
    let file = made().map_err(|error| Error::io("run", error))?;
    let path = format!("/dev/fd/{}", file.as_raw_fd());
    Ok((file, path))
}

#[cfg(not(target_os = "linux"))]
fn open_in_memory(_: &Secret) -> Result<(File, String)> {
    Err(Error::new(keyward_core::ErrorKind::Unsupported, "run").because("--fd needs Linux"))
}

fn not_started(command: &Command, error: &io::Error) -> Stop {
    let program = command.get_program().to_string_lossy();
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
    Stop::Code(code, format!("error: {}: {error}", crate::output::escaped(&program)))
}
