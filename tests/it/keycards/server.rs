//! Copies of `keyward serve` with a bouncer `office` that knows ann.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::helpers::home::Home;
use crate::helpers::invocation::Invocation;
use crate::helpers::nginx::Server;
use crate::helpers::serve;
use crate::helpers::waiting::wait_until;

/// Her password is `open sesame`. The hash is a cheap one, for many logins.
const ANN: &str = "ann:$2y$04$kZK35d7d/8sQAOqobUN1Gem55yXbcu0tp1hjex/YxWyrTE2a4CIaW\n";

/// A home with the user ann, and with these lines at the start of the configuration.
pub(super) fn home(top: &str) -> Home {
    let home = Home::new();
    home.write("users", ANN);
    home.write("top", top);
    home
}

pub(super) struct Copy<'a> {
    home: &'a Home,
    /// Distinguishes the sockets of copies.
    name: String,
    server: Mutex<Server>,
}

impl<'a> Copy<'a> {
    pub(super) fn start(home: &'a Home, name: &str) -> Self {
        let folder = home.folder().display();
        let top = fs::read_to_string(home.path("top")).unwrap();
        let text = format!(
            "version = 1\naudit = '{folder}/audit.log'\n{top}\n[[bouncer]]\nname = 'office'\n\
             auth = ['htpasswd:{folder}/users']\n[rpc]\nlisten = ['unix:{folder}/{name}rpc.sock']\n"
        );
        let config = format!("{name}serve.toml");
        home.write(&config, text);
        let server = serve::start(home, &config, &format!("{name}serve.log"));
        let copy = Self { home, name: name.to_owned(), server: Mutex::new(server) };
        let what = format!("the copy listens (log: {})", copy.path("serve.log").display());
        wait_until(&what, || UnixStream::connect(copy.path("rpc.sock")).is_ok());
        copy
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path(format!("{}{name}", self.name))
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("serve.log")).unwrap()
    }

    /// Kills the copy, also in the middle of a call.
    pub(super) fn kill(&self) {
        self.server.lock().unwrap().kill();
    }

    /// `keyward keycards` for this copy.
    pub(super) fn keycards(&self, line: &str) -> Invocation {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let command = self.home.keyward(&format!("keycards {verb} office {rest}"));
        command.arg("--socket").arg(self.path("rpc.sock"))
    }

    pub(super) fn wait_for_keycards(&self, number: usize) -> String {
        let mut listed = String::new();
        wait_until("the keycards are there", || {
            listed = self.keycards("list --json").run().ends(0).into_text();
            listed.lines().count() == number
        });
        listed
    }

    /// Asks a call; `None` if the copy does not answer.
    pub(super) fn call(&self, call: &str, body: &Value) -> Option<Value> {
        let body = body.to_string();
        let mut stream = UnixStream::connect(self.path("rpc.sock")).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "POST /v1/bouncers/office/{call} HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// Returns the id of a new keycard of ann, if the copy answers and lets ann in.
    pub(super) fn log_in(&self) -> Option<String> {
        let password = json!({"password": "open sesame"});
        let answer = self.call(
            "authenticate",
            &json!({
                "presented": {"kind": "password", "user": "ann", "fields": password},
                "request": {"attempt": {"address": "192.0.2.1", "private": true}, "notices": true},
            }),
        )?;
        Some(answer["keycard"]["id"].as_str()?.to_owned())
    }

    /// Whether a keycard lets its client in; `None` if the copy does not answer.
    pub(super) fn check(&self, id: &str) -> Option<bool> {
        let answer = self.call("check", &json!({"id": id}))?;
        Some(answer["state"].as_str()? == "authenticated")
    }
}
