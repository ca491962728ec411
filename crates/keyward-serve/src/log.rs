//! The log, on standard error: one line for each event, as JSON or text. It contains no secret.

use std::fmt::{Arguments, Display};
use std::io::Write;

use keyward_config::{Interaction, now};
use keyward_core::{Error, ErrorKind, Level, Prompt, Result, Secret, Timestamp, printable};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `warning: the message (key: value)`.
    #[default]
    Text,
    /// One JSON object for each line, with the time.
    Json,
}

impl Format {
    /// Reads `text` or `json`.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(Error::invalid("log", "the format of the log is `text` or `json`")),
        }
    }
}

/// Writes the log. A copy writes the same log.
#[derive(Clone, Copy, Debug, Default)]
pub struct Log {
    format: Format,
}

impl Log {
    /// Makes a log with lines of this format.
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// Says what the server does.
    pub fn info(&self, message: &str, fields: &[(&str, &dyn Display)]) {
        self.write("info", message, fields);
    }

    /// Says that something is wrong, but that the work goes on.
    pub fn warning(&self, message: &str, fields: &[(&str, &dyn Display)]) {
        self.write("warning", message, fields);
    }

    /// Says that something failed.
    pub fn error(&self, message: &str, fields: &[(&str, &dyn Display)]) {
        self.write("error", message, fields);
    }

    fn write(&self, level: &str, message: &str, fields: &[(&str, &dyn Display)]) {
        let line = match self.format {
            Format::Text => text_line(level, message, fields),
            Format::Json => json_line(level, message, fields),
        };
        // If standard error is gone, there is no place to say so.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

fn text_line(level: &str, message: &str, fields: &[(&str, &dyn Display)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}: {}", printable(&value.to_string())))
        .collect();
    let message = printable(message);
    match fields.is_empty() {
        true => format!("{level}: {message}\n"),
        false => format!("{level}: {message} ({})\n", fields.join(", ")),
    }
}

fn json_line(level: &str, message: &str, fields: &[(&str, &dyn Display)]) -> String {
    let mut object = serde_json::Map::new();
    object.insert("time".into(), time(now()).into());
    object.insert("level".into(), level.into());
    object.insert("message".into(), message.into());
    for (name, value) in fields {
        object.insert((*name).to_owned(), value.to_string().into());
    }
    serde_json::Value::Object(object).to_string() + "\n"
}

/// Writes a time as in RFC 3339, in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    let seconds = i64::try_from(time.as_unix()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// The server has no user to prompt; messages of backends go to the log.
impl Interaction for Log {
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        Err(Error::new(ErrorKind::Locked, "prompt")
            .because(format!("the server cannot ask for it: {}", prompt.text.to_lowercase()))
            .hint("Give the store a key source that does not prompt"))
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        match level {
            Level::Warning => self.warning(&message.to_string(), &[]),
            Level::Info | Level::Debug => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_sends_cannot_begin_a_line_of_its_own_making() {
        let hostile = "x\nerror: forged \x1b[2J";
        for line in [
            text_line("info", "refused", &[("host", &hostile)]),
            json_line("info", "refused", &[("host", &hostile)]),
        ] {
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert!(!line.contains('\x1b'), "{line}");
        }
    }

    #[test]
    fn times_are_those_of_rfc_3339() {
        assert_eq!(time(Timestamp::from_unix(1_000_000_000)), "2001-09-09T01:46:40Z");
    }
}
