//! Reading a configuration file: only if it is safe, and never quoting it in an error.

use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result};
use toml::de::{DeTable, DeValue};

/// More than any configuration needs.
const MAX: u64 = 1 << 20;

/// A configuration file's text and where it stood.
#[derive(Debug)]
pub(crate) struct TomlFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl TomlFile {
    /// Reads the file, if it is there.
    ///
    /// # Errors
    /// `Refused` unless it is root's or the user's own and nobody else can write it.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        let file = match std::fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return Err(unreadable(path, error)),
        };
        let metadata = file.metadata().map_err(|error| unreadable(path, error))?;
        let refused = |why: &str| {
            Error::new(ErrorKind::Refused, "config").because(format!("{} {why}", path.display()))
        };
        if !metadata.is_file() {
            return Err(refused("is not a regular file"));
        }
        if ![0, rustix::process::geteuid().as_raw()].contains(&metadata.uid()) {
            return Err(refused("belongs to somebody else"));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(refused("can be written by other users")
                .hint(format!("chmod go-w '{}'", path.display())));
        }
        let mut text = String::with_capacity(metadata.len().min(MAX) as usize + 1);
        file.take(MAX + 1).read_to_string(&mut text).map_err(|error| unreadable(path, error))?;
        if text.len() as u64 > MAX {
            return Err(refused("is too large for a configuration"));
        }
        Ok(Some(Self { path: path.to_owned(), text }))
    }

    /// The document.
    ///
    /// # Errors
    /// `Invalid`, with the line; the parser's own text quotes the file and goes no further.
    pub(crate) fn parse(&self) -> Result<DeTable<'_>> {
        match DeTable::parse(&self.text) {
            Ok(table) => Ok(table.into_inner()),
            Err(error) => Err(self.wrong(error.span().unwrap_or(0..0), "is not TOML here")),
        }
    }

    /// Says of a place in the file what is wrong with it.
    pub(crate) fn wrong(&self, span: Range<usize>, why: impl std::fmt::Display) -> Error {
        Error::invalid("config", format!("{}:{}: {why}", self.path.display(), self.line(span)))
    }

    pub(crate) fn line(&self, span: Range<usize>) -> usize {
        self.text.as_bytes().iter().take(span.start).filter(|byte| **byte == b'\n').count() + 1
    }

    /// Refuses a key that does not belong into `what`, and names the nearest that does.
    pub(crate) fn check_keys(&self, table: &DeTable<'_>, known: &[&str], what: &str) -> Result<()> {
        let is_known = |key: &str| known.contains(&key);
        let Some(key) = table.keys().find(|key| !is_known(key.get_ref())) else { return Ok(()) };
        let why = format!("`{}` does not belong into {what}", key.get_ref().escape_debug());
        let error = self.wrong(key.span(), why);
        Err(match nearest(key.get_ref(), known.iter().copied()) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    /// The text of a key, if it is there.
    pub(crate) fn text_of(&self, table: &DeTable<'_>, key: &str) -> Result<Option<String>> {
        match table.get(key).map(|value| (value, value.get_ref())) {
            None => Ok(None),
            Some((_, DeValue::String(text))) => Ok(Some(text.to_string())),
            Some((value, _)) => Err(self.wrong(value.span(), format!("`{key}` takes text"))),
        }
    }

    /// Refuses a version that this program does not know.
    pub(crate) fn check_version(&self, table: &DeTable<'_>) -> Result<()> {
        match table.get("version") {
            None => Err(self.wrong(0..0, "`version = 1` is missing")),
            Some(version) => match version.get_ref() {
                DeValue::Integer(number) if number.as_str() == "1" => Ok(()),
                _ => Err(self
                    .wrong(version.span(), "this version of the file is not known")
                    .hint("A newer Keyward may have written it")),
            },
        }
    }
}

/// A hint that names the known word nearest to a wrong one.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(wrong, word), word))
        .min()
        .filter(|(distance, word)| *distance <= word.len().div_ceil(3))
        .map(|(_, word)| format!("Did you mean `{word}`?"))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let why = format!("{}: {error}", path.display());
    Error::io("config", error).because(why)
}
