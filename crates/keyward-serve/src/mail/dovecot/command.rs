//! What clients and masters send.

use std::net::IpAddr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use keyward_core::Secret;

use super::accepted::{Cookie, Key};
use super::line::{number, split, unescape};

/// The version of the protocol. With 1.3, a server also offers mechanisms with channel binding.
pub(super) const MAJOR: u32 = 1;
pub(super) const MINOR: u32 = 2;

/// The longest name of a mechanism or a service, in bytes.
const MAX_NAME: usize = 64;

/// SASL messages as base64. Postfix and Exim pass on what clients sent, and some leave out the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a client sends.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// The major version of its protocol.
    Version(u32),
    /// Its process id, which a master repeats.
    Process(u32),
    /// It begins to log a user in.
    Begin(Box<Begin>),
    /// The user's answer to a challenge.
    Continue {
        /// The login.
        id: u32,
        /// The answer.
        answer: Secret,
    },
    /// It gives a login up.
    Cancel(u32),
    /// It is a command that this version does not know.
    Unknown,
}

/// The login of a user.
#[derive(Debug, PartialEq, Eq)]
pub struct Begin {
    /// Its number on this connection.
    pub id: u32,
    /// The mechanism of SASL.
    pub mechanism: String,
    /// What the user wants to use, such as `imap`.
    pub service: String,
    /// Where the user is.
    pub address: Option<IpAddr>,
    /// Whether only the user and the mail server can read their connection.
    pub is_private: bool,
    /// Whether the client can pass on a message together with the news of a success.
    pub takes_final_message: bool,
    /// Whether a master will ask for the user.
    pub has_master: bool,
    /// The user's first message, if there is one.
    pub initial: Option<Secret>,
}

/// A line that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is not of this protocol. The connection is of no use.
    Line,
    /// The login with this number cannot be read.
    Login(u32),
}

impl Command {
    /// Reads a line, without its end.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn parse(line: &[u8]) -> Result<Self, Wrong> {
        let mut fields = split(line);
        let name = fields.next().unwrap_or_default();
        let mut id = || fields.next().and_then(number).ok_or(Wrong::Line);
        match name {
            b"VERSION" => id().map(Self::Version),
            b"CPID" => id().map(Self::Process),
            b"CANCEL" => id().map(Self::Cancel),
            b"CONT" => {
                let id = id()?;
                let answer = fields.next().unwrap_or_default();
                Ok(Self::Continue { id, answer: decode(answer).ok_or(Wrong::Login(id))? })
            }
            b"AUTH" => {
                let id = id()?;
                let begin = Begin::parse(id, fields).ok_or(Wrong::Login(id))?;
                Ok(Self::Begin(Box::new(begin)))
            }
            _ => Ok(Self::Unknown),
        }
    }
}

impl Begin {
    fn parse<'a>(id: u32, mut fields: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut begin = Self {
            id,
            mechanism: name(fields.next()?)?,
            service: String::new(),
            address: None,
            is_private: false,
            takes_final_message: false,
            has_master: true,
            initial: None,
        };
        for field in fields {
            let (key, value) = match field.iter().position(|byte| *byte == b'=') {
                Some(end) => (&field[..end], Some(&field[end + 1..])),
                None => (field, None),
            };
            match (key, value) {
                (b"service", Some(value)) => begin.service = name(value)?,
                (b"rip", Some(value)) => begin.address = Some(unescape(value)?.parse().ok()?),
                (b"secured", _) => begin.is_private = true,
                (b"final-resp-ok", _) => begin.takes_final_message = true,
                (b"nologin", _) => begin.has_master = false,
                (b"resp", value) => {
                    begin.initial = Some(decode(value.unwrap_or_default())?);
                    // It is the last one: what follows could be of the user.
                    break;
                }
                _ => {}
            }
        }
        (!begin.service.is_empty()).then_some(begin)
    }
}

/// What a master sends.
#[derive(Debug, PartialEq, Eq)]
pub enum MasterCommand {
    /// The major version of its protocol.
    Version(u32),
    /// It asks who has logged in.
    Request {
        /// The number of the question.
        id: u32,
        /// Which login it asks about.
        key: Key,
    },
    /// It asks something that this server does not know, with this number.
    Other(u32),
}

impl MasterCommand {
    /// Reads a line, without its end; `None` if it is not of this protocol.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = split(line);
        let name = fields.next()?;
        let id = number(fields.next()?)?;
        match name {
            b"VERSION" => Some(Self::Version(id)),
            b"REQUEST" => {
                let (process, login) = (number(fields.next()?)?, number(fields.next()?)?);
                let cookie = Cookie::parse(fields.next()?)?;
                Some(Self::Request { id, key: Key { cookie, process, login } })
            }
            _ => Some(Self::Other(id)),
        }
    }
}

fn name(field: &[u8]) -> Option<String> {
    let name = unescape(field)?;
    let is_name =
        (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|it| it.is_ascii_graphic());
    is_name.then_some(name)
}

fn decode(base64: &[u8]) -> Option<Secret> {
    BASE64.decode(base64).ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read() {
        let line = b"AUTH\t7\tPLAIN\tservice=imap\tsecured=tls\tsession=x\trip=192.0.2.1\tfinal-resp-ok\tresp=AGFubgBwdw==\tnologin";
        let Command::Begin(begin) = Command::parse(line).unwrap() else { panic!() };
        let initial = Some(Secret::from("\0ann\0pw"));
        let address = Some([192, 0, 2, 1].into());
        let expected = Begin {
            id: 7,
            mechanism: "PLAIN".into(),
            service: "imap".into(),
            address,
            is_private: true,
            takes_final_message: true,
            // What follows the message does not count.
            has_master: true,
            initial,
        };
        assert_eq!(*begin, expected);
        let Ok(Command::Begin(begin)) = Command::parse(b"AUTH\t1\tX\tservice=smtp\tnologin") else {
            panic!()
        };
        assert!(!begin.is_private && !begin.has_master && begin.initial.is_none());
        assert_eq!(
            Command::parse(b"AUTH\t1\tX\tservice=smtp\tresp="),
            Ok(Command::Begin(Box::new(Begin {
                initial: Some(Secret::default()),
                has_master: true,
                ..*begin
            })))
        );
    }

    #[test]
    fn lines_that_cannot_be_served_are_distinguished() {
        for line in ["AUTH", "AUTH\tx", "CONT\t", "CANCEL\t-1", "VERSION", "CPID\t4294967296"] {
            assert_eq!(Command::parse(line.as_bytes()), Err(Wrong::Line), "{line}");
        }
        for line in [
            "AUTH\t3",
            "AUTH\t3\tPLAIN",
            "AUTH\t3\t\tservice=imap",
            "AUTH\t3\tPL AIN\tservice=imap",
            "AUTH\t3\tPLAIN\tservice=imap\trip=host",
            "AUTH\t3\tPLAIN\tservice=imap\tresp=%",
            "CONT\t3\t%",
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Err(Wrong::Login(3)), "{line}");
        }
        assert_eq!(Command::parse(b""), Ok(Command::Unknown));
        assert_eq!(Command::parse(b"auth\t3"), Ok(Command::Unknown));
        assert_eq!(
            Command::parse(b"CONT\t3"),
            Ok(Command::Continue { id: 3, answer: Secret::default() })
        );
    }

    #[test]
    fn a_master_asks_for_a_login() {
        let cookie = Cookie::random().unwrap();
        let text = cookie.text();
        let line =
            [b"REQUEST\t9\t7921\t1\t", text.expose(), b"\tsession_pid=7926\trequest_auth_token"];
        let key = Key { cookie, process: 7921, login: 1 };
        let expected = MasterCommand::Request { id: 9, key };
        assert_eq!(MasterCommand::parse(&line.concat()), Some(expected));
        assert_eq!(MasterCommand::parse(b"REQUEST\t9\t7921\t1\t0123"), None);
        assert_eq!(
            MasterCommand::parse(b"USER\t3\tann\tservice=lmtp"),
            Some(MasterCommand::Other(3))
        );
        assert_eq!(MasterCommand::parse(b"REQUEST\t9\t7921\t1"), None);
        assert_eq!(MasterCommand::parse(b"VERSION\tx"), None);
    }
}
