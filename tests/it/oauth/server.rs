//! The servers of these tests.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use xtask::root;

use crate::helpers::home::Home;
use crate::helpers::program::installed_server;
use crate::helpers::waiting::wait_until;

/// The folder of the server that is an npm package, in which `cargo xtask test` has installed it.
fn folder() -> PathBuf {
    let folder = installed_server("oidc");
    assert!(folder.join("node_modules").exists(), "`cargo xtask test` installs the server");
    folder
}

/// A server that is another program. It ends when it is dropped.
struct Running {
    server: Child,
    /// The server would end if it could not write any more.
    _output: BufReader<ChildStdout>,
    /// What it printed first.
    url: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        output.read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "the server did not start: {url:?}");
        Self { server, _output: output, url: url.trim().to_owned() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// The package `oidc-provider`, running.
pub(crate) struct Oidc(Running);

impl Oidc {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one whose pages submit themselves, in a browser that runs scripts.
    pub(super) fn start_submitting_itself() -> Self {
        Self::start_with(&["--submits-itself"])
    }

    fn start_with(options: &[&str]) -> Self {
        let mut node = Command::new("node");
        Self(Running::start(node.arg("server.mjs").args(options).current_dir(folder())))
    }

    /// Starts it, and has it write the private keys of its clients into a new folder `keys`.
    pub(crate) fn start_with_keys(home: &Home) -> Self {
        let keys = home.path("keys");
        std::fs::create_dir(&keys).unwrap();
        let mut command = Command::new("node");
        command.arg("server.mjs").current_dir(folder()).env("OIDC_KEYS", keys);
        Self(Running::start(&mut command))
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.0.url
    }

    /// A home with a store `s`, whose browser logs in and agrees to everything.
    pub(crate) fn home(&self) -> Home {
        home_with_browser()
    }

    /// The arguments of a login of this server's public client for the entry `name`, with more
    /// arguments.
    pub(crate) fn login(&self, name: &str, more: &str) -> String {
        self.login_as("cli", name, &format!("--scope openid --scope read {more}"))
    }

    /// Those of a login with a refresh token.
    pub(crate) fn lasting_login(&self, name: &str, more: &str) -> String {
        let lasting = "--scope offline_access --field parameters=prompt=consent";
        self.login(name, &format!("{lasting} {more}"))
    }

    /// Those of a login of another client.
    pub(crate) fn login_as(&self, client: &str, name: &str, more: &str) -> String {
        let issuer = self.issuer();
        format!("oauth login s --name {name} --issuer {issuer} --client-id {client} {more}")
    }
}

/// Django OAuth Toolkit, running.
pub(crate) struct Django(Running);

impl Django {
    pub(crate) fn start() -> Self {
        let server = root().join("tests/servers/django/server.py");
        Self(Running::start(Command::new("/usr/bin/python3").arg(server)))
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    /// A home with a store `s`, a browser, and the secret of each client in the file of its name.
    pub(super) fn home(&self) -> Home {
        let home = home_with_browser();
        for client in ["web", "job", "old"] {
            home.write(client, format!("{client}:s3cret/+%&"));
        }
        home
    }

    /// The arguments of a login of a client for the entry `name`. The server publishes no endpoints.
    pub(super) fn login(&self, client: &str, name: &str, more: &str) -> String {
        let url = format!("{}/o", self.0.url);
        let endpoints = format!(
            "--token-url {url}/token/ --authorization-url {url}/authorize/ \
             --field revocation_url={url}/revoke_token/ --field introspection_url={url}/introspect/"
        );
        format!(
            "oauth login s --name {name} {endpoints} --client-id {client} \
             --client-secret-file {client} --scope read {more}"
        )
    }
}

fn home_with_browser() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.with("BROWSER", browser())
}

/// The program that logs in as alice and agrees to everything.
pub(crate) fn browser() -> PathBuf {
    root().join("tests/servers/browser.py")
}

/// A token endpoint that replaces the refresh token with each use. If an old one is used, someone
/// may have stolen it, so the server refuses all that follow.
#[derive(Clone)]
pub(crate) struct Rotating {
    pub(crate) url: String,
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
    /// The access tokens, if they are not `access-1`, `access-2` and so on.
    tokens: &'static [&'static str],
    /// How many connections are open.
    open: usize,
    /// How many answers were sent.
    answers: usize,
    delay: Duration,
    /// Whether answers are held back.
    is_closed: bool,
    /// Whether an old refresh token is good as well.
    accepts_old: bool,
}

impl Rotating {
    /// Starts it. The first refresh token is `refresh-0`, and an answer takes `delay`.
    pub(crate) fn start(delay: Duration) -> Self {
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

    /// Starts one that issues these access tokens, one after the other.
    pub(crate) fn issuing(tokens: &'static [&'static str]) -> Self {
        let server = Self::start(Duration::ZERO);
        server.state.lock().unwrap().tokens = tokens;
        server
    }

    /// Starts one that holds its answers back until [`open`](Self::open).
    pub(super) fn start_closed(accepts_old: bool) -> Self {
        let server = Self::start(Duration::ZERO);
        let mut state = server.state.lock().unwrap();
        (state.is_closed, state.accepts_old) = (true, accepts_old);
        drop(state);
        server
    }

    pub(super) fn open(&self) {
        self.state.lock().unwrap().is_closed = false;
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    pub(super) fn answers(&self) -> usize {
        self.state.lock().unwrap().answers
    }

    /// Waits until the server has finished with every request that was sent.
    pub(crate) fn settle(&self) {
        self.accept_all();
        wait_until("the requests end", || self.state.lock().unwrap().open == 0);
    }

    /// Whether no one is connected.
    pub(crate) fn is_idle(&self) -> bool {
        self.accept_all();
        let started = Instant::now();
        while self.state.lock().unwrap().open > 0 {
            if started.elapsed() > Duration::from_millis(20) {
                return false;
            }
            thread::sleep(Duration::from_micros(100));
        }
        true
    }

    /// Returns when every connection that was made has been accepted.
    fn accept_all(&self) {
        let address = self.url.strip_prefix("http://").unwrap().strip_suffix("/token").unwrap();
        // This connection is accepted, and closed, after all others were accepted.
        let mut last = TcpStream::connect(address).unwrap();
        last.write_all(b"\r\n").unwrap();
        drop(last.read(&mut [0]));
    }

    /// The refresh token that the server would accept; `None` if it accepts none.
    pub(crate) fn newest(&self) -> Option<String> {
        let state = self.state.lock().unwrap();
        (!state.is_revoked).then(|| format!("refresh-{}", state.newest))
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let body = read_body(&mut stream)?;
        let used = body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=refresh-"));
        let used: usize = used?.parse().ok()?;
        let (answer, delay) = self.state.lock().unwrap().answer(used);
        thread::sleep(delay);
        while self.state.lock().unwrap().is_closed {
            thread::sleep(Duration::from_micros(200));
        }
        let (status, length) = (answer.0, answer.1.len());
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        let head = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
        let written = stream.write_all((head + &answer.1).as_bytes());
        self.state.lock().unwrap().answers += 1;
        written.ok()
    }
}

impl State {
    fn answer(&mut self, used: usize) -> ((&'static str, String), Duration) {
        self.requests += 1;
        let is_good = used == self.newest && self.used.insert(used);
        if self.is_revoked || !is_good && !self.accepts_old {
            self.is_revoked = true;
            return (("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned()), self.delay);
        }
        self.newest += 1;
        let number = self.newest;
        let access = match self.tokens {
            [] => format!("access-{number}"),
            tokens => tokens[number - 1].to_owned(),
        };
        let tokens = format!(r#""access_token":"{access}","refresh_token":"refresh-{number}""#);
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
