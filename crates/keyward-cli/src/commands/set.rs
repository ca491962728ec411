mod changes;
mod input;

use keyward::{Credentials, OpenStore};
use keyward_accounts::Accounts;
use keyward_core::{EntryId, Error, Result, Secret, Timestamp};
use keyward_kinds::{Changes, Kind, fields, names};
use keyward_origin::Location;

use super::Run;
use crate::arguments::StoreAndEntry;
use crate::candidates;
use crate::input::standard_input;
use crate::password::PasswordSource;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};
use changes::ChangeArguments;
pub(super) use input::Input;

/// Store a username and a password, or another kind of credential
#[derive(clap::Parser)]
#[command(
    after_help = "Options such as --stdin give the main secret of the kind. `keyward kind list` shows the kinds.
What is not named stays as it is, but another main secret loses the expiry of the old one.

Example:
  keyward set work ann
  printf s3cret | keyward set work ann --stdin
  keyward set work ann --generate
  keyward set git ann --origin https://example.com
  keyward set work --name ci --kind token --expires 90d --label team=web
  keyward set work --name data --kind token --bind https://data.example.org
  keyward set work --name deploy --kind aws --field access_key_id=AKIAEXAMPLE
  keyward get work --name ci --json --reveal | keyward set other --json"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    /// The username, for kinds that have one
    username: Option<String>,
    /// Store an account of this origin, such as https://example.com, for helpers to use
    #[arg(long, value_name = "URL", conflicts_with = "name")]
    origin: Option<String>,
    /// The kind of the credential [default: `user-password` with a USERNAME, else that of the entry]
    #[arg(long, value_name = "KIND", conflicts_with = "origin", add = candidates::kinds())]
    kind: Option<String>,
    /// Read an object from standard input, as `get --json --reveal` prints it; options add to it
    #[arg(long, conflicts_with_all = ["origin", "stdin"])]
    json: bool,
    /// Make the record from that of --from, with this exchange, and again when that is needed
    #[arg(long, value_name = "EXCHANGE", requires = "from", conflicts_with_all = ["username", "origin", "kind", "json"])]
    derive: Option<String>,
    /// The name of the entry from which --derive makes the record
    #[arg(long, value_name = "N", requires = "derive")]
    from: Option<String>,
    #[command(flatten)]
    changes: ChangeArguments,
    #[command(flatten)]
    password: PasswordSource,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        if let Some(origin) = &self.origin {
            return set_account(session, &self, origin);
        }
        let keyward = session.keyward()?;
        let (store, id) = self.entry.open_with(&keyward)?;
        if let Some(exchange) = &self.derive {
            if !self.changes.is_empty() || self.password.is_given() {
                return Err(usage_error(
                    "--derive makes the whole record: leave out the other options",
                ));
            }
            let source = store.entry(Some(id.user()), self.from.as_deref())?;
            return Ok(store.derive(&id, &source, exchange)?);
        }
        let input = self.read_input()?;
        let kind = input.as_ref().and_then(|input| input.kind.as_deref());
        let name = self.kind_name(kind, &store, &id)?;
        let kinds = keyward.config().kinds_with(&name);
        let kind = kinds.find(&name)?;
        let given = given(input, kind, store.now())?;
        let mut changes = self.changes.read(given, kind, session, store.now())?;
        if let Some(username) = &self.username {
            if kind.spec(fields::USERNAME).is_none() {
                return Err(usage_error(format!("the kind `{}` has no username", kind.name)));
            }
            changes = changes.with_field(fields::USERNAME, username.as_str());
        }
        let missing = changes::missing(kind, &changes);
        if !missing.is_empty() && !self.password.is_given() && !store.contains(&id)? {
            changes = changes::ask_for(&missing, changes, session)?;
        }
        if let Some(main) = kind.main.as_deref()
            && self.needs_main(main, kind, &changes, &store, &id)?
        {
            let secret = self.password.read(&session.console, kind.main_spec())?;
            changes = changes.with_field(main, secret);
        }
        Ok(store.change(&id, kind, &changes)?)
    }
}

impl Arguments {
    /// Reads the object of `--json`.
    fn read_input(&self) -> Outcome<Option<Input>> {
        if !self.json {
            return Ok(None);
        }
        let from =
            standard_input().map_err(|error| usage_error(format!("standard input: {error}")))?;
        let input = Input::read("standard input", from)?;
        match (&self.kind, &input.kind) {
            (Some(option), Some(kind)) if option != kind => {
                Err(usage_error("--kind and the JSON name two kinds"))
            }
            _ => Ok(Some(input)),
        }
    }

    /// Returns the kind that is meant: the one that is named, here or in the JSON, else that of a
    /// username and a password, else that of the entry.
    fn kind_name(&self, in_json: Option<&str>, store: &OpenStore, id: &EntryId) -> Outcome<String> {
        match (self.kind.as_deref().or(in_json), &self.username) {
            (Some(name), _) => Ok(name.to_owned()),
            (None, Some(_)) => Ok(names::USER_PASSWORD.to_owned()),
            (None, None) => match store.get(id) {
                Ok(record) => Ok(record.kind),
                Err(error) if error.is_miss() => {
                    Err(usage_error("a new entry needs a USERNAME, or --kind"))
                }
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Whether the main secret has to be read: if an option says from where, if nothing else is
    /// changed, or if the entry is new. A new entry of a kind that does not require it can do with
    /// another secret.
    fn needs_main(
        &self,
        main: &str,
        kind: &Kind,
        changes: &Changes,
        store: &OpenStore,
        id: &EntryId,
    ) -> Result<bool> {
        if changes.fields.contains_key(main) {
            return Ok(false);
        }
        let only_username = self.changes.is_empty() && !self.json;
        if self.password.is_given() || only_username {
            return Ok(true);
        }
        let is_secret = |name: &String| kind.spec(name).is_some_and(|spec| spec.secret);
        let is_required = kind.main_spec().is_none_or(|spec| spec.required);
        if !is_required && changes.fields.keys().any(is_secret) {
            return Ok(false);
        }
        Ok(changes.replaces || !store.contains(id)?)
    }
}

/// Returns the changes that the object of `--json` names.
pub(super) fn given(input: Option<Input>, kind: &Kind, now: Timestamp) -> Outcome<Changes> {
    let Some(input) = input else { return Ok(Changes::default()) };
    let expires = input.expires.as_deref().map(|text| changes::expiry(text, now)).transpose()?;
    let mut changes = input.changes(kind)?;
    changes.expires = expires;
    Ok(changes)
}

fn set_account(session: &Session, arguments: &Arguments, origin: &str) -> Outcome {
    let Some(username) = arguments.username.as_deref() else {
        return Err(usage_error("--origin needs a USERNAME"));
    };
    let location = Location::new(keyward_origin::parse(origin)?, Some(username), None)?;
    let (store, user) = arguments.entry.owner.open(session)?;
    store.check_not_deleting()?;
    let password = arguments.password.read(&session.console, None)?;
    check_no_carriage_return(&password)?;
    let credentials = Credentials::new(username, password);
    Accounts::new(&*store, &user).keep(&location, store.now(), &|old| credentials.write(old))?;
    Ok(())
}

/// Refuses a password that ends with a carriage return. A line that ends with CR LF leaves one
/// after the shell has removed the LF, and git's protocol cannot carry it: git would fail each time
/// it asks for the password.
fn check_no_carriage_return(password: &Secret) -> Result<()> {
    if !password.expose().ends_with(b"\r") {
        return Ok(());
    }
    Err(Error::invalid("usage", "the password ends with a carriage return").hint(
        "Git's protocol cannot carry that; to store the password nevertheless, omit --origin",
    ))
}
