//! The server behind the web server: it answers with what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::helpers::waiting::poll;

/// The first line of each answer: what the web server itself answers does not contain it.
pub(super) const REACHED: &str = "reached the server behind";

pub(super) struct Backend {
    pub(super) port: u16,
    /// Whether streams may send their last event.
    pub(super) goes_on: Arc<AtomicBool>,
}

impl Backend {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let goes_on = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&goes_on);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A connection ends when its peer ends it.
                thread::spawn(move || while answer(&stream, &shared).is_some() {});
            }
        });
        Self { port, goes_on }
    }
}

/// Answers a request. `None` if it was the last of its connection.
fn answer(stream: &TcpStream, goes_on: &AtomicBool) -> Option<()> {
    // The peers here send no second request before they have the answer.
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let target = head.split(' ').nth(1)?.to_owned();
    if target.ends_with("/websocket") {
        writer.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n").ok()?;
        writer.write_all(b"Connection: Upgrade\r\n").ok()?;
        // The answer to the key of the test, which is that of RFC 6455 section 1.3; HAProxy checks it.
        writer.write_all(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n").ok()?;
        std::io::copy(&mut reader, &mut writer).ok()?;
        return None;
    }
    if target.ends_with("/events") {
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n").ok()?;
        writer.write_all(b"Connection: close\r\n\r\ndata: one\n\n").ok()?;
        poll(|| goes_on.load(Ordering::SeqCst).then_some(()))?;
        writer.write_all(b"data: two\n\n").ok()?;
        return stream.shutdown(std::net::Shutdown::Both).err().map(drop);
    }
    let body = read_body(&head.to_ascii_lowercase(), &mut reader)?;
    let text = format!("{REACHED}\n{head}{}", String::from_utf8_lossy(&body));
    let length = text.len();
    let text = if head.starts_with("HEAD ") { "" } else { &text };
    let head = format!("HTTP/1.1 200 OK\r\nX-Reached: yes\r\nContent-Length: {length}\r\n\r\n");
    // In one piece: the next would wait until the peer has acknowledged this one.
    writer.write_all(format!("{head}{text}").as_bytes()).ok()
}

fn read_body(head: &str, reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if let Some((_, length)) = head.split_once("\r\ncontent-length: ") {
        body.resize(length.lines().next()?.parse().ok()?, 0);
        reader.read_exact(&mut body).ok()?;
    } else if head.contains("\r\ntransfer-encoding: chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let length = usize::from_str_radix(line.trim(), 16).ok()?;
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk).ok()?;
            if length == 0 {
                break;
            }
            body.extend(&chunk[..length]);
        }
    }
    Some(body)
}
