//! A proxy that loses answers of a server.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Accepts connections for a server, and loses some of its answers.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<Mutex<Losses>>,
}

/// Which answers are lost.
#[derive(Debug)]
struct Losses {
    /// Requests that contain this.
    what: &'static [u8],
    /// How many of them.
    left: usize,
    /// Whether the connection stays open, so that the client waits.
    is_silent: bool,
}

impl Proxy {
    pub(crate) fn new(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let losses = Losses { what: b"", left: 0, is_silent: false };
        let state = Arc::new(Mutex::new(losses));
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, shared) = (client.unwrap(), shared.clone());
                thread::spawn(move || drop(forward(client, server, &shared)));
            }
        });
        Self { port, state }
    }

    /// Loses the answers of the next requests that contain these bytes: the server does what they
    /// ask, and the connection is cut.
    pub(crate) fn cut(&self, what: &'static [u8], count: usize) {
        *self.state.lock().unwrap() = Losses { what, left: count, is_silent: false };
    }

    /// The same, but the connection stays open without an answer.
    pub(crate) fn hold_back(&self, what: &'static [u8], count: usize) {
        *self.state.lock().unwrap() = Losses { what, left: count, is_silent: true };
    }
}

/// Forwards each request with its answer, which is enough for small ones.
fn forward(mut client: TcpStream, server: u16, losses: &Mutex<Losses>) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let request = &buffer[..read];
        server.write_all(request)?;
        let is_lost = {
            let mut losses = losses.lock().unwrap();
            let what = losses.what;
            let is_lost = losses.left > 0 && request.windows(what.len()).any(|part| part == what);
            losses.left -= usize::from(is_lost);
            is_lost.then_some(losses.is_silent)
        };
        let answered = server.read(&mut buffer)?;
        match is_lost {
            // The client ends the connection when it has waited enough.
            Some(true) => drop(client.read(&mut buffer)?),
            Some(false) => return Ok(()),
            None => client.write_all(&buffer[..answered])?,
        }
    }
}
