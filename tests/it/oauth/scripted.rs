//! A server whose answers a function makes, for grants that no real server here has.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The header `Authorization`.
    pub(crate) authorization: String,
    /// The header `Cookie`.
    pub(crate) cookie: String,
    /// All header lines, as they came.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    /// Returns a parameter of its form.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

/// The server. It listens until the test ends.
pub(crate) struct Scripted {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Scripted {
    /// Starts it. `answer` returns the status line after `HTTP/1.1`, with more lines of the head if
    /// it wants, and the body.
    pub(crate) fn start(
        answer: impl Fn(&Received) -> (String, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let all = Arc::clone(&received);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                all.lock().unwrap().push(request.clone());
                let (head, body) = answer(&request);
                let length = body.len();
                let head = format!("HTTP/1.1 {head}\r\nContent-Type: application/json\r\n");
                let head = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
                drop(stream.write_all((head + &body).as_bytes()));
            }
        });
        Self { url, received }
    }

    /// All requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (Received::default(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if request.path.is_empty() {
            let mut words = line.split(' ').map(str::to_owned);
            request.method = words.next()?;
            request.path = words.next()?;
        }
        request.head += &line;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                request.authorization = value.to_owned();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("cookie") => {
                request.cookie = value.to_owned();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            _ if line == "\r\n" => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}
