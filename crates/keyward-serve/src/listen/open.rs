use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use keyward_core::{Error, ErrorKind, Result};
use tokio::net::{TcpListener, UnixListener};

use super::{Connection, Inherited, Peer, Stream};
use crate::config::address::Address;

/// An open listener.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: Address,
    socket: Socket,
}

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Opens a listener.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the operating system refuses it.
    pub(crate) async fn open(address: &Address, inherited: &Inherited) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let why = format!("cannot listen on {address}: {error}");
            Error::new(ErrorKind::Unavailable, "listen").because(why)
        };
        let socket = match address {
            Address::Tcp(socket) => Socket::Tcp(TcpListener::bind(socket).await.map_err(failed)?),
            Address::Unix(path) => Socket::Unix(open_unix(path).map_err(failed)?),
            Address::Inherited(name) => inherited.take(name)?,
        };
        Ok(Self { address: address.clone(), socket })
    }

    /// The port, if it is one of TCP.
    pub(crate) fn port(&self) -> Option<u16> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Socket::Unix(_) => None,
        }
    }

    pub(crate) async fn accept(&self) -> std::io::Result<Connection> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // An answer is one small write, which must not wait for more.
                stream.set_nodelay(true)?;
                let private = peer.ip().to_canonical().is_loopback();
                Ok(Connection { stream: Stream::Tcp(stream), peer: Peer::Network(peer), private })
            }
            Socket::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let uid = stream.peer_cred()?.uid();
                Ok(Connection {
                    stream: Stream::Unix(stream),
                    peer: Peer::Local { uid },
                    private: true,
                })
            }
        }
    }
}

/// Listens on a Unix socket. The file of a server that is gone is replaced; that of a server that
/// answers is not.
///
/// The user and the group can connect; the folder decides who else gets so far.
fn open_unix(path: &Path) -> std::io::Result<UnixListener> {
    let is_socket = path.symlink_metadata().is_ok_and(|it| it.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o660))?;
    Ok(listener)
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.address {
            // Without the file, clients see at once that the server is gone.
            let _ = std::fs::remove_file(path);
        }
    }
}
