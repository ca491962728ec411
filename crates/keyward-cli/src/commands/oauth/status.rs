use std::io::IsTerminal;

use keyward_core::{Record, Secret, Timestamp};
use keyward_kinds::fields;
use keyward_oauth2::{Grant, RefreshState, Validity, claims};
use serde_json::{Value, json};

use super::{read, say_clock, text};
use crate::arguments::StoreAndEntry;
use crate::json::rfc3339;
use crate::output::{Lines, escaped, print, print_secret};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward oauth status work --name api
  keyward oauth status work --name api --claims")]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    /// Print the content of the access token, if it is a JWT; its signature is not checked
    #[arg(long)]
    claims: bool,
    /// Ask the server what the token is good for, and print its answer
    #[arg(long, conflicts_with = "claims")]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let (store, _, record) = read(&keyward, &self.entry)?;
        if self.claims {
            let token = record.field(fields::ACCESS_TOKEN);
            let token = token.ok_or_else(|| usage_error("there is no access token"))?;
            return print_answer(&claims(&token.value)?);
        }
        if self.check {
            let tokens = keyward.tokens()?;
            let answer = tokens.introspect(&record);
            say_clock(&tokens);
            return print_answer(&answer?);
        }
        let rows = rows(store.file.name.as_str(), &record, store.now());
        if self.json {
            let rows = rows.into_iter().map(|(name, value)| (name.to_owned(), value));
            return print(&Value::Object(rows.collect()).to_string());
        }
        let mut lines = Lines::new();
        for (name, value) in rows {
            let shown = match value {
                Value::Null => "-".to_owned(),
                Value::String(text) => escaped(&text),
                value => value.to_string(),
            };
            lines.print(&format!("{name}: {shown}"))?;
        }
        lines.end()
    }
}

/// Prints text of a server as it is, but on a terminal without what could control that.
fn print_answer(answer: &Secret) -> Outcome {
    match answer.expose_str() {
        Some(text) if std::io::stdout().is_terminal() => {
            let mut lines = Lines::new();
            for line in text.lines() {
                lines.print(&escaped(line))?;
            }
            lines.end()
        }
        _ => print_secret(answer, true),
    }
}

/// Returns what is known about the tokens of a record, by name.
fn rows(store: &str, record: &Record, now: Timestamp) -> Vec<(&'static str, Value)> {
    let field = |name| text(record, name);
    let token = record.field(fields::ACCESS_TOKEN);
    let expires = token.and_then(|token| token.expires).and_then(rfc3339);
    vec![
        ("store", json!(store)),
        ("server", json!(field(fields::ISSUER).or_else(|| field(fields::TOKEN_URL)))),
        ("client", json!(field(fields::CLIENT_ID))),
        ("username", json!(field(fields::USERNAME))),
        ("scope", json!(field(fields::GRANTED_SCOPE).or_else(|| field(fields::SCOPE)))),
        ("token", json!(state(record, now))),
        ("expires", json!(expires)),
        ("refreshed", json!(rfc3339(record.updated))),
        ("renewable", json!(is_renewable(record))),
        ("origins", json!(Some(origins(record)).filter(|origins| !origins.is_empty()))),
    ]
}

fn is_renewable(record: &Record) -> bool {
    Grant::renewing(record).is_some()
}

fn origins(record: &Record) -> String {
    record.origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Says how good the token is, and what prevents the next refresh.
fn state(record: &Record, now: Timestamp) -> String {
    let validity = match Validity::judge(record, now) {
        _ if record.field(fields::ACCESS_TOKEN).is_none() => "none",
        Validity::Good => "good",
        Validity::Due => "due for a refresh",
        Validity::Expired => "expired",
        Validity::Foreign => "issued for something else than the record now asks for",
    };
    match RefreshState::read(record) {
        RefreshState::Good { .. } => validity.into(),
        RefreshState::InDoubt => format!("{validity}; the last refresh did not finish"),
        RefreshState::Failed { why, .. } => format!("{validity}; the last refresh failed: {why}"),
        RefreshState::Dead { why } => format!("{validity}; a new login is needed: {why}"),
    }
}
