//! A server for tests, on Unix sockets in a temporary folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_config::{Environment, TomlFile};
use keyward_core::Result;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::accept::Listeners;
use crate::config::Config;
use crate::listen::Inherited;
use crate::server::Server;

/// The password of ann is `open sesame`.
pub(crate) const ANN: &str = "Basic YW5uOm9wZW4gc2VzYW1l";
pub(crate) const WRONG: &str = "Basic YW5uOndyb25n";

const USERS: &str = "ann:$2y$04$kZK35d7d/8sQAOqobUN1Gem55yXbcu0tp1hjex/YxWyrTE2a4CIaW\n";

/// A bouncer `office` that knows ann.
pub(crate) const OFFICE: &str = "[[bouncer]]\nname = 'office'\nauth = ['htpasswd:%/users']\n";

pub(crate) struct Site {
    folder: TempDir,
    pub(crate) server: Arc<Server>,
    listeners: tokio::sync::Mutex<Listeners>,
}

impl Site {
    /// Starts a server. `%` in the configuration is the folder.
    pub(crate) async fn start(text: &str) -> Self {
        let folder = folder();
        let server = open(folder.path(), text).unwrap();
        let listeners = Listeners::open(&server, Inherited::default()).await.unwrap().into();
        Self { folder, server, listeners }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stops as the program does.
    pub(crate) async fn stop(&self) {
        self.listeners.lock().await.stop().await;
        self.server.wait_for_connections().await;
    }

    /// Changes the configuration.
    pub(crate) async fn reload(&self, text: &str) -> Result<()> {
        let config = config(self.folder.path(), text)?;
        self.listeners.lock().await.reload(&self.server, config).await
    }

    /// Sends bytes to a socket, and returns the answer, until the server closes the connection.
    pub(crate) async fn send(&self, socket: &str, bytes: impl AsRef<[u8]>) -> Answer {
        let mut stream = UnixStream::connect(self.path(socket)).await.unwrap();
        // The server may refuse before it has read all.
        let _ = stream.write_all(bytes.as_ref()).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
        let _ = read.await.expect("the server answers and closes the connection");
        Answer { text: String::from_utf8(answer).unwrap() }
    }
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a file of a test")]
    std::fs::write(folder.path().join("users"), USERS).unwrap();
    folder
}

fn config(folder: &Path, text: &str) -> Result<Config> {
    let text = format!("version = 1\n{}", text.replace('%', folder.to_str().unwrap()));
    Config::parse(&TomlFile::from_text(Path::new("serve.toml"), text))
}

fn open(folder: &Path, text: &str) -> Result<Arc<Server>> {
    let environment = Environment::new([("HOME", folder)]);
    Server::open(config(folder, text)?, environment)
}

/// Returns why a server does not start.
pub(crate) fn complaint(text: &str) -> String {
    let error = open(folder().path(), text).unwrap_err();
    format!("{error} {}", error.advice().unwrap_or_default())
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
}

impl Answer {
    /// The status of the only answer; 0 if the connection was closed without one.
    pub(crate) fn status(&self) -> u16 {
        let rest =
            self.text.strip_prefix("HTTP/1.1 ").or_else(|| self.text.strip_prefix("HTTP/1.0 "));
        rest.map_or(0, |rest| rest[..3].parse().unwrap())
    }

    /// Returns the values of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let of_name = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.trim()).collect()
    }

    /// Returns the value of a header that is there once.
    pub(crate) fn only(&self, name: &str) -> &str {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name} in {}", self.text);
        values[0]
    }
}
