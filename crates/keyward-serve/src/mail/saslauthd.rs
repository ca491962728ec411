//! The socket of Cyrus SASL's `saslauthd`: one password for each connection.
//!
//! # Security
//! The protocol does not say where the user is, so failures cannot be counted for an address, and are
//! not counted: else any client could lock out any user. A client is trusted to
//! have got the password over a private connection.

use std::io::{ErrorKind, Result};
use std::sync::Arc;

use keyward_core::{Attempt, Presented, Secret};
use keyward_portal::VISITOR;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use super::login::{Decider, Verdict};
use crate::listen::{Connection, Service, Stop};
use crate::server::Server;

/// The longest part of a request, in bytes.
pub const MAX_PART: usize = 4096;

/// The question whether a password is right.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// The name of the user.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// What the user wants to use, such as `imap`.
    pub service: String,
    /// The realm of the user, which can be empty.
    pub realm: String,
}

impl Question {
    /// Makes a question of the four parts of a request; `None` if the names are not UTF-8.
    pub fn new(parts: [Secret; 4]) -> Option<Self> {
        let [user, password, service, realm] = parts;
        let text = |part: &Secret| part.expose_str().map(str::to_owned);
        Some(Self { user: text(&user)?, service: text(&service)?, realm: text(&realm)?, password })
    }

    /// What is presented to a bouncer. With `with_realm`, the realm is a part of the user's name.
    fn presented(self, with_realm: bool) -> Presented {
        let user = match with_realm && !self.realm.is_empty() {
            true => format!("{}@{}", self.user, self.realm),
            false => self.user,
        };
        Presented::password(user, self.password)
    }
}

/// Reads the four parts of a request: for each, its length in two bytes, and its bytes.
///
/// # Errors
/// Those of the connection, and `InvalidData` if a part is too long.
pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<[Secret; 4]> {
    Ok([part(from).await?, part(from).await?, part(from).await?, part(from).await?])
}

async fn part(from: &mut (impl AsyncRead + Unpin)) -> Result<Secret> {
    let length = usize::from(from.read_u16().await?);
    if length > MAX_PART {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut part = Zeroizing::new(vec![0; length]);
    from.read_exact(&mut part).await?;
    Ok(Secret::new(std::mem::take(&mut part)))
}

/// Writes an answer: its length in two bytes, and its text.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

/// Serves a connection, which has one request.
pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, mut stop: Stop) {
    let mut stream = connection.stream;
    let served = async {
        let parts = read(&mut stream).await?;
        let answer = answer(server, parts).await;
        stream.write_all(&frame(answer)).await?;
        stream.shutdown().await
    };
    let patience = server.limits().idle + server.limits().decision;
    tokio::select! {
        // A broken connection concerns the client alone.
        _ = tokio::time::timeout(patience, served) => {}
        () = async { stop.wait().await; tokio::time::sleep(patience).await } => {}
    }
}

async fn answer(server: &Arc<Server>, parts: [Secret; 4]) -> &'static str {
    const REFUSED: &str = "NO authentication failed";
    const FAILED: &str = "NO the server cannot decide now";
    let Some(config) = server.state().config.mail.saslauthd.clone() else { return FAILED };
    let Ok(decider) = Decider::new(server, Service::Saslauthd, &config.bouncer) else {
        return FAILED;
    };
    let Some(question) = Question::new(parts) else { return REFUSED };
    let mut attempt = Attempt::default().private();
    attempt.service = (!question.service.is_empty()).then(|| question.service.clone());
    let verdict = server.pool.run(move || {
        let presented = question.presented(config.with_realm);
        let said = decider.bouncer().portal().login(&presented, &attempt, &[VISITOR], ());
        Ok(decider.judge(said, &attempt))
    });
    match verdict.await {
        Ok(Verdict::Accepted(_)) => "OK",
        Ok(Verdict::Refused(_)) => REFUSED,
        Ok(Verdict::Failed) | Err(_) => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(mut bytes: &[u8]) -> Option<Question> {
        Question::new(read(&mut bytes).await.ok()?)
    }

    #[tokio::test]
    async fn a_request_has_four_parts() {
        let bytes = b"\0\x03ann\0\x04p\0w!\0\x04imap\0\0";
        let question = read_all(bytes).await.unwrap();
        assert_eq!((&*question.user, &*question.service, &*question.realm), ("ann", "imap", ""));
        assert_eq!(question.password.expose(), b"p\0w!");
        for length in 0..bytes.len() {
            assert_eq!(read_all(&bytes[..length]).await, None, "{length}");
        }
        assert_eq!(read_all(b"\0\x01\xff\0\0\0\0\0\0").await, None);
        assert_eq!(
            read_all(&[b"\x10\x01", &[b'x'; MAX_PART + 1][..], b"\0\0\0\0\0\0"].concat()).await,
            None
        );
    }

    #[test]
    fn a_realm_is_a_part_of_the_name_only_if_it_is_wanted() {
        let question = || Question {
            user: "ann".into(),
            password: "pw".into(),
            service: "imap".into(),
            realm: "example.org".into(),
        };
        assert_eq!(question().presented(false).user(), Some("ann"));
        assert_eq!(question().presented(true).user(), Some("ann@example.org"));
        let without = Question { realm: String::new(), ..question() };
        assert_eq!(without.presented(true).user(), Some("ann"));
    }

    #[test]
    fn an_answer_says_its_length() {
        assert_eq!(frame("OK"), b"\0\x02OK");
    }
}
