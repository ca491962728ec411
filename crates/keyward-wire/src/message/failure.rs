//! Errors: number of the kind, texts, and the texts of the causes.

use std::error::Error as StdError;
use std::fmt;

use keyward_core::{Error, ErrorKind, printable};

use crate::cbor::{Fields, Malformed, Map, Put};

/// The longest text of an error, in bytes.
const MAX_TEXT: usize = 4096;

/// The most causes.
const MAX_CAUSES: usize = 16;

/// Writes an error.
pub fn write(fields: &mut Fields<'_>, error: &Error) {
    let said = error.message() != Error::new(error.kind(), "").message();
    fields
        .put("kind", u64::from(error.kind().code()))
        .put("operation", cut(error.operation()))
        .put_some("backend", non_empty(error.backend()))
        .put_some("message", said.then(|| cut(error.message())))
        .put_some("hint", error.advice().map(cut));
    let causes: Vec<_> = error.causes().take(MAX_CAUSES).collect();
    if !causes.is_empty() {
        fields.put_list("causes", &causes, |out, cause| cut(cause).put(out));
    }
}

/// Reads an error.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read(fields: &Map<'_>) -> Result<Error, Malformed> {
    let kind =
        u8::try_from(fields.get::<u64>("kind")?).map_or(ErrorKind::Other, ErrorKind::from_code);
    let mut error = Error::new(kind, escape_text(fields.find("operation")?.unwrap_or("call")));
    if let Some(backend) = fields.find::<&str>("backend")? {
        error = error.in_backend(&escape_text(backend));
    }
    if let Some(message) = fields.find::<&str>("message")? {
        error = error.because(escape_text(message));
    }
    if let Some(hint) = fields.find::<&str>("hint")? {
        error = error.hint(escape_text(hint));
    }
    let causes: Vec<&str> = fields.find("causes")?.unwrap_or_default();
    Ok(caused(error, &causes))
}

/// An error of a plugin, escaped so that it can be shown.
pub fn escape_error(error: &Error) -> Error {
    let causes = error.source().map(ToString::to_string).unwrap_or_default();
    let causes: Vec<_> = causes.lines().collect();
    let shown = Error::new(error.kind(), escape_text(error.operation()))
        .because(escape_text(error.message()))
        .hint(escape_text(error.advice().unwrap_or_default()))
        .in_backend(&escape_text(error.backend()));
    caused(shown, &causes)
}

/// The error, with what caused it, from the nearest to the root.
fn caused(error: Error, causes: &[&str]) -> Error {
    let causes = causes.iter().take(MAX_CAUSES).rev();
    let source = causes.fold(None, |source, text| {
        Some(Cause { text: escape_text(text), source: source.map(Box::new) })
    });
    match source {
        Some(source) => error.caused_by(source),
        None => error,
    }
}

/// A cause on the other side.
#[derive(Debug)]
struct Cause {
    text: String,
    source: Option<Box<Self>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then(|| cut(text))
}

/// A text, cut to the length that an error may have.
pub fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

/// A text of the other side, cut, and escaped so that it can be shown.
pub fn escape_text(text: &str) -> String {
    printable(cut(text)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, failure};

    fn there_and_back(error: &Error) -> Error {
        let frame = failure(7, error);
        match Message::read(&frame.expose()[4..]).unwrap() {
            Message::Answer { id: 7, outcome: Err(error) } => error,
            other => panic!("{other:?}"),
        }
    }

    fn parts(error: &Error) -> (ErrorKind, String, Vec<String>) {
        let texts = [
            error.operation(),
            error.backend(),
            error.message(),
            error.advice().unwrap_or_default(),
        ];
        (error.kind(), texts.join("|"), error.causes().collect())
    }

    #[test]
    fn nothing_of_an_error_is_lost() {
        let inner = Error::invalid("parse", "it is odd").caused_by("the root");
        for error in [
            Error::not_found("get"),
            Error::new(ErrorKind::Refused, "open")
                .because("why")
                .hint("Do this.")
                .in_backend("file"),
            Error::new(ErrorKind::Other, "x".repeat(4000)).caused_by(inner),
        ] {
            assert_eq!(parts(&there_and_back(&error)), parts(&error));
        }
    }

    #[test]
    fn what_is_shown_of_the_other_side_does_no_harm() {
        let error = Error::invalid("get", "a\u{1b}[2Jb\nc\u{202e}d").hint("x".repeat(10_000));
        let error = there_and_back(&error);
        assert_eq!(error.message(), "a\\u{1b}[2Jb\\nc\\u{202e}d");
        assert_eq!(error.advice().unwrap().len(), MAX_TEXT);
    }

    #[test]
    fn causes_have_an_end() {
        let mut error = Error::not_found("get");
        for _ in 0..100 {
            error = Error::not_found("get").caused_by(error);
        }
        assert_eq!(parts(&there_and_back(&error)).2.len(), MAX_CAUSES);
    }
}
