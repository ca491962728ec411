//! What the server sends.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Identity, Secret};
use keyward_portal::sasl::Mechanism;

use super::accepted::Cookie;
use super::command::{MAJOR, MINOR};
use super::line::{MAX_LINE, escape};

/// What becomes of a login.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The user must answer this.
    Challenge(Secret),
    /// The user is in. A message goes with the news, if the mechanism has one.
    Accepted(Identity, Option<Secret>),
    /// The user is not let in, and is not told why.
    Refused,
    /// It cannot be decided now.
    Failed,
}

impl Answer {
    /// Writes the line for the login with this number.
    pub(crate) fn line(&self, id: u32) -> Secret {
        Secret::from(match self {
            Self::Challenge(message) => return challenge(id, message),
            Self::Accepted(identity, message) => {
                let message =
                    message.as_ref().map(|it| format!("\tresp={}", STANDARD.encode(it.expose())));
                let message = message.unwrap_or_default();
                format!("OK\t{id}\tuser={}{message}\n", escape(identity.as_str()))
            }
            Self::Refused => format!("FAIL\t{id}\n"),
            // Dovecot before 2.3, Postfix and Exim know `temp`.
            Self::Failed => format!("FAIL\t{id}\ttemp\tcode=temp_fail\n"),
        })
    }
}

/// A challenge that does not fit into a line cannot be answered.
fn challenge(id: u32, message: &Secret) -> Secret {
    let line = format!("CONT\t{id}\t{}\n", STANDARD.encode(message.expose()));
    if line.len() > MAX_LINE { Answer::Failed.line(id) } else { line.into() }
}

/// What a client is told first.
///
/// All of it is sent at once: Exim waits for it before it sends anything. The mechanisms come first:
/// by them, Postfix knows that this is no socket for masters.
pub(crate) fn greeting(
    process: u32,
    connection: u32,
    cookie: Cookie,
    mechanisms: impl Iterator<Item = Mechanism>,
) -> Secret {
    let mut text = format!("VERSION\t{MAJOR}\t{MINOR}\n");
    for mechanism in mechanisms {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "MECH\t{}{}", mechanism.name(), properties(mechanism));
    }
    let cookie = cookie.text();
    let cookie = cookie.expose_str().unwrap_or_default();
    let _ = write!(text, "SPID\t{process}\nCUID\t{connection}\nCOOKIE\t{cookie}\nDONE\n");
    text.into()
}

/// What a master is told first.
pub(crate) fn greeting_of_masters(process: u32) -> Secret {
    format!("VERSION\t{MAJOR}\t{MINOR}\nSPID\t{process}\n").into()
}

/// By these, a mail server decides what it offers on which connection.
fn properties(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::ScramSha256 | Mechanism::ScramSha1 => "\tmutual-auth",
        Mechanism::CramMd5 => "\tdictionary\tactive",
        it if it.shows_secret() => "\tplaintext",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_one_line_each() {
        let line = |answer: Answer| answer.line(5).expose_str().unwrap().to_owned();
        let ann = Identity::new("ann").unwrap();
        assert_eq!(line(Answer::Accepted(ann.clone(), None)), "OK\t5\tuser=ann\n");
        assert_eq!(line(Answer::Accepted(ann, Some("v=x".into()))), "OK\t5\tuser=ann\tresp=dj14\n");
        assert_eq!(line(Answer::Challenge("x".into())), "CONT\t5\teA==\n");
        assert_eq!(line(Answer::Challenge(Secret::default())), "CONT\t5\t\n");
        assert_eq!(line(Answer::Refused), "FAIL\t5\n");
        let failed = "FAIL\t5\ttemp\tcode=temp_fail\n";
        assert_eq!(line(Answer::Failed), failed);
        assert_eq!(line(Answer::Challenge(vec![0; MAX_LINE].into())), failed);
    }

    #[test]
    fn a_client_is_told_which_mechanisms_show_the_password() {
        let cookie = Cookie::random().unwrap();
        let mechanisms = [Mechanism::ScramSha256, Mechanism::Plain];
        let text = greeting(42, 1, cookie, mechanisms.into_iter());
        let expected = format!(
            "VERSION\t1\t2\nMECH\tSCRAM-SHA-256\tmutual-auth\nMECH\tPLAIN\tplaintext\n\
             SPID\t42\nCUID\t1\nCOOKIE\t{}\nDONE\n",
            cookie.text().expose_str().unwrap(),
        );
        assert_eq!(text.expose_str(), Some(&*expected));
    }
}
