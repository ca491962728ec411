//! The client's side of Dovecot's protocol, for one login with PLAIN.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Error, ErrorKind, Result, Secret, SecretWriter};
use zeroize::Zeroizing;

use super::Input;
use crate::mail::dovecot::{MAX_LINE, unescape};

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most lines of a server.
const MAX_LINES: usize = 100;

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The user is in, with this name.
    Accepted(String),
    /// The user is not let in.
    Refused,
}

/// Asks a server about a user who is at this address.
pub(super) fn ask(
    socket: &Path,
    service: &str,
    address: Option<&str>,
    input: &Input,
) -> Result<Said> {
    let failed = |error| {
        let why = format!("{} does not answer: {error}", socket.display());
        Error::new(ErrorKind::Unavailable, "checkpassword").because(why)
    };
    let connection = UnixStream::connect(socket).map_err(failed)?;
    connection.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    connection.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    let question = question(service, address, input).map_err(failed)?;
    (&connection).write_all(question.expose()).map_err(failed)?;
    let limit = u64::try_from(MAX_LINE * MAX_LINES).unwrap_or(u64::MAX);
    let mut lines = BufReader::new(connection.take(limit));
    for _ in 0..MAX_LINES {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line).map_err(failed)?;
        if line.pop() != Some(b'\n') {
            break;
        }
        if let Some(said) = read(&line) {
            return said;
        }
    }
    Err(unclear())
}

/// Everything that is sent. The server sends its part of the beginning meanwhile.
fn question(service: &str, address: Option<&str>, input: &Input) -> std::io::Result<Secret> {
    let message =
        Zeroizing::new([b"\0", input.user.as_bytes(), b"\0", input.password.expose()].concat());
    let message = Zeroizing::new(STANDARD.encode(&message));
    // An address that is none says nothing.
    let address = address.and_then(|it| it.parse::<IpAddr>().ok());
    let address = address.map(|it| format!("\trip={it}")).unwrap_or_default();
    let process = std::process::id();
    let mut text = SecretWriter::limited(MAX_LINE);
    let written = writeln!(
        text,
        "VERSION\t1\t2\nCPID\t{process}\nAUTH\t1\tPLAIN\tservice={service}\tsecured\tnologin{address}\tresp={}",
        *message,
    );
    written.map(|()| text.finish())
}

/// Reads a line; `None` for one that says nothing about the login.
fn read(line: &[u8]) -> Option<Result<Said>> {
    let mut fields = line.split(|byte| *byte == b'\t');
    let command = fields.next()?;
    if !matches!(command, b"OK" | b"FAIL" | b"CONT") || fields.next() != Some(b"1") {
        return None;
    }
    let value = |name: &[u8]| fields.clone().find_map(|field| field.strip_prefix(name));
    Some(match command {
        b"OK" => value(b"user=").and_then(unescape).map(Said::Accepted).ok_or_else(unclear),
        b"FAIL" if value(b"code=temp_fail").is_none() => Ok(Said::Refused),
        b"FAIL" => Err(Error::new(ErrorKind::Unavailable, "checkpassword")
            .because("the server cannot decide now")),
        _ => Err(unclear()),
    })
}

fn unclear() -> Error {
    Error::new(ErrorKind::Unavailable, "checkpassword").because("the server gives no clear answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let accepted = |line: &str| read(line.as_bytes()).unwrap().ok();
        assert_eq!(accepted("OK\t1\tuser=ann"), Some(Said::Accepted("ann".into())));
        assert_eq!(accepted("OK\t1\tx\tuser=a\u{1}tn"), Some(Said::Accepted("a\tn".into())));
        assert_eq!(accepted("FAIL\t1"), Some(Said::Refused));
        assert_eq!(accepted("FAIL\t1\tuser=ann"), Some(Said::Refused));
        for unclear in ["OK\t1", "FAIL\t1\ttemp\tcode=temp_fail", "CONT\t1\t"] {
            assert_eq!(accepted(unclear), None, "{unclear}");
        }
        for other in ["MECH\tPLAIN", "OK\t2\tuser=ann", "OK", ""] {
            assert!(read(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn a_question_is_what_the_server_reads() {
        use crate::mail::dovecot::Command;
        let input = Input { user: "ann".into(), password: "p\tw".into() };
        let lines =
            |address| question("imap", address, &input).unwrap().expose_str().unwrap().to_owned();
        let text = lines(Some("192.0.2.1"));
        let commands: Vec<_> =
            text.lines().map(|line| Command::parse(line.as_bytes()).unwrap()).collect();
        let [Command::Version(1), Command::Process(_), Command::Begin(begin)] = &*commands else {
            panic!("{commands:?}");
        };
        assert_eq!(begin.initial, Some("\0ann\0p\tw".into()));
        assert_eq!(begin.address, Some([192, 0, 2, 1].into()));
        assert!(begin.is_private && !begin.has_master);
        assert!(!lines(Some("unknown\tx")).contains("rip"));
    }
}
