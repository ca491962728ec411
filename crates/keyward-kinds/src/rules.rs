//! Which tables are valid.

use keyward_core::{Error, Result, printable};

use crate::field::{is_web_url, regex};
use crate::kind::{FIELD_NAMES, MAX_NAME, is_field_name};
use crate::{FieldSpec, Kind, Shape};

/// The most fields of a kind.
pub const MAX_FIELDS: usize = 64;

/// The longest text in a table, in bytes.
const MAX_TEXT: usize = 1024;

/// The most texts in a list of a table.
const MAX_LIST: usize = 64;

/// Checks a table. Only a built-in kind has a name without a dot.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid), with the place that the table comes from.
pub(crate) fn check(kind: &Kind, is_built_in: bool) -> Result<()> {
    check_table(kind, is_built_in).map_err(|error| {
        Error::invalid("config", format!("{}: {}", kind.from, error.message()))
            .hint(error.advice().unwrap_or_default())
    })
}

fn check_table(kind: &Kind, is_built_in: bool) -> Result<()> {
    check_name(&kind.name, is_built_in)?;
    let wrong =
        |why: String| Err(Error::invalid("kind", format!("the kind `{}` {why}", kind.name)));
    check_text(&kind.help).or_else(|why| wrong(format!("has a help that {why}")))?;
    if let Some(url) = &kind.url {
        check_text(url).or_else(|why| wrong(format!("has a url that {why}")))?;
        if !is_web_url(url) {
            return wrong("has a url that is not one such as https://example.com".into());
        }
    }
    if kind.fields.len() > MAX_FIELDS {
        return wrong(format!("has more than {MAX_FIELDS} fields"));
    }
    for (index, field) in kind.fields.iter().enumerate() {
        let name = printable(&field.name);
        if kind.fields[..index].iter().any(|earlier| earlier.name == field.name) {
            return wrong(format!("has two fields `{name}`"));
        }
        check_field(field).or_else(|why| wrong(format!("has a field `{name}` that {why}")))?;
    }
    let Some(main) = &kind.main else { return Ok(()) };
    let name = printable(main);
    match kind.main_spec() {
        None => wrong(format!("has the main field `{name}`, but no such field")),
        Some(spec) if !spec.secret => {
            wrong(format!("has the main field `{name}`, which is not secret"))
        }
        Some(_) => Ok(()),
    }
}

/// Checks the name of a kind: lower-case letters, digits, `-` and `.`.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid), with the rule that is broken.
pub(crate) fn check_name(name: &str, is_built_in: bool) -> Result<()> {
    let wrong = |why: &str, hint: &str| {
        let shown: String = name.chars().take(MAX_NAME).collect();
        let why = format!("`{}` {why}", printable(&shown));
        Err(Error::invalid("kind", why).hint(hint))
    };
    let is_word = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && !part.ends_with('-')
            && part.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
    };
    if name.len() > MAX_NAME || !name.split('.').all(is_word) {
        return wrong(
            "cannot be the name of a kind",
            "A name has at most 64 lower-case letters, digits, `-` and `.`",
        );
    }
    match (is_built_in, name.contains('.')) {
        (true, false) | (false, true) => Ok(()),
        (true, true) => wrong("has a dot", "Only names of kinds that are not built in have one"),
        (false, false) => wrong(
            "has no dot, so only a built-in kind can be called that",
            "Start with the name of the service or organisation: `acme.deploy`",
        ),
    }
}

fn check_field(field: &FieldSpec) -> Result<(), String> {
    if !is_field_name(&field.name) {
        return Err(format!("has a wrong name. {FIELD_NAMES}"));
    }
    for (what, text) in [("help", &field.help), ("prompt", &field.prompt)] {
        check_text(text).map_err(|why| format!("has a {what} that {why}"))?;
    }
    if field.max > Shape::Bytes.max() {
        return Err("has a limit that is larger than a record can be".into());
    }
    for list in [&field.choices, &field.environment] {
        if list.len() > MAX_LIST {
            return Err(format!("has a list of more than {MAX_LIST} items"));
        }
        list.iter().try_for_each(|text| check_text(text))?;
    }
    if let Some(name) = field.environment.iter().find(|name| !is_variable(name)) {
        return Err(format!("names the environment variable `{name}`, which it must not set"));
    }
    if let Some(pattern) = &field.pattern {
        check_text(pattern).map_err(|why| format!("has a pattern that {why}"))?;
        regex(pattern).map_err(|_| "has a pattern that is not a regular expression")?;
    }
    let Some(default) = &field.default else { return Ok(()) };
    if field.secret {
        return Err("is secret and has a default".into());
    }
    check_text(default).map_err(|why| format!("has a default that {why}"))?;
    match field.check(&default.as_str().into()) {
        Ok(()) => Ok(()),
        Err(_) => Err("has a default that is not one of its values".into()),
    }
}

/// Whether a field may be given to programs in this variable. Variables that begin with `LD_` or
/// `DYLD_`, and `PATH`, choose the code that a program runs.
fn is_variable(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(is_valid)
        && !["LD_", "DYLD_", "KEYWARD_"].iter().any(|prefix| name.starts_with(prefix))
        && name != "PATH"
}

fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT {
        return Err(format!("is longer than {MAX_TEXT} bytes"));
    }
    match text.contains(char::is_control) {
        true => Err("contains a control character".into()),
        false => Ok(()),
    }
}
