//! `resolve --confirm` and `--reject`: the caller says whether a credential worked.

use keyward::Keyward;
use keyward_config::Interaction;
use keyward_core::{Error, Level, MAX_RECORD, Record, Result, Secret};
use keyward_kinds::{FieldSpec, Kind};
use keyward_resolver::{PROMPT, Query, Resolver};

use super::Wanted;
use crate::commands::set::Input;
use crate::input::standard_input;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Whether a credential worked.
#[derive(clap::Args)]
#[group(multiple = false)]
pub(super) struct Feedback {
    /// Say that the value on standard input worked: Keyward stores it if you typed it
    #[arg(long, conflicts_with_all = ["reveal", "force_ask", "merge", "clip"])]
    confirm: bool,
    /// Say that the value on standard input was refused: if it is stored, it counts as absent
    #[arg(long, conflicts_with_all = ["reveal", "force_ask", "merge", "clip"])]
    reject: bool,
}

/// What the caller tried.
struct Tried {
    record: Record,
    /// Where it comes from, if the caller said so.
    sources: Vec<String>,
}

impl Feedback {
    pub(super) fn is_given(&self) -> bool {
        self.confirm || self.reject
    }

    /// Reads what the caller tried, and stores it or marks it.
    pub(super) fn take(
        &self,
        wanted: &Wanted,
        json: bool,
        raw: bool,
        session: &Session,
    ) -> Outcome {
        let keyward = wanted.profile.open(session)?;
        let resolver = keyward.resolver()?;
        let query = wanted.query(&resolver, json)?;
        let tried = match json {
            true => read_json(&query, &resolver)?,
            false => read_value(wanted, &query, &resolver, raw)?,
        };
        let done = match self.confirm {
            true => confirm(&keyward, &query, &tried)?,
            false => reject(&keyward, &query, &tried)?,
        };
        session.console.log(Level::Info, format_args!("{done}"));
        Ok(())
    }
}

/// Returns what was done.
fn confirm(keyward: &Keyward, query: &Query<'_>, tried: &Tried) -> Result<String> {
    let others: Vec<_> = tried.sources.iter().filter(|source| *source != PROMPT).collect();
    if let Some(source) = others.first() {
        return Ok(format!("nothing is stored: a value comes from the source `{source}`"));
    }
    Ok(match keyward.confirm(query, &tried.record)? {
        Some(store) => format!("the credential is stored in the store `{store}`"),
        None => "nothing is stored: a source already has it".to_owned(),
    })
}

fn reject(keyward: &Keyward, query: &Query<'_>, tried: &Tried) -> Result<String> {
    let stores = keyward.reject(query, &tried.record)?;
    let stores: Vec<_> = stores.iter().map(|store| format!("`{store}`")).collect();
    Ok(match stores.is_empty() {
        true => "no store has it".to_owned(),
        false => format!("the credential is marked as rejected in {}", stores.join(", ")),
    })
}

/// Reads what `resolve --json --reveal` printed.
fn read_json(query: &Query<'_>, resolver: &Resolver) -> Outcome<Tried> {
    let from = standard_input().map_err(|error| usage_error(format!("standard input: {error}")))?;
    let input = Input::read("standard input", from)?;
    let kind = match (query.kind(), &input.kind) {
        (Some(kind), Some(name)) if kind.name != *name => {
            return Err(usage_error("--kind and the JSON name two kinds"));
        }
        (Some(kind), _) => kind,
        (None, Some(name)) => resolver.kinds().find(name)?,
        (None, None) => return Err(usage_error("the JSON has no kind")),
    };
    let sources = input.sources.clone();
    let changes = input.changes(kind)?;
    let mut record = new_record(query, kind);
    for (name, value) in changes.fields {
        let mut field = kind.field(&name, value)?;
        field.secret |= changes.secret.contains(&name);
        record.fields.insert(name, field);
    }
    let has_main = kind.main.as_ref().is_none_or(|main| record.fields.contains_key(main));
    if !has_main {
        let error = Error::invalid("usage", "the JSON lacks the main secret of the kind");
        return Err(error.hint("`keyward resolve --json --reveal` prints it").into());
    }
    Ok(Tried { record, sources })
}

/// Reads what `resolve` printed: the main secret, or the field.
fn read_value(
    wanted: &Wanted,
    query: &Query<'_>,
    resolver: &Resolver,
    raw: bool,
) -> Outcome<Tried> {
    let found;
    let kind = match query.kind() {
        Some(kind) => kind,
        None => {
            found = resolver.explain(query).result.map(|found| found.record.kind);
            let found = found.ok().and_then(|name| resolver.kinds().get(&name));
            found.ok_or_else(|| usage_error("the kind is not known: name it with --kind"))?
        }
    };
    let name = wanted.field.as_deref().or(kind.main.as_deref());
    let name = name.ok_or_else(|| usage_error("the kind has no main secret: name the --field"))?;
    let value = read_secret(kind.spec(name), raw)?;
    let mut record = new_record(query, kind);
    record.fields.insert(name.to_owned(), kind.field(name, value)?);
    Ok(Tried { record, sources: Vec::new() })
}

fn read_secret(spec: Option<&FieldSpec>, raw: bool) -> Outcome<Secret> {
    let read = standard_input().and_then(|from| Secret::read_from(from, MAX_RECORD));
    let mut value = read.map_err(|error| usage_error(format!("standard input: {error}")))?;
    if !raw && spec.is_none_or(FieldSpec::is_typed) {
        value.strip_line_end();
    }
    if value.is_empty() {
        return Err(usage_error("there is no value on standard input"));
    }
    Ok(value)
}

/// Returns a record without fields, which is bound to the server of the query.
fn new_record(query: &Query<'_>, kind: &Kind) -> Record {
    let mut record = Record::new(kind.name.as_str());
    record.origins.extend(query.url().map(|url| url.origin().clone()));
    record
}
