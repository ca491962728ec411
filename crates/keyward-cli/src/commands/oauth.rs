mod browser;
mod login;
mod status;

use std::borrow::Cow;
use std::io::IsTerminal;

use keyward::{Keyward, OpenStore};
use keyward_core::{Change, EntryId, Error, ErrorKind, Record, Secret, SecretWriter, Timestamp};
use keyward_kinds::{fields, names};
use keyward_oauth2::{Tokens, Wanted, authorization, scheme};
use serde::Serialize;

use super::Run;
use crate::arguments::StoreAndEntry;
use crate::json::{Text, rfc3339, write_secret};
use crate::output::{escaped, print, print_message, print_secret};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Log in to OAuth servers, and get tokens that are good
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward oauth login work --name github --provider github --client-id ID --device
  keyward oauth token work --name github
  keyward oauth logout work --name github")]
pub(super) enum Command {
    /// Log in, and store the tokens
    Login(Box<login::Arguments>),
    /// Print the access token; refresh it first if that is due
    #[command(after_help = "Example:
  keyward oauth token work --name api
  curl -H @<(keyward oauth token work --name api --header) https://api.example")]
    Token(TokenArguments),
    /// Refresh the access token now
    #[command(after_help = "Example:
  keyward oauth refresh work --name api")]
    Refresh {
        #[command(flatten)]
        entry: StoreAndEntry,
    },
    /// Tell the server to forget the tokens, and keep the client
    #[command(after_help = "Example:
  keyward oauth revoke work --name api")]
    Revoke {
        #[command(flatten)]
        entry: StoreAndEntry,
    },
    /// Tell the server to forget the tokens, and remove the entry
    #[command(after_help = "Example:
  keyward oauth logout work --name api
  keyward oauth logout work --name api --local")]
    Logout {
        #[command(flatten)]
        entry: StoreAndEntry,
        /// Remove the entry without asking the server
        #[arg(long)]
        local: bool,
        /// Do not ask, as if standard input were no terminal
        #[arg(long)]
        yes: bool,
    },
    /// Show whose token it is, its scopes, and when it ends
    Status(status::Arguments),
}

/// The arguments of `oauth token`.
#[derive(clap::Args)]
pub(super) struct TokenArguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    /// Print JSON with the token, its type and its end
    #[arg(long)]
    json: bool,
    /// Print the header of an HTTP request
    #[arg(long, conflicts_with = "json")]
    header: bool,
    /// Print what mail servers take for SASL XOAUTH2; the record must have a username
    #[arg(long, conflicts_with_all = ["json", "header"])]
    xoauth2: bool,
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Login(arguments) => arguments.run(session),
            Self::Token(arguments) => print_token(session, &arguments),
            Self::Refresh { entry } => {
                let (store, _, record) = good(session, &entry, Wanted::New)?;
                print(&format!("Refreshed. {}", ends(&record, store.now())))
            }
            Self::Revoke { entry } => revoke(session, &entry),
            Self::Logout { entry, local, yes } => log_out(session, &entry, local, yes),
            Self::Status(arguments) => arguments.run(session),
        }
    }
}

/// Returns the record of an entry with the token that is wanted.
fn good(
    session: &Session,
    entry: &StoreAndEntry,
    wanted: Wanted<'_>,
) -> Outcome<(OpenStore, EntryId, Record)> {
    let keyward = session.keyward()?;
    let (store, id, record) = read(&keyward, entry)?;
    if matches!(wanted, Wanted::Good) && Tokens::is_good(&record, store.now()) {
        return Ok((store, id, record));
    }
    let tokens = keyward.tokens()?;
    let record = tokens.get(&*store, &id, wanted);
    if matches!(wanted, Wanted::New) {
        say_clock(&tokens);
    }
    Ok((store, id, record?))
}

/// Returns the record of an entry, which must be an OAuth client.
fn read(keyward: &Keyward, entry: &StoreAndEntry) -> Outcome<(OpenStore, EntryId, Record)> {
    let (store, id, record) = entry.read(keyward)?;
    if record.kind != names::OAUTH2 {
        let kind = &record.kind;
        return Err(usage_error(format!("the entry is not an OAuth client, but a `{kind}`")));
    }
    Ok((store, id, record))
}

fn print_token(session: &Session, arguments: &TokenArguments) -> Outcome {
    let (store, id, record) = good(session, &arguments.entry, Wanted::Good)?;
    store.give_out(std::slice::from_ref(&id))?;
    let Some(field) = record.field(fields::ACCESS_TOKEN) else {
        return Err(usage_error("there is no access token: log in with `keyward oauth login`"));
    };
    let token = &field.value;
    if arguments.json {
        let shown = Shown {
            access_token: Text::Plain(token.expose_str().unwrap_or_default()),
            token_type: scheme(&record),
            expires: field.expires.and_then(rfc3339),
            scope: text(&record, fields::GRANTED_SCOPE).or_else(|| text(&record, fields::SCOPE)),
        };
        return print_secret(&write_secret(&shown)?, true);
    }
    if arguments.header {
        let header = authorization(&record)?;
        return print_secret(&joined(&[b"Authorization: ", header.as_bytes()]), true);
    }
    if arguments.xoauth2 {
        let user = text(&record, fields::USERNAME)
            .ok_or_else(|| usage_error("the record has no `username`: set it with --field"))?;
        // What Google and Microsoft document.
        let parts = [b"user=", user.as_bytes(), b"\x01auth=Bearer ", token.expose(), b"\x01\x01"];
        return print_secret(&base64(&joined(&parts)), true);
    }
    print_secret(token, true)
}

/// A token as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    access_token: Text<'a>,
    token_type: Cow<'a, str>,
    expires: Option<String>,
    scope: Option<&'a str>,
}

fn text<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.field(name)?.value.expose_str().filter(|text| !text.is_empty())
}

fn joined(parts: &[&[u8]]) -> Secret {
    use std::io::Write;
    let mut joined = SecretWriter::new();
    parts.iter().for_each(|part| joined.write_all(part).expect("memory can be written"));
    joined.finish()
}

fn base64(secret: &Secret) -> Secret {
    use base64::Engine;
    Secret::from(base64::prelude::BASE64_STANDARD.encode(secret.expose()))
}

/// Says when the access token of a record ends.
fn ends(record: &Record, now: Timestamp) -> String {
    match record.field(fields::ACCESS_TOKEN).and_then(|field| field.expires) {
        Some(expires) if expires <= now => {
            "But the server says that the access token has already ended.".to_owned()
        }
        Some(expires) => {
            let expires = rfc3339(expires).unwrap_or_default();
            format!("The access token is good until {expires}.")
        }
        None => "The server does not say how long the access token is good.".to_owned(),
    }
}

/// Says that the clock of this machine is wrong, if it is by more than a minute.
fn say_clock(tokens: &Tokens) {
    let ahead = tokens.clock_difference();
    let (seconds, word) = (ahead.unsigned_abs(), if ahead > 0 { "behind" } else { "ahead of" });
    if seconds > 60 {
        print_message(&format!(
            "warning: the clock of this machine is {seconds} s {word} the server's"
        ));
    }
}

/// Tells the server to forget the tokens of a record. It tries both.
fn revoke_both(keyward: &Keyward, record: &Record) -> Outcome {
    let tokens = keyward.tokens()?;
    let revoked =
        [fields::REFRESH_TOKEN, fields::ACCESS_TOKEN].map(|field| tokens.revoke(record, field));
    Ok(revoked.into_iter().collect::<Result<(), _>>()?)
}

fn revoke(session: &Session, entry: &StoreAndEntry) -> Outcome {
    let keyward = session.keyward()?;
    let (store, id, record) = read(&keyward, entry)?;
    revoke_both(&keyward, &record)?;
    store.update(&id, |now| {
        let Some(mut now) = now else { return Ok(Change::Leave) };
        check_same_tokens(&now, &record, "revoke")?;
        for field in [fields::REFRESH_TOKEN, fields::ACCESS_TOKEN, fields::ID_TOKEN] {
            now.fields.remove(field);
        }
        Ok(Change::Put(Box::new(now.with_updated(store.now()))))
    })?;
    print("Revoked.")
}

fn log_out(session: &Session, entry: &StoreAndEntry, local: bool, yes: bool) -> Outcome {
    let keyward = session.keyward()?;
    let (store, id, record) = read(&keyward, entry)?;
    if !yes && std::io::stdin().is_terminal() {
        confirm(session, &record)?;
    }
    if !local {
        if record.field(fields::REVOCATION_URL).is_some() {
            revoke_both(&keyward, &record)?;
        } else {
            print_message("warning: the server offers no way to revoke tokens");
        }
    }
    store.update(&id, |now| match now {
        Some(now) => {
            check_same_tokens(&now, &record, "logout")?;
            Ok(Change::Remove)
        }
        None => Ok(Change::Leave),
    })?;
    print("Logged out.")
}

/// Asks whether the login should end. A script has chosen already.
fn confirm(session: &Session, record: &Record) -> Outcome {
    let terminal = session.console.terminal();
    let mut terminal =
        terminal.map_err(|error| error.hint("Use --yes to log out without a question"))?;
    let client = text(record, fields::CLIENT_ID).unwrap_or_default();
    let question = format!("This removes the login of {}.\nLog out? [y/N] ", escaped(client));
    match terminal.agrees(&question)? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Other, "logout").because("nothing was removed").into()),
    }
}

/// Checks that an entry has the tokens that the server was told to forget: others are not touched.
fn check_same_tokens(
    now: &Record,
    forgotten: &Record,
    operation: &'static str,
) -> Result<(), Error> {
    let is_same = |field: &&str| {
        now.field(field).map(|field| &field.value)
            == forgotten.field(field).map(|field| &field.value)
    };
    if [fields::REFRESH_TOKEN, fields::ACCESS_TOKEN].iter().all(is_same) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, operation)
        .because("someone has logged in again or refreshed the token meanwhile"))
}
