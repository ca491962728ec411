//! Files of users and their verifiers: of `htpasswd` and `htdigest`, Dovecot's passwd-file, lines with
//! SCRAM verifiers, and files of fields as Twisted's `FilePasswordDB` reads them.
//!
//! [`UserFile::parse`] reads one for a server, [`set`] and [`remove`] change one, [`lint`] says what
//! is wrong in one.
//!
//! # Rules for all of them
//! - There is one user in each line. A broken line concerns its user only.
//! - A line that begins with `#` is a comment, and so is an empty one. An empty name and an empty
//!   password are never right.
//! - Blanks belong to what they stand beside. Only the line end is removed, LF or CR LF.
//! - If a user is in several lines, it cannot be known which one is meant: none of them is right.

mod edit;
mod lint;
mod list;
mod live;
#[cfg(test)]
mod tests;
mod users;

use std::str;

use keyward_core::{Denial, Secret, Verifier, VerifierForm};

use crate::ha1::Ha1;
use crate::hash::Hash;
use crate::scram::Scram;
use crate::{Unusable, otp, read};

pub use edit::{remove, set};
pub use lint::{Finding, Problem, lint};
pub use list::{Row, list};
pub use live::{LiveFile, LiveUsers};
pub use users::{User, UserFile};

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// The longest line, in bytes. A longer one is broken.
pub const MAX_LINE: usize = 4096;

/// The longest name of a user, in bytes.
pub const MAX_NAME: usize = 255;

/// How a file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `USER:HASH`, as `htpasswd` writes it. What follows another colon has no meaning.
    Htpasswd,
    /// `USER:REALM:HASH`, as `htdigest` writes it. A user can have a line for each realm.
    Htdigest,
    /// `USER:{SCHEME}HASH:UID:GID:GECOS:HOME:SHELL:EXTRA`, as Dovecot reads it; all after the hash may
    /// be missing. The extra field `nologin` disables the user. `allow_nets` does too, because nothing
    /// here compares addresses with it.
    Dovecot,
    /// `USER:VERIFIER`, with a SCRAM verifier in one of the forms that [`Scram::parse`] reads.
    Scram,
    /// `USER:SEED`, with the secret of a generator of one-time passwords: an `otpauth` URI, or the secret
    /// alone in Base32, which may contain blanks.
    OneTimePasswords,
    /// Fields, as in Twisted's `FilePasswordDB`.
    Fields(Layout),
}

/// Where the fields of a line are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What separates fields.
    pub delimiter: String,
    /// Which field is the name; the first is 0.
    pub user_field: usize,
    /// Which field is the password or its hash.
    pub password_field: usize,
    /// Whether names that differ only in case are different. If they are not, the name of a user is
    /// the one in lower case.
    pub case_sensitive: bool,
    /// Whether the field contains a hash or a SCRAM verifier. If not, it contains the password itself.
    ///
    /// A password or a SCRAM verifier that comes after the name goes on to the end of the line, so that it
    /// can contain the delimiter.
    pub hashed: bool,
}

impl Default for Layout {
    /// `USER:PASSWORD`.
    fn default() -> Self {
        Self {
            delimiter: ":".into(),
            user_field: 0,
            password_field: 1,
            case_sensitive: true,
            hashed: false,
        }
    }
}

/// What a line says about a user.
struct Entry<'a> {
    name: &'a str,
    /// Of `htdigest` only.
    realm: Option<&'a str>,
    stored: &'a str,
    /// What follows the stored field.
    rest: &'a str,
}

/// A line that is not a comment.
enum Line<'a> {
    Entry(Entry<'a>),
    Broken(Problem),
}

impl Format {
    /// Splits a line without its end; `None` if it is a comment.
    fn line<'a>(&self, bytes: &'a [u8]) -> Option<Line<'a>> {
        if bytes.is_empty() || bytes.starts_with(b"#") {
            return None;
        }
        Some(self.entry(bytes).map_or_else(Line::Broken, Line::Entry))
    }

    fn entry<'a>(&self, bytes: &'a [u8]) -> Result<Entry<'a>, Problem> {
        if bytes.len() > MAX_LINE {
            return Err(Problem::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| Problem::NotText)?;
        let entry = self.split(text).ok_or(Problem::TooFewFields)?;
        match entry {
            Entry { name: "", .. } => Err(Problem::EmptyName),
            Entry { name, .. } if !is_name(name) => Err(Problem::BadName),
            Entry { stored: "", .. } => Err(Problem::EmptyPassword),
            entry => Ok(entry),
        }
    }

    fn split<'a>(&self, text: &'a str) -> Option<Entry<'a>> {
        let layout = match self {
            Self::Fields(layout) => layout,
            Self::Htdigest => {
                let (name, rest) = text.split_once(':')?;
                let (realm, stored) = rest.rsplit_once(':')?;
                return Some(Entry { name, realm: Some(realm), stored, rest: "" });
            }
            Self::Scram | Self::OneTimePasswords => {
                let (name, stored) = text.split_once(':')?;
                return Some(Entry { name, realm: None, stored, rest: "" });
            }
            Self::Htpasswd | Self::Dovecot => {
                let (name, rest) = text.split_once(':')?;
                let (stored, rest) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
                return Some(Entry { name, realm: None, stored, rest });
            }
        };
        let (user, password) = (layout.user_field, layout.password_field);
        let name = text.split(&layout.delimiter).nth(user)?;
        let field = text.split(&layout.delimiter).nth(password)?;
        let goes_on = !layout.hashed || field.starts_with("SCRAM-");
        let stored = match goes_on && user < password {
            true => text.splitn(password + 1, &layout.delimiter).nth(password)?,
            false => field,
        };
        Some(Entry { name, realm: None, stored, rest: "" })
    }

    /// Reads what a line stores.
    fn verifier(&self, entry: &Entry<'_>, legacy: bool) -> Result<Verifier, Unusable> {
        let stored = Secret::from(entry.stored);
        match self {
            Self::Fields(layout) if !layout.hashed => {
                Ok(Verifier::new(VerifierForm::Plaintext, stored))
            }
            Self::Htdigest => {
                let realm = entry.realm.unwrap_or_default();
                let ha1 = Secret::from(["MD5:", realm, ":", entry.stored].concat());
                Ok(Verifier::new(VerifierForm::Ha1, Ha1::parse(&ha1)?.write()))
            }
            Self::Scram => {
                let scram = Scram::parse(&stored)?;
                Ok(Verifier::new(scram.algorithm.form(), scram.write()))
            }
            Self::OneTimePasswords => {
                let uri = otp::uri(&stored)?;
                Ok(Verifier::new(VerifierForm::OneTimePassword, uri))
            }
            Self::Htpasswd | Self::Dovecot | Self::Fields(_) => {
                let verifier = read(&stored)?;
                let is_legacy = match verifier.form {
                    VerifierForm::Plaintext => true,
                    VerifierForm::PasswordHash => Hash::parse(&stored)?.scheme().is_legacy(),
                    _ => false,
                };
                (legacy || !is_legacy).then_some(verifier).ok_or(Unusable::Legacy)
            }
        }
    }

    /// Why a user is not let in whatever the password is.
    fn denied(&self, entry: &Entry<'_>) -> Option<Denial> {
        if *self != Self::Dovecot {
            return None;
        }
        // The rest begins with a colon; UID, GID, GECOS, HOME and SHELL come before the extra fields.
        let extra = entry.rest.splitn(7, ':').nth(6)?;
        extra.split(' ').find_map(|field| match field.split_once('=').unwrap_or((field, "")).0 {
            "nologin" => Some(Denial::Disabled),
            "allow_nets" => Some(Denial::Restricted),
            _ => None,
        })
    }

    /// The name by which a user is found.
    fn canonical(&self, name: &str) -> String {
        match self {
            Self::Fields(layout) if !layout.case_sensitive => name.to_lowercase(),
            _ => name.to_owned(),
        }
    }
}

/// Whether a name can be that of a user. One that begins with `#` is that of a comment for some programs.
fn is_name(name: &str) -> bool {
    let has_length = (1..=MAX_NAME).contains(&name.len());
    has_length && !name.starts_with('#') && !name.contains(char::is_control)
}

/// Splits a file into its lines, each with its number and its end.
fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (1..).zip(content.split_inclusive(|byte| *byte == b'\n'))
}

/// A line without its end.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
