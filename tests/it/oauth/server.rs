//! The servers of these tests.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::helpers::program::keyward;

/// The folder of the server that is an npm package, in which `cargo xtask test` has installed it.
pub(super) fn folder() -> PathBuf {
    let program = keyward();
    let folder = program.ancestors().nth(2).unwrap().join("servers/oidc");
    assert!(folder.join("node_modules").exists(), "`cargo xtask test` installs the server");
    folder
}

/// The package `oidc-provider`, running.
pub(super) struct Oidc {
    server: Child,
    /// The server would end if it could not write any more.
    _output: BufReader<ChildStdout>,
    pub(super) issuer: String,
}

impl Oidc {
    pub(super) fn start() -> Self {
        let mut command = Command::new("node");
        command.arg("server.mjs").current_dir(folder()).stdout(Stdio::piped());
        let mut server = command.stderr(Stdio::null()).spawn().unwrap();
        let mut issuer = String::new();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        output.read_line(&mut issuer).unwrap();
        assert!(issuer.starts_with("http://127.0.0.1:"), "the server did not start: {issuer:?}");
        Self { server, _output: output, issuer: issuer.trim().to_owned() }
    }
}

impl Drop for Oidc {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// A token endpoint that replaces the refresh token with each use. If an old one is used, someone
/// may have stolen it, so the server refuses all that follow.
#[derive(Clone)]
pub(super) struct Rotating {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// How many requests came.
    requests: usize,
    /// The number of the refresh token that is good.
    newest: usize,
    /// The numbers of the refresh tokens that were used.
    used: BTreeSet<usize>,
    is_revoked: bool,
    /// How many connections are open.
    open: usize,
    delay: Duration,
}

impl Rotating {
    /// Starts it. The first refresh token is `refresh-0`, and an answer takes `delay`.
    pub(super) fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { delay, ..State::default() }));
        let server = Self { url, state };
        let for_threads = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = for_threads.clone();
                server.state.lock().unwrap().open += 1;
                thread::spawn(move || {
                    server.serve(stream);
                    server.state.lock().unwrap().open -= 1;
                });
            }
        });
        server
    }

    pub(super) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    /// Waits until the server has finished with every request that was sent.
    pub(super) fn settle(&self) {
        let address = self.url.strip_prefix("http://").unwrap().strip_suffix("/token").unwrap();
        // This connection is accepted, and closed, after all others were accepted.
        let mut last = TcpStream::connect(address).unwrap();
        last.write_all(b"\r\n").unwrap();
        drop(last.read(&mut [0]));
        while self.state.lock().unwrap().open > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The refresh token that the server would accept; `None` if it accepts none.
    pub(super) fn newest(&self) -> Option<String> {
        let state = self.state.lock().unwrap();
        (!state.is_revoked).then(|| format!("refresh-{}", state.newest))
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let body = read_body(&mut stream)?;
        let used = body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=refresh-"));
        let used: usize = used?.parse().ok()?;
        let (answer, delay) = self.state.lock().unwrap().answer(used);
        thread::sleep(delay);
        let (status, length) = (answer.0, answer.1.len());
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        let head = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
        stream.write_all((head + &answer.1).as_bytes()).ok()
    }
}

impl State {
    fn answer(&mut self, used: usize) -> ((&'static str, String), Duration) {
        self.requests += 1;
        if self.is_revoked || used != self.newest || !self.used.insert(used) {
            self.is_revoked = true;
            return (("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned()), self.delay);
        }
        self.newest += 1;
        let number = self.newest;
        let tokens =
            format!(r#""access_token":"access-{number}","refresh_token":"refresh-{number}""#);
        (("200 OK", format!(r#"{{{tokens},"token_type":"Bearer","expires_in":3600}}"#)), self.delay)
    }
}

/// Reads a request with a body.
fn read_body(stream: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}
