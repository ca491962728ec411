//! Bouncers of another process: the client of `keyward serve`'s RPC, which `docs/serve-rpc.md` specifies.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Result, Secret};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{Keycard, Selection, State};

/// Asks the bouncers of a server over its Unix socket.
///
/// Each call is one connection. What a user may do depends on the user of this process, and the server
/// decides it.
#[derive(Clone, Debug)]
pub struct Remote {
    socket: PathBuf,
}

/// How long to wait for the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest answer, in bytes: about 200,000 keycards.
const MAX: u64 = 128 << 20;

impl Remote {
    /// Uses the server with this socket.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Returns the live keycards of a selection.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    pub fn list(&self, bouncer: &str, selection: &Selection) -> Result<Vec<Keycard>> {
        let mut answer = self.call(bouncer, "list", selection)?;
        let cards = serde_json::from_value::<Vec<Keycard>>(answer["keycards"].take());
        let cards = cards.map_err(|_| strange(&self.socket))?.into_iter();
        // The server is believed that they live. Elsewhere, a state that comes in is ignored.
        Ok(cards.map(|card| Keycard { state: State::Authenticated, ..card }).collect())
    }

    /// Takes keycards back. Returns how many there were.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    pub fn revoke(&self, bouncer: &str, selection: &Selection) -> Result<u64> {
        let answer = self.call(bouncer, "revoke", selection)?;
        answer["revoked"].as_u64().ok_or_else(|| strange(&self.socket))
    }

    /// Lets clients in again.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    pub fn enable(&self, bouncer: &str) -> Result<()> {
        self.call(bouncer, "enable", &json!({})).map(drop)
    }

    /// Lets no client in, and ends all keycards.
    ///
    /// # Errors
    /// Those of [`call`](Self::call).
    pub fn disable(&self, bouncer: &str) -> Result<()> {
        self.call(bouncer, "disable", &json!({})).map(drop)
    }

    /// Does a call of the RPC.
    ///
    /// # Errors
    /// - [`Unavailable`](ErrorKind::Unavailable) if the server cannot be reached or cannot answer.
    /// - [`Refused`](ErrorKind::Refused) if this user may not do that.
    /// - [`NotFound`](ErrorKind::NotFound) if there is no such bouncer.
    /// - [`Invalid`](ErrorKind::Invalid) if the call is wrong.
    pub fn call(&self, bouncer: &str, call: &str, body: &impl Serialize) -> Result<Value> {
        let body = serde_json::to_vec(body).map_err(|_| strange(&self.socket))?;
        let path = format!("{}/{call}", utf8_percent_encode(bouncer, NON_ALPHANUMERIC));
        let head = format!(
            "POST /v1/bouncers/{path} HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let request = Secret::new([head.as_bytes(), &body].concat());
        let answer = self.exchange(&request).map_err(|error| unreachable(&self.socket, error))?;
        let (status, value) = read_answer(&answer).ok_or_else(|| strange(&self.socket))?;
        if status == 200 {
            return Ok(value);
        }
        let kind = match status {
            400 | 405 | 413 => ErrorKind::Invalid,
            403 => ErrorKind::Refused,
            404 => ErrorKind::NotFound,
            _ => ErrorKind::Unavailable,
        };
        let why = value["error"].as_str().unwrap_or("the server did not say why");
        let error = Error::new(kind, "keycards").because(why);
        Err(match value["hint"].as_str() {
            Some(hint) => error.hint(hint.to_owned()),
            None => error,
        })
    }

    fn exchange(&self, request: &Secret) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(request.expose())?;
        let mut answer = Vec::new();
        stream.take(MAX).read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Reads an answer of HTTP/1.1 that ends with its connection.
fn read_answer(answer: &[u8]) -> Option<(u16, Value)> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, serde_json::from_slice(&answer[end + 4..]).ok()?))
}

fn unreachable(socket: &Path, error: std::io::Error) -> Error {
    let why = format!("the server does not answer at {}", socket.display());
    Error::new(ErrorKind::Unavailable, "keycards")
        .because(why)
        .hint("`listen` in the section [rpc] of its configuration names the socket")
        .caused_by(error)
}

fn strange(socket: &Path) -> Error {
    let why = format!("what answers at {} is not a server of Keyward", socket.display());
    Error::new(ErrorKind::Unavailable, "keycards").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_or_strange() {
        let read = read_answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        assert_eq!(read, (200, json!({})));
        for wrong in ["", "HTTP/1.1 200 OK", "HTTP/1.1 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\n\r\n<p>"] {
            assert!(read_answer(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_server_that_is_down_is_named() {
        let error = Remote::new("/none/rpc.sock").enable("office").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("/none/rpc.sock"), "{error}");
    }
}
