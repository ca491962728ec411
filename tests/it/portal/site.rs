//! A small server for HTTP that greets who comes in.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use keyward_core::{Attempt, Secret};
use keyward_portal::http::{Guard, Outcome, Request, Scheme};
use keyward_portal::{IdentityRealm, Portal, VISITOR};

use super::users::REALM;

/// The server, on a free port of loopback. It ends with the process of the test.
pub(super) struct Site {
    pub(super) url: String,
    /// The status of each response.
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Site {
    /// Starts it. Its connections are private if `is_private` says so: TLS would end in front of it.
    pub(super) fn start(
        portal: Portal<IdentityRealm>,
        schemes: &'static [Scheme],
        is_private: bool,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let statuses = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&statuses);
        thread::spawn(move || {
            let guard = Guard::new(&portal, &[VISITOR], REALM, schemes).unwrap();
            for stream in listener.incoming() {
                serve(&guard, stream.unwrap(), is_private, &seen);
            }
        });
        Self { url, statuses }
    }

    /// Returns the statuses since it was asked last.
    pub(super) fn statuses(&self) -> Vec<u16> {
        std::mem::take(&mut *self.statuses.lock().unwrap())
    }
}

/// Answers one request.
fn serve(
    guard: &Guard<'_, IdentityRealm>,
    stream: TcpStream,
    is_private: bool,
    statuses: &Mutex<Vec<u16>>,
) -> Option<()> {
    let address = stream.peer_addr().unwrap().ip().to_string();
    let attempt = Attempt::from_address(address);
    let attempt = if is_private { attempt.private() } else { attempt };
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (mut authorization, mut length) = (Vec::new(), 0);
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).ok()?;
        let line = line.trim_ascii_end();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"authorization") {
            authorization.push(Secret::from(value));
        } else if name.eq_ignore_ascii_case(b"content-length") {
            length = std::str::from_utf8(value).ok()?.parse().ok()?;
        }
    }
    reader.by_ref().take(length).read_to_end(&mut Vec::new()).ok()?;
    let outcome = guard.enter(&Request::new(method, target, authorization), &attempt, ());
    let (status, headers, body) = match &outcome {
        Outcome::Entered { login, headers } => {
            let identity = login.visitor().identity.as_ref();
            let name = identity.map_or("guest", |identity| identity.as_str());
            let text = |value: &Secret| value.expose_str().unwrap().to_owned();
            let headers = headers.iter().map(|(name, value)| (*name, text(value))).collect();
            (200, headers, format!("hello {name}\n"))
        }
        Outcome::Refused { response, .. } | Outcome::Failed { response, .. } => {
            (response.status, response.headers.clone(), response.body.to_owned())
        }
    };
    let mut answer = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    for (name, value) in headers {
        answer += &format!("{name}: {value}\r\n");
    }
    answer += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    statuses.lock().unwrap().push(status);
    reader.get_mut().write_all(answer.as_bytes()).ok()
}
