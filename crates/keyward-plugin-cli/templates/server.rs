//! A small HTTP service for tests: values with ETags, conditions, and a list of keys.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A service on this machine. It ends with the process.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
}

/// The values by key, each with its ETag, and how many values were put.
#[derive(Default)]
struct Values(BTreeMap<String, (String, Vec<u8>)>, u64);

impl Server {
    /// Starts a service that accepts only this token, or everything.
    pub(crate) fn start(token: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let values = Arc::new(Mutex::new(Values::default()));
        let token = token.map(|token| format!("Bearer {token}"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (values, token) = (Arc::clone(&values), token.clone());
                thread::spawn(move || drop(serve(stream, token.as_ref(), &values)));
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Answers the requests of a connection.
fn serve(mut stream: TcpStream, token: Option<&String>, values: &Mutex<Values>) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap_or(0));
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let (status, tag, body) = match token.is_none() || headers.get("authorization") == token {
            true => values.lock().unwrap().answer(method, &path[1..], &headers, body),
            false => (401, String::new(), Vec::new()),
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} x\r\netag: {tag}\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &body].concat())?;
    }
}

impl Values {
    /// Returns the status, the ETag and the body of an answer.
    fn answer(
        &mut self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> (u16, String, Vec<u8>) {
        if let Some(query) = path.strip_prefix('?') {
            return (200, String::new(), self.list(query).into_bytes());
        }
        let found = self.0.get(path).map(|(tag, _)| tag.clone());
        let must_match = headers.get("if-match").is_some_and(|tag| found.as_ref() != Some(tag));
        if must_match || headers.contains_key("if-none-match") && found.is_some() {
            return (412, String::new(), Vec::new());
        }
        match (method, found) {
            ("PUT", _) => {
                self.1 += 1;
                let tag = format!("\"{}\"", self.1);
                self.0.insert(path.to_owned(), (tag.clone(), body));
                (200, tag, Vec::new())
            }
            (_, None) => (404, String::new(), Vec::new()),
            ("GET", Some(tag)) => (200, tag, self.0[path].1.clone()),
            _ => {
                self.0.remove(path);
                (204, String::new(), Vec::new())
            }
        }
    }

    /// Returns the keys that `prefix=…&after=…&most=…` selects, one on each line.
    fn list(&self, query: &str) -> String {
        let mut words = query.split('&').map(|word| word.split_once('=').map_or("", |it| it.1));
        let mut next = || words.next().unwrap_or_default();
        let (prefix, after, most) = (next(), next(), next().parse().unwrap_or(0));
        let follows = |key: &&String| key.starts_with(prefix) && key.as_str() > after;
        self.0.keys().filter(follows).take(most).map(|key| format!("{key}\n")).collect()
    }
}
