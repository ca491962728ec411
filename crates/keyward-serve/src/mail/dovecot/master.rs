//! The connection of a master.

use std::io::Result;
use std::process;
use std::sync::Arc;

use keyward_core::Secret;
use tokio::io::{AsyncWriteExt, WriteHalf, split};

use super::accepted::Accepted;
use super::answer::greeting_of_masters;
use super::command::{MAJOR, MasterCommand};
use super::line::{MAX_LINE, escape};
use crate::listen::{Connection, Stop, Stream};
use crate::mail::lines::Lines;
use crate::server::Server;

/// Serves a master until the connection ends.
pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, mut stop: Stop) {
    let (from, mut to) = split(connection.stream);
    let mut lines = Lines::new(from, MAX_LINE);
    if send(server, &mut to, &greeting_of_masters(process::id())).await.is_err() {
        return;
    }
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            () = stop.wait() => return,
        };
        let Ok(Some(line)) = line else { return };
        let Some(command) = MasterCommand::parse(line.expose()) else { return };
        let answer = match command {
            MasterCommand::Version(MAJOR) => continue,
            MasterCommand::Version(_) => return,
            other => answer(&server.accepted, &other),
        };
        if send(server, &mut to, &answer).await.is_err() {
            return;
        }
    }
}

/// Answers a question. Where mail is kept, and for which user of the system, is Dovecot's
/// configuration: this server knows only the name.
fn answer(accepted: &Accepted, command: &MasterCommand) -> Secret {
    Secret::from(match command {
        MasterCommand::Request { id, key } => match accepted.take(key) {
            Some(identity) => format!("USER\t{id}\t{}\n", escape(identity.as_str())),
            None => format!("FAIL\t{id}\treason=No such login\n"),
        },
        MasterCommand::Version(id) | MasterCommand::Other(id) => {
            format!("FAIL\t{id}\treason=Not supported\n")
        }
    })
}

async fn send(server: &Server, to: &mut WriteHalf<Stream>, text: &Secret) -> Result<()> {
    match tokio::time::timeout(server.limits().idle, to.write_all(text.expose())).await {
        Ok(result) => result,
        Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
    }
}
