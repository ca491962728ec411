//! A client that sends what no other program would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Far longer than an answer takes.
const LONGEST: Duration = Duration::from_secs(20);

/// The host in the page.
pub(super) const HOST: &str = "www.example.org";

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// In lower case.
    pub(super) head: String,
    /// The cookie that it sets, as `NAME=VALUE`.
    pub(super) cookie: Option<String>,
    pub(super) body: String,
}

/// A connection to the web server.
pub(super) struct Client(BufReader<TcpStream>);

impl Client {
    pub(super) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        stream.set_write_timeout(Some(LONGEST)).unwrap();
        Self(BufReader::new(stream))
    }

    /// Sends a request. Among the headers can be another host.
    pub(super) fn send(&mut self, method: &str, target: &str, headers: &[&str], body: &str) {
        let mut request = format!("{method} {target} HTTP/1.1\r\n");
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            request += &format!("Host: {HOST}\r\n");
        }
        for header in headers {
            request += &format!("{header}\r\n");
        }
        // A server may answer and close before it has read all.
        let _ = self.0.get_ref().write_all(format!("{request}\r\n{body}").as_bytes());
    }

    pub(super) fn write(&mut self, text: &str) {
        self.0.get_ref().write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// Reads lines until one contains the text.
    pub(super) fn read_to(&mut self, text: &str) {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "the connection ends before {text}");
            if line.contains(text) {
                return;
            }
        }
    }

    pub(super) fn status_and_head(&mut self) -> (u16, String) {
        let (status, head) = self.exact_head();
        (status, head.to_ascii_lowercase())
    }

    fn exact_head(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let line = self.line();
            assert!(!line.is_empty(), "the head of an answer ends: {head:?}");
            head += &line;
        }
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
    }

    /// Reads an answer with a length, or one until the end of the connection.
    pub(super) fn answer(&mut self, has_body: bool) -> Answer {
        let (status, exact) = self.exact_head();
        let head = exact.to_ascii_lowercase();
        let cookie = head.find("set-cookie: ").map(|start| &exact[start + "set-cookie: ".len()..]);
        let cookie = cookie.and_then(|rest| rest.split(';').next()).map(str::to_owned);
        let mut body = Vec::new();
        let length = head.split_once("\r\ncontent-length: ");
        match length.map(|(_, rest)| rest.lines().next().unwrap().parse().unwrap()) {
            _ if !has_body => {}
            Some(length) => {
                body.resize(length, 0);
                self.0.read_exact(&mut body).unwrap();
            }
            None => drop(self.0.read_to_end(&mut body).unwrap()),
        }
        Answer { status, head, cookie, body: String::from_utf8_lossy(&body).into_owned() }
    }
}

/// Sends one request on a new connection.
pub(super) fn ask(port: u16, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
    let mut client = Client::connect(port);
    client.send(method, target, &[headers, &["Connection: close"]].concat(), body);
    client.answer(method != "HEAD")
}
