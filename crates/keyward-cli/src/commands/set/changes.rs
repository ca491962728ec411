//! The options of `set` that change a record.

use std::fs::File;
use std::path::Path;

use keyward_config::Interaction;
use keyward_core::{
    Error, MAX_RECORD, Origin, Prompt, Secret, Timestamp, parse_duration, printable,
};
use keyward_kinds::{Changes, FieldSpec, Kind};

use crate::session::Session;
use crate::stop::{Outcome, usage_error};

#[derive(clap::Args)]
pub(super) struct ChangeArguments {
    /// Set a field that is not secret
    #[arg(long = "field", value_name = "NAME=VALUE", conflicts_with = "origin")]
    fields: Vec<String>,
    /// Ask for a secret field, without showing what is typed
    #[arg(long = "secret", value_name = "NAME", conflicts_with = "origin")]
    secrets: Vec<String>,
    /// Read a secret field from a file
    #[arg(long = "secret-file", value_name = "NAME=PATH", conflicts_with = "origin")]
    files: Vec<String>,
    /// Remove a field
    #[arg(long = "remove", value_name = "NAME", conflicts_with = "origin")]
    removed: Vec<String>,
    /// Attach a label; without a value, remove it
    #[arg(long = "label", value_name = "NAME=VALUE", conflicts_with = "origin")]
    labels: Vec<String>,
    /// Bind the credential to this server, such as https://example.com: it is sent only to servers to
    /// which it is bound
    #[arg(long = "bind", value_name = "URL", conflicts_with = "origin")]
    bound: Vec<String>,
    /// Bind the credential no longer to this server
    #[arg(long = "unbind", value_name = "URL", conflicts_with = "origin")]
    unbound: Vec<String>,
    /// When the credential expires: a duration from now such as 90d, a date, a time of RFC 3339, or
    /// `never`
    #[arg(long, value_name = "WHEN", conflicts_with = "origin")]
    expires: Option<String>,
    /// Replace a record of another kind
    #[arg(long, conflicts_with = "origin")]
    replace: bool,
}

impl ChangeArguments {
    /// Whether no option says what to change.
    pub(super) fn is_empty(&self) -> bool {
        let lists = [&self.fields, &self.secrets, &self.files, &self.removed, &self.labels];
        let lists = lists.into_iter().chain([&self.bound, &self.unbound]);
        lists.into_iter().all(Vec::is_empty) && self.expires.is_none()
    }

    /// Returns the changes with what the options name.
    pub(super) fn read(
        &self,
        mut changes: Changes,
        kind: &Kind,
        session: &Session,
        now: Timestamp,
    ) -> Outcome<Changes> {
        changes.replaces = self.replace;
        changes.removed = self.removed.iter().cloned().collect();
        for text in &self.fields {
            let (name, value) = divided("--field", text)?;
            if kind.spec(name).is_some_and(|spec| spec.secret) {
                return Err(is_secret(kind, name));
            }
            changes = changes.with_open(name, value);
        }
        for text in &self.files {
            let (name, path) = divided("--secret-file", text)?;
            changes = changes.with_secret(name, read_file(Path::new(path), kind.spec(name))?);
        }
        for name in &self.secrets {
            changes = changes.with_secret(name, ask(name, kind.spec(name), session)?);
        }
        for text in &self.labels {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            changes = changes.with_label(name, value);
        }
        changes.bound = origins(&self.bound)?;
        changes.unbound = origins(&self.unbound)?;
        if let Some(text) = &self.expires {
            changes.expires = Some(expiry(text, now)?);
        }
        Ok(changes)
    }
}

fn origins(texts: &[String]) -> Outcome<Vec<Origin>> {
    Ok(texts.iter().map(|text| keyward_origin::parse(text)).collect::<Result<_, _>>()?)
}

/// Returns the fields that a new record needs and that the changes do not set, but for the main secret.
pub(super) fn missing<'a>(kind: &'a Kind, changes: &Changes) -> Vec<&'a FieldSpec> {
    let is_missing = |spec: &&FieldSpec| {
        spec.required
            && spec.default.is_none()
            && kind.main.as_ref() != Some(&spec.name)
            && !changes.fields.contains_key(&spec.name)
    };
    kind.fields.iter().filter(is_missing).collect()
}

/// Returns the changes with the answers of the user for these fields.
pub(super) fn ask_for(
    fields: &[&FieldSpec],
    mut changes: Changes,
    session: &Session,
) -> Outcome<Changes> {
    for spec in fields {
        let answer = ask(&spec.name, Some(spec), session)?;
        changes = changes.with_field(spec.name.as_str(), answer);
    }
    Ok(changes)
}

/// Splits `NAME=VALUE`. An error does not show the text: it may be a secret.
fn divided<'a>(option: &str, text: &'a str) -> Outcome<(&'a str, &'a str)> {
    text.split_once('=')
        .ok_or_else(|| usage_error(format!("{option} needs a name, `=` and a value")))
}

fn is_secret(kind: &Kind, name: &str) -> crate::stop::Stop {
    let why = format!("the field `{name}` is secret: other users can read the command line");
    let hint = if kind.main.as_deref() == Some(name) {
        "Leave it out to be asked, or use --stdin or --password-file".to_owned()
    } else {
        format!("Use --secret {name} to be asked, or --secret-file {name}=PATH")
    };
    Error::invalid("usage", why).hint(hint).into()
}

/// Reads a secret from a file. A value of one line loses the line end of the file.
fn read_file(path: &Path, spec: Option<&FieldSpec>) -> Outcome<Secret> {
    let shown = path.display();
    let mut secret = File::open(path)
        .and_then(|file| Secret::read_from(file, MAX_RECORD))
        .map_err(|error| usage_error(format!("{}: {error}", printable(&shown.to_string()))))?;
    if spec.is_none_or(FieldSpec::is_typed) {
        secret.strip_line_end();
    }
    Ok(secret)
}

fn ask(name: &str, spec: Option<&FieldSpec>, session: &Session) -> Outcome<Secret> {
    if let Some(spec) = spec
        && !spec.is_typed()
    {
        let why = format!("the field `{name}` is not one line");
        let hint = format!("Use --secret-file {name}=PATH");
        return Err(Error::invalid("usage", why).hint(hint).into());
    }
    let text = spec.map_or_else(|| name.to_owned(), FieldSpec::prompt);
    if let Some(spec) = spec.filter(|spec| !spec.secret) {
        return Ok(session.console.ask("", &[spec])?.remove(0));
    }
    let twice = spec.is_some_and(|spec| spec.twice);
    Ok(session.console.prompt(&Prompt::new(&text).with_confirm(twice))?)
}

/// Reads when a credential expires; `None` for never.
pub(super) fn expiry(text: &str, now: Timestamp) -> Outcome<Option<Timestamp>> {
    if text == "never" {
        return Ok(None);
    }
    if let Some(duration) = parse_duration(text) {
        return Ok(Some(Timestamp::from_unix(now.as_unix().saturating_add(duration.as_secs()))));
    }
    // A date parser takes the first part of a time as well, and would drop the rest.
    let is_date = text.len() == "2027-01-31".len();
    let date = text.parse::<jiff::civil::Date>().ok().filter(|_| is_date);
    let date = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let time = date.map(|date| date.timestamp()).or_else(|| text.parse::<jiff::Timestamp>().ok());
    let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
    match seconds {
        Some(seconds) => Ok(Some(Timestamp::from_unix(seconds))),
        None => Err(Error::invalid("usage", "--expires: this is not a time")
            .hint("Write 90d, 12h, 2027-01-31, 2027-01-31T12:00:00Z or never")
            .into()),
    }
}
