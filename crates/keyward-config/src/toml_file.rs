//! Reads a configuration file, only if it is safe. Errors never quote the file's values.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::OnceLock;

use keyward_core::{Error, ErrorKind, Result, printable};
use keyward_fs::read_trusted_config;
use toml::de::{DeTable, DeValue};

/// The largest file that is read, in bytes.
const MAX: usize = 1 << 20;

/// The text of a configuration file, and its path.
///
/// # Security
/// An error names the line and the key, and quotes no value: it could be a secret in the wrong place.
#[derive(Debug)]
pub struct TomlFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// Where each line ends, once that was asked for.
    line_ends: OnceLock<Vec<usize>>,
}

impl TomlFile {
    /// Makes a file of this text; `path` is for errors.
    pub fn from_text(path: &Path, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into(), line_ends: OnceLock::new() }
    }

    /// Reads the file, if it exists. The caller has checked its folder.
    ///
    /// # Errors
    /// `Refused` unless the file belongs to root or the user, and no other user can write it;
    /// `Invalid` if it is not text.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let content = match read_trusted_config(path, MAX) {
            Ok(Some(content)) => content,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                return Err(Error::new(ErrorKind::Refused, "config").because(error.message()));
            }
            Err(error) => return Err(error),
        };
        Self::new(path, content).map(Some)
    }

    /// Returns the file with this content.
    ///
    /// # Errors
    /// `Invalid` if it is not text.
    pub(crate) fn new(path: &Path, content: Vec<u8>) -> Result<Self> {
        match String::from_utf8(content) {
            Ok(text) => Ok(Self::from_text(path, text)),
            Err(error) => Err(not_utf8(path, &error)),
        }
    }

    /// Parses the document.
    ///
    /// # Errors
    /// `Invalid`, with the line. The message of the parser quotes the file and is not passed on.
    pub fn parse(&self) -> Result<DeTable<'_>> {
        match DeTable::parse(&self.text) {
            Ok(table) => Ok(table.into_inner()),
            Err(error) => Err(self.wrong(error.span().unwrap_or(0..0), "is not TOML here")),
        }
    }

    /// Returns an error about a place in the file.
    pub fn wrong(&self, span: Range<usize>, why: impl std::fmt::Display) -> Error {
        Error::invalid("config", format!("{}:{}: {why}", self.path.display(), self.line(span)))
    }

    pub(crate) fn line(&self, span: Range<usize>) -> usize {
        let ends = self
            .line_ends
            .get_or_init(|| self.text.match_indices('\n').map(|(at, _)| at).collect());
        ends.partition_point(|end| *end < span.start) + 1
    }

    /// Refuses a key that is unknown in `what`, with the most similar known one as a hint.
    ///
    /// # Errors
    /// `Invalid`, with the line.
    pub fn check_keys(&self, table: &DeTable<'_>, known: &[&str], what: &str) -> Result<()> {
        let is_known = |key: &str| known.contains(&key);
        let Some(key) = table.keys().find(|key| !is_known(key.get_ref())) else { return Ok(()) };
        let why = format!("`{}` is not a key of {what}", printable(key.get_ref()));
        let error = self.wrong(key.span(), why);
        Err(match nearest(key.get_ref(), known.iter().copied()) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    /// Returns the text of a key, if it exists.
    ///
    /// # Errors
    /// `Invalid`, with the line, if it is not text.
    pub fn text_of(&self, table: &DeTable<'_>, key: &str) -> Result<Option<String>> {
        match table.get(key).map(|value| (value, value.get_ref())) {
            None => Ok(None),
            Some((_, DeValue::String(text))) => Ok(Some(text.to_string())),
            Some((value, _)) => Err(self.wrong(value.span(), format!("`{key}` takes text"))),
        }
    }

    /// Returns the value of a key that is true or false, if it exists.
    ///
    /// # Errors
    /// `Invalid`, with the line, if it is something else.
    pub fn flag_of(&self, table: &DeTable<'_>, key: &str) -> Result<Option<bool>> {
        match table.get(key).map(|value| (value, value.get_ref())) {
            None => Ok(None),
            Some((_, DeValue::Boolean(flag))) => Ok(Some(*flag)),
            Some((value, _)) => {
                Err(self.wrong(value.span(), format!("`{key}` takes true or false")))
            }
        }
    }

    /// Refuses a version that this program does not know.
    ///
    /// # Errors
    /// `Invalid`, with the line.
    pub fn check_version(&self, table: &DeTable<'_>) -> Result<()> {
        match table.get("version") {
            None => Err(self
                .wrong(0..0, "`version = 1` is missing")
                .hint("Add the line `version = 1` at the top of the file")),
            Some(version) => match version.get_ref() {
                DeValue::Integer(number) if number.as_str() == "1" => Ok(()),
                _ => Err(self
                    .wrong(version.span(), "this version of the file is not known")
                    .hint("A newer Keyward may have written it")),
            },
        }
    }
}

/// Returns an error with the line where a file stops being UTF-8.
fn not_utf8(path: &Path, error: &FromUtf8Error) -> Error {
    let end = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(&error.as_bytes()[..end]).into_owned();
    TomlFile::from_text(path, text)
        .wrong(end..end, "is not UTF-8 here")
        .hint("Save the file as UTF-8")
}

/// Returns a hint that names the known word nearest to a wrong one.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(wrong, word), word))
        .min()
        .filter(|(distance, word)| *distance <= word.len().div_ceil(3))
        .map(|(_, word)| format!("Did you mean `{word}`?"))
}
