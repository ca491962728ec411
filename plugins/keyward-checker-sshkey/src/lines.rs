//! The lines of `authorized_keys` (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keyward_plugin::Timestamp;
use keyward_plugin::fs::read_trusted;

use crate::address::Patterns;
use crate::key::{PublicKey, decode};

/// The largest file, in bytes.
pub(crate) const MAX: usize = 4 << 20;

/// The longest line, in bytes.
const MAX_LINE: usize = 64 << 10;

/// The options that concern what may be done after the login. They are the server's to enforce.
const IGNORED: [&str; 16] = [
    "agent-forwarding",
    "command",
    "environment",
    "no-agent-forwarding",
    "no-port-forwarding",
    "no-pty",
    "no-user-rc",
    "no-x11-forwarding",
    "permitlisten",
    "permitopen",
    "port-forwarding",
    "pty",
    "restrict",
    "tunnel",
    "user-rc",
    "x11-forwarding",
];

/// Those of them that have a value.
const WITH_VALUE: [&str; 5] = ["command", "environment", "permitlisten", "permitopen", "tunnel"];

/// A key that lets a user in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) key: PublicKey,
    pub(crate) options: LineOptions,
}

/// The options of a line that concern the login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineOptions {
    /// It is the key of an authority: it is not accepted itself, but certificates that it signed are.
    pub(crate) is_authority: bool,
    /// The names of which a certificate must have one, instead of that of the user.
    pub(crate) principals: Option<Vec<String>>,
    /// Where the client must be.
    pub(crate) from: Option<Patterns>,
    /// From when on it is not valid any more.
    pub(crate) expires: Option<Timestamp>,
    pub(crate) no_touch_required: bool,
    pub(crate) verify_required: bool,
}

/// Reads all lines that can be used. One with an error, with an option that is not known or with a
/// key that is not accepted is left out, and the others are not affected.
pub(crate) fn parse(content: &[u8]) -> Vec<Line> {
    content.split(|byte| *byte == b'\n').filter_map(Line::parse).collect()
}

impl Line {
    /// Reads a line; `None` if it is a comment, or cannot be used.
    fn parse(line: &[u8]) -> Option<Self> {
        if line.len() > MAX_LINE {
            return None;
        }
        let line = std::str::from_utf8(line).ok()?.trim_matches([' ', '\t', '\r']);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        if let Some(key) = key(line) {
            return Some(Self { key, options: LineOptions::default() });
        }
        let (options, rest) = LineOptions::parse(line)?;
        Some(Self { key: key(rest)?, options })
    }
}

/// Reads a type, a key in base64, and a comment.
fn key(text: &str) -> Option<PublicKey> {
    let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    let (kind, encoded) = (words.next()?, words.next()?);
    PublicKey::parse(&decode(kind, encoded)?)
}

impl LineOptions {
    /// Reads options. Also returns what follows them.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let mut options = Self::default();
        let mut rest = text;
        loop {
            let length = rest.find(['=', ',', ' ', '\t'])?;
            let name = rest[..length].to_ascii_lowercase();
            rest = &rest[length..];
            let value = match rest.strip_prefix('=') {
                None => None,
                Some(quoted) => {
                    let (value, after) = unquote(quoted)?;
                    rest = after;
                    Some(value)
                }
            };
            options.note(&name, value)?;
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => return rest.starts_with([' ', '\t']).then_some((options, rest)),
            }
        }
    }

    /// Notes an option. `None` if it is not known, is given twice, or has a wrong value.
    fn note(&mut self, name: &str, value: Option<String>) -> Option<()> {
        match (name, value) {
            ("cert-authority", None) => self.is_authority = true,
            ("no-touch-required", None) => self.no_touch_required = true,
            ("verify-required", None) => self.verify_required = true,
            ("principals", Some(list)) => {
                let names = list.split(',').map(str::to_owned).collect();
                set(&mut self.principals, names)?;
            }
            ("from", Some(list)) => set(&mut self.from, Patterns::parse(&list)?)?,
            // The earliest of several counts.
            ("expiry-time", Some(time)) => {
                let time = expiry(&time)?;
                self.expires = Some(self.expires.map_or(time, |other| other.min(time)));
            }
            (name, value) => {
                let is_known = IGNORED.contains(&name);
                let is_right = value.is_some() == WITH_VALUE.contains(&name);
                return (is_known && is_right).then_some(());
            }
        }
        Some(())
    }
}

fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// Reads a text in quotation marks, in which `\"` is one. Also returns what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if chars.next_if(|next| next.1 == '"').is_some() => value.push('"'),
            char => value.push(char),
        }
    }
    None
}

/// Reads `YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`: the time of this machine, or with `Z` UTC.
fn expiry(text: &str) -> Option<Timestamp> {
    let (digits, is_utc) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        14 => digits.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", padded).ok()?;
    let zone = if is_utc { TimeZone::UTC } else { local()? };
    let seconds = time.to_zoned(zone).ok()?.timestamp().as_second();
    // A time before 1970 has passed as well.
    Some(Timestamp::from_unix(u64::try_from(seconds).unwrap_or_default()))
}

/// The time zone of this machine. A machine without one uses UTC; `None` if it cannot be read.
fn local() -> Option<TimeZone> {
    match read_trusted(Path::new("/etc/localtime"), 1 << 20).ok()? {
        Some(data) => TimeZone::tzif("local", &data).ok(),
        None => Some(TimeZone::UTC),
    }
}
