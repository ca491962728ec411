//! The protocols, on real sockets of a server.

mod auth_http;
mod dovecot;
mod saslauthd;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::testing::{OFFICE, Site};

/// A site with all services.
async fn site(more: &str) -> Site {
    Site::start(&config(OFFICE, more)).await
}

fn config(bouncer: &str, more: &str) -> String {
    format!(
        "audit = '%/audit'\n{bouncer}
[mail.dovecot]
listen = ['unix:%/dovecot']
master = ['unix:%/master']
bouncer = 'office'
[mail.saslauthd]
listen = ['unix:%/saslauthd']
bouncer = 'office'
[mail.auth_http]
listen = ['unix:%/auth_http']
bouncer = 'office'
imap = '127.0.0.1:143'
smtp = '[::1]:25'
{more}"
    )
}

/// A connection with lines.
struct Peer(BufReader<UnixStream>);

impl Peer {
    async fn connect(site: &Site, socket: &str) -> Self {
        Self(BufReader::new(UnixStream::connect(site.path(socket)).await.unwrap()))
    }

    async fn send(&mut self, line: &str) {
        // The server may have closed the connection.
        let _ = self.0.write_all(format!("{line}\n").as_bytes()).await;
    }

    /// Returns the next line; nothing at the end of the connection.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        let patience = std::time::Duration::from_secs(20);
        let read = tokio::time::timeout(patience, self.0.read_line(&mut line)).await;
        let _ = read.expect("the server answers, or closes the connection");
        line.trim_end().to_owned()
    }

    async fn ask(&mut self, line: &str) -> String {
        self.send(line).await;
        self.line().await
    }
}

fn plain(user: &str, password: &str) -> String {
    STANDARD.encode(format!("\0{user}\0{password}"))
}
