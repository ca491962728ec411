mod feedback;

use std::borrow::Cow;
use std::collections::BTreeMap;

use keyward_core::{Result, Secret};
use keyward_resolver::{Query, Resolution, Resolver};
use serde::Serialize;

use super::Run;
use crate::arguments::Profile;
use crate::candidates;
use crate::clipboard::ClipArguments;
use crate::json::{Text, entry, write_secret};
use crate::output::{escape_if_terminal, print, print_secret};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};
use feedback::Feedback;

/// Find a credential by its name, in the environment and in stores, and print it
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward resolve mail
  keyward resolve mail --field username
  keyward resolve mail --kind token --confirm <token
  KEYWARD_CREDENTIAL_MAIL_TOKEN=t0ken keyward resolve mail --kind token --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
    /// Print the bytes of the value, without a newline
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// Print JSON with all fields, or the one of --field, and with the names of secret ones only; with
    /// --confirm or --reject, read what --json --reveal prints
    #[arg(long)]
    json: bool,
    /// Print the values of secret fields in the JSON too
    #[arg(long, requires = "json")]
    reveal: bool,
    #[command(flatten)]
    clip: ClipArguments,
    #[command(flatten)]
    feedback: Feedback,
}

/// The arguments that select a credential.
#[derive(clap::Args)]
pub(super) struct Wanted {
    /// The name of the credential
    pub(super) name: String,
    /// The field [default: the main secret of the kind]
    #[arg(long, value_name = "F")]
    field: Option<String>,
    /// The kind that the credential must have
    #[arg(long, value_name = "K", add = candidates::kinds())]
    kind: Option<String>,
    /// Look among the entries of this user in stores [default: the store's `user`, else you]
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
    /// What the credential is for; one that is bound to another origin is refused
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Complete the credential from later sources if the first one lacks a field
    #[arg(long)]
    merge: bool,
    /// Accept a record that has expired
    #[arg(long)]
    expired: bool,
    /// Ask you, and no other source
    #[arg(long)]
    force_ask: bool,
    #[command(flatten)]
    profile: Profile,
}

impl Wanted {
    /// Returns what looks for the credential, and the name of its profile.
    pub(super) fn resolver(&self, session: &Session) -> Outcome<(Resolver, Option<String>)> {
        let keyward = self.profile.open(session)?;
        let profile = keyward.config().settings().text("profile").map(str::to_owned);
        let resolver = keyward.resolver()?;
        Ok((if self.merge { resolver.merging() } else { resolver }, profile))
    }

    /// Returns the query: for the whole record if JSON is printed, else for one value of it.
    pub(super) fn query<'a>(&'a self, resolver: &'a Resolver, json: bool) -> Result<Query<'a>> {
        let mut query = Query::new(&self.name, self.user.as_deref())?;
        if let Some(kind) = &self.kind {
            query = query.of_kind(resolver.kinds().find(kind)?);
        }
        if let Some(url) = &self.url {
            query = query.for_url(url)?;
        }
        if self.expired {
            query = query.accepting_expired();
        }
        if self.force_ask {
            query = query.forcing_prompt();
        }
        Ok(match &self.field {
            Some(field) => query.needing(field),
            None if json => query,
            None => query.needing_main(),
        })
    }
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let Self { wanted, raw, json, reveal, clip, feedback } = self;
        if feedback.is_given() {
            return feedback.take(&wanted, json, raw, session);
        }
        let destination = clip.destination(session)?;
        if destination.is_clipboard() && json {
            return Err(usage_error("--clip takes one value: leave out --json"));
        }
        let (resolver, _) = wanted.resolver(&destination.session(session))?;
        let resolution = resolver.resolve(&wanted.query(&resolver, json)?)?;
        let field = wanted.field.as_deref();
        if json {
            let is_secret = |name: &str| resolver.kinds().is_secret(&resolution.record, name);
            let shown = as_json(&wanted.name, &resolution, field, &is_secret, reveal)?;
            return print_secret(&shown, true);
        }
        let field = resolution.field(field)?;
        match field.value.expose_str() {
            Some(text) if !field.secret && !raw && !destination.is_clipboard() => {
                print(&escape_if_terminal(text))
            }
            _ => destination.put(&field.value, !raw),
        }
    }
}

/// A credential as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    kind: &'a str,
    sources: &'a [String],
    /// The values that may be shown.
    fields: BTreeMap<Cow<'a, str>, Text<'a>>,
    /// The names of the fields that are shown only on request.
    secret: Vec<&'a str>,
}

/// Returns the fields as JSON, or one of them.
fn as_json(
    name: &str,
    resolution: &Resolution,
    only: Option<&str>,
    is_secret: &dyn Fn(&str) -> bool,
    reveal: bool,
) -> Outcome<Secret> {
    let Resolution { record, sources, .. } = resolution;
    let wanted = || record.fields.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    let visible = wanted().filter(|(name, _)| reveal || !is_secret(name));
    write_secret(&Shown {
        name,
        kind: &record.kind,
        sources,
        fields: visible.map(|(name, field)| entry(name, &field.value)).collect(),
        secret: wanted().map(|(name, _)| name.as_str()).filter(|name| is_secret(name)).collect(),
    })
}
