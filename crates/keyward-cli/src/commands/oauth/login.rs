mod client;
mod initial;
mod qr;
mod way;

use std::path::PathBuf;

use keyward::OpenStore;
use keyward_accounts::Accounts;
use keyward_core::{Change, EntryId, Error, ErrorKind, Field, Record};
use keyward_kinds::{fields, names};
use keyward_oauth2::Tokens;
use keyward_origin::Location;
use keyward_resolver::pancloud::entry_name;

use super::{ends, say_clock};
use crate::arguments::StoreAndEntry;
use crate::output::print;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};
use client::ClientArguments;
use initial::Initial;
use way::Way;

#[derive(clap::Args)]
#[command(after_help = "Without --device and the like, a browser asks you.

Example:
  keyward oauth login work --name github --provider github --client-id ID --device
  keyward oauth login work --name api --issuer https://login.example --client-id ID
  keyward oauth login work --name job --token-url https://login.example/token \\
    --client-id ID --client-secret --client-credentials
  keyward oauth login work --name robot --token-url https://login.example/token \\
    --client-id ID --secret-file private_key=key.pem --jwt-bearer
  keyward oauth login work --provider pancloud --from-json cred-init.json
  keyward oauth login work --name github --again")]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    #[command(flatten)]
    client: ClientArguments,
    #[command(flatten)]
    way: Way,
    /// Store a login that exists already: an object with client_id, client_secret, refresh_token and
    /// the like, as pancloud's credentials_generate takes it; `-` is standard input
    #[arg(long, value_name = "F", conflicts_with_all = ["way", "again"])]
    from_json: Option<PathBuf>,
    /// Let --from-json replace the tokens of an entry that has some
    #[arg(long, requires = "from_json")]
    force: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Outcome {
        self.check_inputs()?;
        let keyward = session.keyward()?;
        let initial = match &self.from_json {
            Some(path) => Initial::parse(&client::read_file(path)?, path)?,
            None => Initial::default(),
        };
        let profile = initial.profile.as_deref().map(entry_name);
        let (store, id) = self.entry.open_or(&keyward, profile.as_deref())?;
        store.check_not_deleting()?;
        let tokens = keyward.tokens()?;
        let before = self.before(&store, &id)?;
        let location = named_location(&id)?;
        let is_for_developers = self.way.is_for_developers();
        let record =
            self.client.record(before.clone(), initial, is_for_developers, (&keyward, session))?;
        let record = location.iter().fold(record, for_location);
        let record = with_endpoints(&tokens, record)?;
        if self.from_json.is_some() {
            self.check_stored(before.as_ref(), &record)?;
            put(&store, &id, before.as_ref(), &record)?;
            list_account(&store, &id, location.as_ref())?;
            return print("Stored. The tokens are refreshed when they are used.");
        }
        let record = self.way.noted(record, self.client.again, session)?;
        let grant = self.way.grant(&record, session)?;
        if grant.is_none() {
            way::check_may_ask(session)?;
        }
        // The user should not go through a login whose result cannot be stored. An older login stays
        // as it is until the new one is there.
        let kept = before.as_ref().unwrap_or(&record);
        check_writable(&store, &id, before.as_ref(), kept)?;
        let logged_in = match &grant {
            Some(grant) => tokens.request(record.clone(), grant),
            None => self.way.ask_user(&tokens, record.clone()),
        };
        say_clock(&tokens);
        let logged_in = logged_in.and_then(|logged_in| {
            put(&store, &id, Some(kept), &logged_in)
                .inspect_err(|_| take_back(&tokens, &store, &id, &logged_in))?;
            list_account(&store, &id, location.as_ref())?;
            Ok(logged_in)
        });
        match logged_in {
            Ok(logged_in) => print(&format!("Logged in. {}", ends(&logged_in, store.now()))),
            Err(error) => {
                if before.is_none() {
                    remove(&store, &id, &record)?;
                }
                Err(error.into())
            }
        }
    }

    /// Checks that one option at most reads standard input.
    fn check_inputs(&self) -> Outcome {
        let paths = self.client.paths().chain(self.way.paths()).chain(self.from_json.as_deref());
        match paths.filter(|path| path.as_os_str() == "-").count() {
            0 | 1 => Ok(()),
            _ => Err(usage_error("only one option can read standard input")),
        }
    }

    /// Checks that a login that exists already is one, and replaces none by mistake.
    fn check_stored(&self, before: Option<&Record>, record: &Record) -> Outcome {
        let has_token = |record: &Record| {
            [fields::ACCESS_TOKEN, fields::REFRESH_TOKEN, fields::DEVELOPER_TOKEN]
                .iter()
                .any(|name| record.field(name).is_some())
        };
        if !has_token(record) && !Tokens::can_renew(record) {
            return Err(Error::invalid("usage", "the input contains no token")
                .hint("Give it a refresh_token, or log in without --from-json")
                .into());
        }
        if before.is_some_and(has_token) && !self.force {
            return Err(Error::new(ErrorKind::Exists, "login")
                .because("the entry has tokens already")
                .hint("Use --force to replace them")
                .into());
        }
        Ok(())
    }

    /// Returns the record that the entry has, if it has one that this login may replace.
    fn before(&self, store: &OpenStore, id: &EntryId) -> Outcome<Option<Record>> {
        match store.get(id) {
            Ok(record) if record.kind != names::OAUTH2 => {
                let why = format!("the entry contains a record of kind `{}`", record.kind);
                Err(Error::new(ErrorKind::Exists, "login").because(why).into())
            }
            Ok(record) => Ok(Some(record)),
            Err(error) if error.is_miss() && self.client.again => {
                Err(usage_error("the entry does not exist, so --again has nothing to start from"))
            }
            Err(error) if error.is_miss() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Writes what the entry contains, or else `first`, to see whether that is possible.
fn check_writable(
    store: &OpenStore,
    id: &EntryId,
    before: Option<&Record>,
    first: &Record,
) -> keyward_core::Result<()> {
    store.update(id, |now| {
        check_same_login(now.as_ref(), before)?;
        let new = || first.clone().with_created(store.now()).with_updated(store.now());
        Ok(Change::Put(Box::new(now.unwrap_or_else(new))))
    })
}

/// Tells the server to forget tokens that cannot be stored, except those that the entry has too. What
/// the server says changes nothing.
fn take_back(tokens: &Tokens, store: &OpenStore, id: &EntryId, issued: &Record) {
    let stored = store.get(id).ok();
    for field in [fields::REFRESH_TOKEN, fields::ACCESS_TOKEN] {
        let value = |record: &Record| record.field(field).map(|field| field.value.clone());
        if stored.as_ref().and_then(value) != value(issued) {
            drop(tokens.revoke(issued, field));
        }
    }
}

/// Adds the endpoints that the server publishes, unless the record says where tokens come from.
fn with_endpoints(tokens: &Tokens, record: Record) -> Outcome<Record> {
    let has = |name| record.field(name).is_some();
    if has(fields::TOKEN_URL) || has(fields::DEVELOPER_TOKEN_URL) {
        return Ok(record);
    }
    if has(fields::ISSUER) {
        return Ok(tokens.discover(record)?);
    }
    Err(usage_error("name the server: --provider, --issuer or --token-url"))
}

/// Writes a record, unless someone else has changed the entry.
fn put(
    store: &OpenStore,
    id: &EntryId,
    before: Option<&Record>,
    record: &Record,
) -> keyward_core::Result<()> {
    store.update(id, |now| {
        check_same_login(now.as_ref(), before)?;
        let created = now.map_or(store.now(), |now| now.created);
        let record = record.clone().with_created(created).with_updated(store.now());
        Ok(Change::Put(Box::new(record)))
    })
}

/// Checks that two records differ in their tokens at most: a refresh meanwhile does not count, because
/// the tokens of a new login are better.
fn check_same_login(one: Option<&Record>, other: Option<&Record>) -> keyward_core::Result<()> {
    let client = |record: Option<&Record>| record.cloned().map(client::without_tokens);
    if is_same(client(one).as_ref(), client(other).as_ref()) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, "login")
        .because("someone else has changed the entry meanwhile"))
}

/// Removes what was written before a login that failed.
fn remove(store: &OpenStore, id: &EntryId, written: &Record) -> keyward_core::Result<()> {
    store.update(id, |now| {
        let is_ours = is_same(now.as_ref(), Some(written));
        Ok(if is_ours { Change::Remove } else { Change::Leave })
    })
}

/// Returns the location that the entry is called after, if its name is a URL: the login is then for
/// helpers such as git's, which find it by that name.
fn named_location(id: &EntryId) -> Outcome<Option<Location>> {
    let name = id.name_or_empty();
    if !name.starts_with("http://") && !name.starts_with("https://") {
        return Ok(None);
    }
    let location = Location::parse(name)?;
    match location.to_string() {
        text if text == name => Ok(Some(location)),
        text => Err(usage_error(format!("git would not find this entry: call it {text}"))),
    }
}

/// Returns the record as one for this location and its account.
fn for_location(mut record: Record, location: &Location) -> Record {
    if !record.origins.contains(location.origin()) {
        record.origins.push(location.origin().clone());
    }
    match location.account() {
        Some(account) => record.with(fields::USERNAME, Field::open(account)),
        None => record,
    }
}

/// Lists the account, so that helpers find it without its name too.
fn list_account(
    store: &OpenStore,
    id: &EntryId,
    location: Option<&Location>,
) -> keyward_core::Result<()> {
    match location.filter(|location| location.account().is_some()) {
        Some(location) => {
            Accounts::new(&**store, id.user()).enlist(location, names::OAUTH2, store.now())
        }
        None => Ok(()),
    }
}

/// Whether two records are the same but for their times.
fn is_same(one: Option<&Record>, other: Option<&Record>) -> bool {
    one.map(|record| (&record.kind, &record.fields, &record.origins, &record.labels))
        == other.map(|record| (&record.kind, &record.fields, &record.origins, &record.labels))
}
