//! The programs that run, and the backends that they provide.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_core::{Door, Info, Registration, Result};
use keyward_wire::manifest::Announced;

use super::Command;
use super::running::{Opener, Running};
use crate::roles;

/// The programs that run as child processes, each once, however many of its backends are open and
/// however many threads use them.
///
/// Dropping this value ends them all, as [`finish`](Self::finish) does.
///
/// # Examples
/// ```no_run
/// use keyward_loader::process::{Command, Programs};
///
/// let programs = Programs::new();
/// let command = Command::new("/usr/lib/keyward/folder.py").variable("LANG", "C.UTF-8");
/// for registration in programs.run(&command)? {
///     println!("{} {}", registration.role(), registration.info.name);
/// }
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Programs(Mutex<Vec<Program>>);

/// A program, and the backends that it provided at its first start.
#[derive(Debug)]
struct Program {
    running: Arc<Running>,
    backends: Vec<Registration>,
}

impl Programs {
    /// Returns a value that runs no program yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a program, unless it runs already, and returns the backends that it provides.
    ///
    /// If it dies, its open backends return errors. Opening a backend again restarts it, a limited
    /// number of times an hour.
    ///
    /// # Errors
    /// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it does not start, or does not report its
    ///   backends within ten seconds.
    /// - [`Refused`](keyward_core::ErrorKind::Refused): it speaks another version of the protocol.
    /// - [`Invalid`](keyward_core::ErrorKind::Invalid): the path is not absolute.
    ///
    /// # Security
    /// The program has the rights of this process, and sees what its backends get: a storage gets
    /// sealed blobs, a serializer gets records.
    pub fn run(&self, command: &Command) -> Result<Vec<Registration>> {
        let mut programs = self.programs();
        if let Some(known) = programs.iter().find(|known| known.running.command == *command) {
            return Ok(known.backends.clone());
        }
        let running = Running::start(command)?;
        let backends: Vec<_> =
            running.hello.backends.iter().map(|backend| register(&running, backend)).collect();
        programs.push(Program { running, backends: backends.clone() });
        Ok(backends)
    }

    /// Ends every program that runs: asks each to end, waits for a second, and then kills it with
    /// its process group. Its backends return errors from then on, and cannot be opened again.
    ///
    /// If the process ends without this, the kernel kills the programs at once. That does no harm
    /// if no call is in progress and they have not started processes themselves.
    pub fn finish(&self) {
        let programs = std::mem::take(&mut *self.programs());
        let clients: Vec<_> = programs.iter().map(|program| program.running.retire()).collect();
        // It asks all of them before it waits for one, so that they end at the same time.
        clients.iter().for_each(|client| client.dismiss());
        clients.iter().for_each(|client| client.finish());
    }

    fn programs(&self) -> MutexGuard<'_, Vec<Program>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        self.finish();
    }
}

fn register(running: &Arc<Running>, backend: &'static Announced) -> Registration {
    Registration {
        info: Info::new(&backend.name, &backend.help),
        per_user: None,
        options: backend.options(),
        package: &running.hello.package,
        version: running.hello.version.as_deref().unwrap_or_default(),
        door: Door::Run,
        factory: roles::factory(Opener::new(running, backend)),
    }
}
