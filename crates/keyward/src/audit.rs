//! Writes down which records are given out.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use keyward_config::{Config, now};
use keyward_core::{Error, Result, needs_escape};
use keyward_fs::{PrivateDir, check_trusted_folder};
use rustix::process::{geteuid, getppid};
use serde::Serialize;

/// Who gets the records that Keyward gives out, for the audit.
///
/// # Examples
/// ```
/// use keyward::{Program, Recipient};
///
/// let psql = Program::Named("/usr/bin/psql".into());
/// let recipient = Recipient { command: Some("run".into()), program: psql };
/// # let environment = keyward::Environment::new([("HOME", "/nonexistent")]);
/// let keyward = keyward::Keyward::with(environment, keyward::Silent)?.giving_to(recipient);
/// # Ok::<(), keyward::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The command of the program `keyward`; `None` for other applications.
    pub command: Option<String>,
    /// The program that gets the records.
    pub program: Program,
}

/// A program that gets records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The one that runs in this process.
    This,
    /// The one that started this process.
    Parent,
    /// The one with this name or path.
    Named(String),
}

impl Default for Recipient {
    fn default() -> Self {
        Self { command: None, program: Program::This }
    }
}

/// A record that is given out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    /// The store that it comes from; `None` if it comes from the environment.
    pub(crate) store: Option<&'a str>,
    /// The user whose entry it is.
    pub(crate) user: Option<&'a str>,
    /// The name of the entry; `None` for the one without a name.
    pub(crate) name: Option<&'a str>,
    /// The name of the source.
    pub(crate) source: &'a str,
}

/// Adds a line for each record that is given out to the files of the setting `audit.file`.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    pub(crate) config: Arc<Config>,
    pub(crate) recipient: Recipient,
}

impl Audit {
    /// Adds a line for each of these records, which are given out only if this succeeds.
    ///
    /// # Errors
    /// Those of writing a file; [`Invalid`](keyward_core::ErrorKind::Invalid) for a relative path.
    pub(crate) fn add(&self, records: &[Given<'_>]) -> Result<()> {
        let files = self.config.audit_files()?;
        if files.is_empty() || records.is_empty() {
            return Ok(());
        }
        let lines = self.lines(records)?;
        files.iter().try_for_each(|file| append(file, &lines).map_err(|error| refusal(file, error)))
    }

    fn lines(&self, records: &[Given<'_>]) -> Result<String> {
        let program = self.recipient.program.describe();
        let time = i64::try_from(now().as_unix()).unwrap_or_default();
        let time = jiff::Timestamp::from_second(time).unwrap_or_default().to_string();
        let mut lines = String::new();
        for &Given { store, user, name, source } in records {
            let line = Line {
                time: &time,
                uid: geteuid().as_raw(),
                program: program.as_deref(),
                command: self.recipient.command.as_deref(),
                store,
                user,
                name,
                source,
            };
            let line =
                serde_json::to_string(&line).map_err(|error| Error::io("audit", error.into()))?;
            escape(&line, &mut lines);
            lines.push('\n');
        }
        Ok(lines)
    }
}

/// One line of the audit.
#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    uid: u32,
    program: Option<&'a str>,
    command: Option<&'a str>,
    store: Option<&'a str>,
    user: Option<&'a str>,
    name: Option<&'a str>,
    source: &'a str,
}

/// Adds JSON in which the characters are escaped that could control the terminal of a reader. They
/// can only be inside of its texts.
fn escape(json: &str, lines: &mut String) {
    for character in json.chars() {
        if needs_escape(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(lines, "\\u{unit:04x}");
            }
        } else {
            lines.push(character);
        }
    }
}

fn append(file: &Path, lines: &str) -> Result<()> {
    // The configuration has checked that the path has both.
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(Error::invalid("audit", "the path of a file must be absolute"));
    };
    check_trusted_folder(folder)?;
    PrivateDir::create(folder)?.append(Path::new(name), lines.as_bytes())
}

fn refusal(file: &Path, error: Error) -> Error {
    let why =
        format!("nothing is given out, because the audit {} cannot be written", file.display());
    let advice = error.advice().unwrap_or_default().to_owned();
    Error::new(error.kind(), "audit").because(why).caused_by(error).hint(advice)
}

impl Program {
    /// Returns the path or the name of the program; `None` if the system does not tell.
    fn describe(&self) -> Option<String> {
        match self {
            Self::This => program_of("self"),
            Self::Parent => program_of(&getppid()?.as_raw_pid().to_string()),
            Self::Named(name) => Some(name.clone()),
        }
    }
}

/// Returns the path of a process's program, or only its name if it belongs to another user.
fn program_of(process: &str) -> Option<String> {
    let process = Path::new("/proc").join(process);
    if let Ok(path) = fs::read_link(process.join("exe")) {
        return Some(path.to_string_lossy().into_owned());
    }
    let name = fs::read(process.join("comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_without_control_characters() {
        let home = tempfile::tempdir().unwrap();
        let environment = keyward_config::Environment::new([("HOME", home.path())]);
        let config = Arc::new(Config::load(environment).unwrap());
        let program = "a\n\"\u{9b}1m\u{202e}\u{e0041}\u{7f}";
        let recipient =
            Recipient { command: Some("get".into()), program: Program::Named(program.into()) };
        let given = Given { store: Some("s"), user: Some("ü"), name: None, source: "store s" };
        let lines = Audit { config, recipient }.lines(&[given, given]).unwrap();
        assert_eq!(lines.lines().count(), 2);
        for line in lines.lines() {
            assert!(!line.chars().any(needs_escape), "{line:?}");
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((&line["program"], &line["user"]), (&program.into(), &"ü".into()));
            assert!(line["name"].is_null());
        }
    }
}
