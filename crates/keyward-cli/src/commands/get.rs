pub(super) mod json;

use std::slice;

use keyward_core::{EntryId, Record};
use keyward_kinds::{Kinds, Totp, fields};

use super::Run;
use crate::arguments::StoreAndEntry;
use crate::clipboard::ClipArguments;
use crate::output::{escape_if_terminal, print, print_secret};
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error};

/// Print a value of a record, or check that the entry exists
#[derive(clap::Parser)]
#[command(after_help = "Without an option, it only checks.

Example:
  keyward get work -p
  keyward get work --clip
  keyward get work --name deploy --field region
  keyward get work && echo there")]
pub(super) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    /// Print the username
    #[arg(short = 'n', long)]
    username: bool,
    /// Print the password, or the main secret of another kind
    #[arg(short, long)]
    password: bool,
    /// Print this field
    #[arg(long, value_name = "NAME", conflicts_with_all = ["username", "password"])]
    field: Option<String>,
    /// Print the current code of a `totp` record
    #[arg(long, conflicts_with_all = ["username", "password", "field", "json"])]
    code: bool,
    /// Print the bytes of the password, or of the value that another option names, without a newline
    #[arg(long)]
    raw: bool,
    /// Print JSON with the fields that are not secret; with -n or -p, only with these two, as
    /// `username` and `password`
    #[arg(long, conflicts_with = "field")]
    json: bool,
    /// Show secret fields in the JSON
    #[arg(long, requires = "json", conflicts_with_all = ["username", "password"])]
    reveal: bool,
    /// Accept a record that has expired
    #[arg(long)]
    expired: bool,
    #[command(flatten)]
    clip: ClipArguments,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        if self.raw && self.username && self.password {
            return Err(usage_error("--raw prints one value: leave out -n or -p"));
        }
        let destination = self.clip.destination(session)?;
        let clips = destination.is_clipboard();
        if clips && (self.json || self.username && self.password) {
            return Err(usage_error("--clip takes one value: leave out --json, -n or -p"));
        }
        let keyward = destination.session(session).keyward()?;
        let (store, id, record) = self.entry.read(&keyward)?;
        let record = if self.expired { record } else { store.current(&id, record)? };
        let kinds = keyward.config().kinds_with(&record.kind);
        if kinds.is_expired(&record, store.now()) && !self.expired {
            return Err(expired());
        }
        let has_option = self.json || self.code || self.field.is_some() || self.username;
        if !has_option && !self.password && !self.raw && !clips {
            return Ok(());
        }
        let names_token = self.field.as_deref().is_none_or(|field| field == fields::ACCESS_TOKEN);
        let record = match !self.json && !self.username && names_token {
            true => keyward.fresh(&store, &id, record)?,
            false => record,
        };
        store.give_out(slice::from_ref(&id))?;
        if self.json {
            return self.print_json(&id, &record, &kinds);
        }
        if self.code {
            let code = Totp::try_from(&record)?.code(store.now())?;
            return destination.put(&code.code, !self.raw);
        }
        if let Some(name) = &self.field {
            return destination.put(kinds.value(&record, Some(name))?, !self.raw);
        }
        if self.username {
            let username = kinds.value(&record, Some(fields::USERNAME))?;
            match username.expose_str() {
                Some(text) if !self.raw && !clips => print(&escape_if_terminal(text))?,
                _ => destination.put(username, !self.raw)?,
            }
        }
        if self.password || (self.raw || clips) && !self.username {
            destination.put(kinds.value(&record, None)?, !self.raw)?;
        }
        Ok(())
    }
}

impl Arguments {
    fn print_json(&self, id: &EntryId, record: &Record, kinds: &Kinds) -> Outcome {
        let mut values = Vec::new();
        if self.username {
            values.push(("username", kinds.value(record, Some(fields::USERNAME))?));
        }
        if self.password {
            values.push(("password", kinds.value(record, None)?));
        }
        let json = if values.is_empty() {
            json::with_fields(id, record, kinds, self.reveal)?
        } else {
            json::with_values(id, record, &values)?
        };
        print_secret(&json, true)
    }
}

/// Returns the error for a record that has expired, which counts as one that does not exist.
fn expired() -> Stop {
    let message = "error: the credential has expired\n  hint: `keyward set` stores a new one, \
                   --expired prints this one";
    Stop::Code(3, message.to_owned())
}
