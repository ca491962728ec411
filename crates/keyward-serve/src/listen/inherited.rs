//! The sockets that systemd has opened for this process (sd_listen_fds).

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Mutex;

use keyward_config::Environment;
use keyward_core::{Error, ErrorKind, Result};
use rustix::net::AddressFamily;

use super::open::Socket;

/// The sockets, each with its name. A socket can be used once; to use it again after its listener was
/// closed, the server must be started again.
#[derive(Debug, Default)]
pub(crate) struct Inherited(Mutex<Vec<(String, OwnedFd)>>);

/// The number of the first socket.
const FIRST: i32 = 3;

/// The most sockets.
const MOST: i32 = 64;

impl Inherited {
    /// Takes the sockets over. It must be called once, at the start of the process, before it opens
    /// files.
    pub(crate) fn from(environment: &Environment) -> Result<Self> {
        let number = |name: &str| {
            let text = environment.text(name)?;
            let number = text.map(|text| text.parse::<i32>());
            number
                .transpose()
                .map_err(|_| Error::invalid("listen", format!("{name} is not a number")))
        };
        let is_ours = number("LISTEN_PID")?.is_some_and(|pid| {
            rustix::process::Pid::from_raw(pid) == Some(rustix::process::getpid())
        });
        let count = number("LISTEN_FDS")?.filter(|_| is_ours).unwrap_or(0);
        if !(0..=MOST).contains(&count) {
            return Err(Error::invalid("listen", "LISTEN_FDS is not a number of sockets"));
        }
        let names = environment.text("LISTEN_FDNAMES")?.unwrap_or_default();
        let mut names = names.split(':').map(str::to_owned);
        let sockets = (FIRST..FIRST + count).map(|number| {
            let name = names.next().filter(|name| !name.is_empty());
            (name.unwrap_or_else(|| "unknown".into()), owned(number))
        });
        Ok(Self(Mutex::new(sockets.collect())))
    }

    /// Takes the first socket of this name.
    pub(super) fn take(&self, name: &str) -> Result<Socket> {
        let failed = |why: String| Error::new(ErrorKind::Unavailable, "listen").because(why);
        let mut sockets = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(found) = sockets.iter().position(|(other, _)| other == name) else {
            return Err(failed(format!("systemd has opened no socket of the name {name}")));
        };
        let (_, socket) = sockets.remove(found);
        open(socket).map_err(|error| failed(format!("the socket {name} cannot be used: {error}")))
    }
}

fn open(socket: OwnedFd) -> std::io::Result<Socket> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    let family = rustix::net::getsockname(&socket)?.address_family();
    if family == AddressFamily::UNIX {
        return tokio::net::UnixListener::from_std(socket.into()).map(Socket::Unix);
    }
    tokio::net::TcpListener::from_std(socket.into()).map(Socket::Tcp)
}

/// Takes over the first file that the parent process has opened for this one, if there is one. It
/// must be called once, at the start of the process, before it opens files.
pub(crate) fn first() -> Option<OwnedFd> {
    let is_open = std::fs::metadata(format!("/dev/fd/{FIRST}")).is_ok();
    is_open.then(|| owned(FIRST))
}

#[expect(unsafe_code, reason = "the parent process passes files by their numbers")]
fn owned(number: i32) -> OwnedFd {
    // SAFETY: the parent process has opened a file of this number for this process, and it is taken
    // once, before this process has opened anything that could have got the number.
    unsafe { OwnedFd::from_raw_fd(number) }
}
