//! The child's side: makes backends of this process available to another process.

mod pipe;
mod remote;
mod server;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Write};

use keyward_core::{Error, Registration, Result};

use server::Server;

/// Lets the process at the other end of these pipes use the backends, until it closes its end.
///
/// This implements the protocol of `docs/plugin-protocol.md`. Calls are done concurrently. If a
/// backend panics, the host gets an error. The process's panic hook should not print the payload,
/// which may contain a secret.
///
/// # Errors
/// - [`Invalid`](keyward_core::ErrorKind::Invalid): the other side sends something that is not a
///   message.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): a pipe failed.
pub fn serve(
    registrations: &[Registration],
    input: impl Read,
    output: impl Write + Send + 'static,
) -> Result<()> {
    Server::new(registrations, Box::new(output)).run(input)
}

/// Does the same as [`serve`], but one call after the other, for fuzzing. A backend must not call
/// its host.
///
/// # Errors
/// As [`serve`].
#[doc(hidden)]
pub fn serve_in_turn(
    registrations: &[Registration],
    input: impl Read,
    output: impl Write + Send + 'static,
) -> Result<()> {
    Server::new(registrations, Box::new(output)).run_in_turn(input)
}

/// Serves the process that started this one, over standard input and output, with the backends that
/// `backends` returns.
///
/// Before that, both are redirected: what a backend prints goes to the error output, and what it
/// reads is empty.
///
/// # Errors
/// As [`serve`], and those of `backends`.
pub fn serve_parent(backends: impl FnOnce() -> Result<Vec<Registration>>) -> Result<()> {
    let io = |error: rustix::io::Errno| Error::io("serve", error.into());
    let input = rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3).map_err(io)?;
    let output = rustix::io::fcntl_dupfd_cloexec(std::io::stdout(), 3).map_err(io)?;
    let null = File::open("/dev/null").map_err(|error| Error::io("serve", error))?;
    rustix::stdio::dup2_stdin(null).map_err(io)?;
    rustix::stdio::dup2_stdout(std::io::stderr()).map_err(io)?;
    serve(&backends()?, File::from(input), File::from(output))
}
