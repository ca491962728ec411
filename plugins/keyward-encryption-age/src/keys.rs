use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use age::secrecy::SecretString;
use age::x25519;
use keyward_plugin::fs::{PrivateDir, read_trusted};
use keyward_plugin::{EntryId, Error, ErrorKind, Host, KeyId, Prompt, Result, Secret, SecretRef};
use sha2::{Digest, Sha256};

use crate::error::Failure;
use crate::{age as file, strict};

/// The largest file of keys that is read, in bytes.
const MAX_FILE: usize = 256 << 10;
/// Each recipient takes about 100 bytes of every record.
const MAX_RECIPIENTS: usize = 256;

/// The recipients of records.
#[derive(Debug)]
pub(crate) struct Recipients {
    listed: RecipientSet,
    file: Option<PathBuf>,
}

/// Recipients by their text, so that order and repetition do not count.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecipientSet(BTreeMap<String, x25519::Recipient>);

impl Recipients {
    /// Returns the listed recipients and those in `file`; `None` if there is neither.
    pub(crate) fn new(listed: &[String], file: Option<PathBuf>) -> Result<Option<Self>> {
        let mut set = RecipientSet::default();
        for (number, text) in (1..).zip(listed) {
            set.add(text, format_args!("recipient {number}"))?;
        }
        let given = !listed.is_empty() || file.is_some();
        Ok(given.then_some(Self { listed: set, file }))
    }

    /// Returns the recipients for `entry`. It reads the file each time.
    pub(crate) fn for_entry(&self, entry: &EntryId) -> Result<RecipientSet> {
        let mut set = self.listed.clone();
        if let Some(pattern) = &self.file {
            set.add_file(&expand(pattern, entry))?;
        }
        Ok(set)
    }
}

impl RecipientSet {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &x25519::Recipient> {
        self.0.values()
    }

    /// Returns an id that changes if and only if the recipients change.
    pub(crate) fn id(&self) -> Result<KeyId> {
        let lines: Vec<_> = self.0.keys().map(String::as_str).collect();
        KeyId::new(&Sha256::digest(lines.join("\n"))[..16])
    }

    fn add_file(&mut self, path: &str) -> Result<()> {
        let content = read_trusted(Path::new(path), MAX_FILE)?;
        let text = String::from_utf8(content.ok_or_else(|| missing(path))?);
        let text = text.map_err(|_| no_text(path))?;
        if key_lines(&text).next().is_none() {
            return Err(Error::invalid("recipients", format!("{path} contains no recipient"))
                .hint("Add a line to it that begins with age1: `age-keygen -y FILE` shows it"));
        }
        for (number, line) in key_lines(&text) {
            self.add(line, format_args!("{path}, line {number}"))?;
        }
        Ok(())
    }

    /// Errors contain `place` and not its content, which may be an identity by mistake.
    fn add(&mut self, text: &str, place: fmt::Arguments<'_>) -> Result<()> {
        let recipient: x25519::Recipient =
            text.parse().map_err(|_| unreadable(text, "age", "recipient", place))?;
        self.0.insert(recipient.to_string(), recipient);
        if self.0.len() > MAX_RECIPIENTS {
            let message = format!("there are more than {MAX_RECIPIENTS} recipients");
            return Err(Error::invalid("recipients", message));
        }
        Ok(())
    }
}

/// The identities that open records.
pub(crate) struct Identities {
    source: Option<Source>,
    passphrase: Passphrase,
    max_work_factor: u8,
    /// Identities by their place, so that the user types a passphrase once and scrypt runs once.
    opened: Mutex<BTreeMap<String, Arc<[x25519::Identity]>>>,
}

/// Where identities come from.
#[derive(Debug)]
pub(crate) enum Source {
    Secret(SecretRef),
    File(PathBuf),
}

impl Identities {
    pub(crate) fn new(source: Option<Source>, passphrase: Passphrase, max_work_factor: u8) -> Self {
        Self { source, passphrase, max_work_factor, opened: Mutex::default() }
    }

    /// Returns the identities that open the records of `entry`.
    pub(crate) fn for_entry(&self, entry: &EntryId) -> Result<Arc<[x25519::Identity]>> {
        let Some(source) = &self.source else {
            return Err(no_key("no identity is configured")
                .hint("Set `identity_file` or `identity` to open records"));
        };
        let place = match source {
            Source::Secret(_) => "the age identity".to_owned(),
            Source::File(pattern) => expand(pattern, entry),
        };
        let mut opened = self.opened.lock()?;
        if let Some(identities) = opened.get(&place) {
            return Ok(Arc::clone(identities));
        }
        let content = match source {
            Source::Secret(reference) => self.passphrase.host.secret(reference)?.secret,
            Source::File(_) => read_private(&place)?,
        };
        let identities: Arc<_> = self.open(content, &place)?.into();
        opened.insert(place, Arc::clone(&identities));
        Ok(identities)
    }

    fn open(&self, content: Secret, place: &str) -> Result<Vec<x25519::Identity>> {
        if !strict::is_age_file(content.expose()) {
            return parse_identities(&content, place);
        }
        let passphrase = self.passphrase.ask(place)?;
        match file::open_with(content.expose(), passphrase, self.max_work_factor) {
            Ok(content) => parse_identities(&content, place),
            Err(Failure::NoMatch) => Err(no_key(format!("the passphrase does not open {place}"))),
            Err(failure) => Err(failure.into_error("identity")),
        }
    }
}

/// Shows where identities come from, and no identity.
impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").field("source", &self.source).finish_non_exhaustive()
    }
}

/// A passphrase, or the host that prompts for it.
#[derive(Debug)]
pub(crate) struct Passphrase {
    reference: Option<SecretRef>,
    host: Arc<dyn Host>,
}

impl Passphrase {
    pub(crate) fn new(reference: Option<SecretRef>, host: &Arc<dyn Host>) -> Self {
        Self { reference, host: Arc::clone(host) }
    }

    pub(crate) fn is_given(&self) -> bool {
        self.reference.is_some()
    }

    /// Returns the passphrase of `what`: the configured one, or the user's answer to a prompt.
    pub(crate) fn ask(&self, what: &str) -> Result<SecretString> {
        let passphrase = match &self.reference {
            Some(reference) => self.host.secret(reference)?.secret,
            None => {
                let text = format!("Passphrase of {what}");
                self.host.prompt(&Prompt::new(&text))?
            }
        };
        match passphrase.expose_str() {
            Some("") => Err(Error::invalid("passphrase", "the passphrase is empty")),
            Some(text) => Ok(SecretString::from(text)),
            None => Err(Error::invalid("passphrase", "the passphrase is not UTF-8")),
        }
    }
}

/// Reads a file that only its owner can read, in a folder that only its owner can write to.
fn read_private(path: &str) -> Result<Secret> {
    let (Some(folder), Some(name)) = (Path::new(path).parent(), Path::new(path).file_name()) else {
        return Err(missing(path));
    };
    let content = match PrivateDir::open(folder)? {
        Some(folder) => folder.read(Path::new(name), MAX_FILE)?,
        None => None,
    };
    content.map(Secret::new).ok_or_else(|| missing(path))
}

pub(crate) fn parse_identities(content: &Secret, place: &str) -> Result<Vec<x25519::Identity>> {
    let text = content.expose_str().ok_or_else(|| no_text(place))?;
    let mut identities = Vec::new();
    for (number, line) in key_lines(text) {
        let place = format_args!("{place}, line {number}");
        let identity = line.parse();
        identities
            .push(identity.map_err(|_| unreadable(line, "AGE-SECRET-KEY-", "identity", place))?);
    }
    match identities[..] {
        [] => Err(no_key(format!("{place} contains no identity"))),
        _ => Ok(identities),
    }
}

/// Returns the lines that contain a key, with their numbers.
fn key_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn expand(pattern: &Path, entry: &EntryId) -> String {
    // The content comes from an option, which is text, so nothing is lost.
    entry.expand(&pattern.to_string_lossy())
}

/// Distinguishes a mistyped key from a key of another kind, which has another prefix before its
/// last `1`.
fn unreadable(text: &str, prefix: &str, what: &str, place: fmt::Arguments<'_>) -> Error {
    match text.rsplit_once('1') {
        Some((found, _)) if found == prefix => {
            Error::invalid("keys", format!("{place}: mistyped {what}"))
        }
        _ => Error::new(ErrorKind::Unsupported, "keys")
            .because(format!("{place}: unsupported {what}"))
            .hint(format!("Only X25519 is supported: it begins with {prefix}1")),
    }
}

fn missing(path: &str) -> Error {
    no_key(format!("there is no file {path}"))
}

fn no_text(place: &str) -> Error {
    Error::invalid("keys", format!("{place} is not text"))
}

fn no_key(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::NoKey, "keys").because(why)
}

#[cfg(test)]
mod tests;
