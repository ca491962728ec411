use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{Error, ErrorKind, Result};

use crate::authorization::Authorization;
use crate::grant::Grant;

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// How long a client may take to send its request.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it looks for a new connection.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits on this machine for the browser that a server sends back (RFC 8252 section 7.3).
///
/// # Security
/// It listens on an address that only this machine can reach. It ignores every request that is not
/// the answer to the login: with another state, from another page, or addressed to another host, as
/// in DNS rebinding. It stops listening after the right one.
#[derive(Debug)]
pub struct Callback {
    listener: TcpListener,
    host: String,
    path: String,
}

impl Callback {
    /// Listens on the loopback address, on `port` or, if it is 0, on any free one. `path` is that of
    /// the redirect URI, with the slash.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the port is in use.
    pub fn listen(is_ipv6: bool, port: u16, path: &str) -> Result<Self> {
        let address: SocketAddr = match is_ipv6 {
            true => (Ipv6Addr::LOCALHOST, port).into(),
            false => (Ipv4Addr::LOCALHOST, port).into(),
        };
        let listener = TcpListener::bind(address).map_err(|error| failed(address, error))?;
        listener.set_nonblocking(true).map_err(|error| failed(address, error))?;
        let address = listener.local_addr().map_err(|error| failed(address, error))?;
        Ok(Self { listener, host: address.to_string(), path: path.to_owned() })
    }

    /// Where the server must send the browser.
    pub fn redirect_uri(&self) -> String {
        format!("http://{}{}", self.host, self.path)
    }

    /// Waits at most this long for the answer to a request for consent whose redirect URI is
    /// [`redirect_uri`](Self::redirect_uri). `None` if it did not come.
    ///
    /// # Errors
    /// As [`Authorization::grant`], if the user or the server refused.
    pub fn wait(&self, authorization: &Authorization, wait: Duration) -> Result<Option<Grant>> {
        let end = Instant::now() + wait;
        let (send, requests) = mpsc::channel();
        loop {
            // Browsers open connections that they do not use, so each one is read by a thread.
            while let Ok((mut stream, _)) = self.listener.accept() {
                let send = send.clone();
                thread::spawn(move || read_head(&mut stream).map(|head| send.send((stream, head))));
            }
            let Ok((mut stream, head)) = requests.recv_timeout(PAUSE) else {
                if Instant::now() >= end { return Ok(None) } else { continue }
            };
            match self.judge(authorization, &head) {
                Ok(grant) => {
                    answer(&mut stream, "200 OK", "You are logged in. You can close this page.");
                    return Ok(Some(grant));
                }
                Err(error) if error.kind() == ErrorKind::Unauthorized => {
                    answer(
                        &mut stream,
                        "200 OK",
                        "The login was refused. You can close this page.",
                    );
                    return Err(error);
                }
                Err(_) => {
                    answer(&mut stream, "400 Bad Request", "This is not the page that you want.")
                }
            }
        }
    }

    /// Returns the grant in a request.
    fn judge(&self, authorization: &Authorization, head: &str) -> Result<Grant> {
        let foreign = || Error::invalid("login", "the request does not come from a login page");
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default();
        let target = first.strip_prefix("GET ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
        let target = target.ok_or_else(foreign)?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.to_lowercase(), value.trim())).collect();
        let values = |wanted: &str| {
            let found = headers.iter().filter(|(name, _)| name == wanted);
            found.map(|(_, value)| *value).collect::<Vec<_>>()
        };
        // A page of another site can make the browser send a request here, but not with this host.
        if values("host") != [self.host.as_str()] || !values("origin").is_empty() {
            return Err(foreign());
        }
        authorization.grant(&format!("http://{}{target}", self.host))
    }
}

/// Reads the head of a request; `None` if it is too long, does not come in time, or is not text.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let started = Instant::now();
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        head.extend_from_slice(&chunk[..read]);
        if head.len() > MAX_HEAD || started.elapsed() > PATIENCE {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

/// Answers with a page. The browser that does not get it has lost only that.
fn answer(stream: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><meta charset=utf-8><title>Keyward</title><p>{text}");
    let length = page.len();
    drop(write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\nContent-Security-Policy: default-src 'none'\r\n\
         Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{page}"
    ));
}

fn failed(address: SocketAddr, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "login")
        .because(format!("cannot listen on {address}"))
        .caused_by(error)
}
