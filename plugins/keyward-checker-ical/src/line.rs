//! The lines of a file: `NAME;PARAMETER=VALUE:VALUE` (RFC 5545, section 3.1).

use keyward_plugin::{Error, Result};

/// One line, with those that continue it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    number: usize,
    /// Its name, in capitals.
    pub(crate) name: String,
    parameters: Vec<(String, String)>,
    /// What follows the colon.
    pub(crate) value: String,
}

impl Line {
    /// Splits a file into lines.
    ///
    /// # Errors
    /// `Corrupt` if a line does not have this form.
    pub(crate) fn read_all(text: &str) -> Result<Vec<Self>> {
        let mut unfolded: Vec<(usize, String)> = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            match (line.strip_prefix([' ', '\t']), unfolded.last_mut()) {
                (Some(more), Some((_, last))) => last.push_str(more),
                _ if line.is_empty() => {}
                _ => unfolded.push((index + 1, line.to_owned())),
            }
        }
        let line = |(number, text): (usize, String)| {
            Self::parse(number, &text).ok_or_else(|| broken(number, "it is not `NAME:VALUE`"))
        };
        unfolded.into_iter().map(line).collect()
    }

    fn parse(number: usize, text: &str) -> Option<Self> {
        let (mut parts, mut begin, mut is_quoted) = (Vec::new(), 0, false);
        let mut characters = text.char_indices();
        let value = loop {
            match characters.next()? {
                (_, '"') => is_quoted = !is_quoted,
                (at, separator @ (';' | ':')) if !is_quoted => {
                    parts.push(&text[begin..at]);
                    begin = at + 1;
                    if separator == ':' {
                        break &text[begin..];
                    }
                }
                _ => {}
            }
        };
        let mut parts = parts.into_iter();
        let name = parts.next()?;
        let is_name = |name: &str| {
            let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !name.is_empty() && name.chars().all(is_letter)
        };
        let parameter = |part: &str| {
            let (name, value) = part.split_once('=').filter(|(name, _)| is_name(name))?;
            Some((name.to_ascii_uppercase(), value.trim_matches('"').to_owned()))
        };
        Some(Self {
            number,
            name: Some(name).filter(|name| is_name(name))?.to_ascii_uppercase(),
            parameters: parts.map(parameter).collect::<Option<_>>()?,
            value: value.to_owned(),
        })
    }

    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The error of this line.
    pub(crate) fn broken(&self, why: &str) -> Error {
        broken(self.number, why)
    }
}

fn broken(number: usize, why: &str) -> Error {
    Error::corrupt("read the calendar").because(format!("line {number} of the calendar: {why}"))
}
