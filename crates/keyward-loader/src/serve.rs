//! The child's side: backends of this process, behind the door of another.

mod open;
mod remote;
#[cfg(test)]
mod tests;
mod watch;
mod worker;

use std::fs::File;
use std::io::{Read, Write};

use keyward_core::{Error, Registration, Result};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::spin::{Spinning, Waiting};
use worker::Server;

/// Lets whoever is at the other end of these pipes use the backends, until its end closes.
///
/// It speaks the protocol of `docs/plugin-protocol.md`. Calls are worked on side by side as soon as
/// one of them takes its time. A backend that panics has given an error; what the panic says is the
/// business of this process's panic hook, which should print no payload, for that may hold a secret.
///
/// # Errors
/// - [`Invalid`](keyward_core::ErrorKind::Invalid): the other side sends what is no message.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): a pipe failed.
pub fn serve(
    registrations: &[Registration],
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> Result<()> {
    Server::new(registrations, Box::new(input), Box::new(output)).run()
}

/// Serves whoever started this process, over its standard input and output, with the backends that `bring`
/// gets.
///
/// Before that already nothing else reaches them: what a backend prints goes to the error output, and
/// what it reads is empty.
///
/// # Errors
/// As [`serve`], and those of `bring`.
pub fn serve_parent(bring: impl FnOnce() -> Result<Vec<Registration>>) -> Result<()> {
    let io = |error: rustix::io::Errno| Error::io("serve", error.into());
    let input = input().map_err(io)?;
    let output = rustix::io::fcntl_dupfd_cloexec(std::io::stdout(), 3).map_err(io)?;
    let null = File::open("/dev/null").map_err(|error| Error::io("serve", error))?;
    rustix::stdio::dup2_stdin(null).map_err(io)?;
    rustix::stdio::dup2_stdout(std::io::stderr()).map_err(io)?;
    serve(&bring()?, Waiting(Spinning::new(input)), File::from(output))
}

/// This process's input, of which a read does not wait. It is opened anew: others may have it too, for whom a
/// read is to wait as ever.
fn input() -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open("/proc/self/fd/0", flags, Mode::empty())
        // A socket cannot be opened. Then its reads wait, and nobody looks before.
        .or_else(|_| rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3))
        .map(File::from)
}
