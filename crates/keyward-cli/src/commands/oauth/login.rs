use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;

use keyward::{Keyward, OpenStore};
use keyward_accounts::Accounts;
use keyward_config::Interaction;
use keyward_core::{Change, EntryId, Error, ErrorKind, Field, MAX_RECORD, Prompt, Record, Secret};
use keyward_kinds::{Kind, fields, names};
use keyward_oauth2::{Authorization, Callback, Grant, Tokens};
use keyward_origin::Location;

use super::{browser, ends};
use crate::arguments::StoreAndEntry;
use crate::input::standard_input;
use crate::output::{escaped, print, print_message};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

#[derive(clap::Args)]
#[command(after_help = "Without --device and the like, a browser asks you.

Example:
  keyward oauth login work --name github --provider github --client-id ID --device
  keyward oauth login work --name api --issuer https://login.example --client-id ID
  keyward oauth login work --name job --token-url https://login.example/token \\
    --client-id ID --client-secret --client-credentials
  keyward oauth login work --name github --again")]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    #[command(flatten)]
    client: ClientArguments,
    #[command(flatten)]
    way: Way,
}

/// The arguments that describe the client and its server.
#[derive(clap::Args)]
struct ClientArguments {
    /// Log in again with the client, the scopes and the server of the entry
    #[arg(long)]
    again: bool,
    /// The settings of the server: a bundled name such as `github`, or a file oauth/NAME.toml
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Another value for a variable of the provider's settings, such as host=git.example.com
    #[arg(long = "variable", value_name = "NAME=VALUE", requires = "provider")]
    variables: Vec<String>,
    /// The URL of a server that publishes its endpoints
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The URL that issues tokens
    #[arg(long, value_name = "URL")]
    token_url: Option<String>,
    /// The URL of the page that asks you
    #[arg(long, value_name = "URL")]
    authorization_url: Option<String>,
    /// The name of the client, as the server knows it
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Ask for the secret of the client
    #[arg(long, conflicts_with = "client_secret_file")]
    client_secret: bool,
    /// Read the secret of the client from this file; `-` is standard input
    #[arg(long, value_name = "F")]
    client_secret_file: Option<PathBuf>,
    /// A scope to ask for; repeat it for more
    #[arg(long = "scope", value_name = "S")]
    scopes: Vec<String>,
    /// The service that should accept the token
    #[arg(long, value_name = "A")]
    audience: Option<String>,
    /// The URI of the service that should accept the token (RFC 8707)
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// The account that the token is for, as helpers name it
    #[arg(long, value_name = "U")]
    username: Option<String>,
    /// A server to which the token may be sent, besides those of the provider
    #[arg(long = "origin", value_name = "URL")]
    origins: Vec<String>,
    /// Set another field of the record, such as client_authentication=post
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
}

/// How the user agrees.
#[derive(clap::Args)]
struct Way {
    /// Show a code, which you type into a browser on any machine
    #[arg(long, conflicts_with_all = ["manual", "client_credentials"])]
    device: bool,
    /// Ask for the address of the browser's last page, for a browser on another machine
    #[arg(long, conflicts_with = "client_credentials")]
    manual: bool,
    /// Log in as the client itself, without a user
    #[arg(long)]
    client_credentials: bool,
    /// Where the server sends the browser; without a port, any free one is used
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1/callback")]
    redirect_uri: String,
    /// Do not open a browser
    #[arg(long)]
    no_browser: bool,
}

impl Arguments {
    pub(super) fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let (store, id) = self.entry.open_with(&keyward)?;
        store.check_not_deleting()?;
        let tokens = keyward.tokens()?;
        let before = self.before(&store, &id)?;
        let location = named_location(&id)?;
        let record = self.client.record(before.clone(), &keyward, session)?;
        let record = location.iter().fold(record, for_location);
        let record = self.way.noted(tokens_discovered(&tokens, record)?, self.client.again);
        self.way.check_may_ask(&record, session)?;
        // The user should not go through a login whose result cannot be stored. An older login stays
        // as it is until the new one is there.
        let kept = before.as_ref().unwrap_or(&record);
        put(&store, &id, before.as_ref(), kept)?;
        let logged_in = self.way.log_in(&tokens, record.clone()).and_then(|logged_in| {
            put(&store, &id, Some(kept), &logged_in)?;
            list_account(&store, &id, location.as_ref())?;
            Ok(logged_in)
        });
        match logged_in {
            Ok(logged_in) => print(&format!("Logged in. {}", ends(&logged_in))),
            Err(error) => {
                if before.is_none() {
                    remove(&store, &id, &record)?;
                }
                Err(error.into())
            }
        }
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

/// Adds the endpoints that the server publishes, unless the record says where tokens come from.
fn tokens_discovered(tokens: &Tokens, record: Record) -> Outcome<Record> {
    match (record.field(fields::TOKEN_URL), record.field(fields::ISSUER)) {
        (None, Some(_)) => Ok(tokens.discover(record)?),
        (None, None) => Err(usage_error("name the server: --provider, --issuer or --token-url")),
        (Some(_), _) => Ok(record),
    }
}

impl ClientArguments {
    /// Returns the record of the client, without tokens.
    fn record(
        &self,
        before: Option<Record>,
        keyward: &Keyward,
        session: &Session,
    ) -> Outcome<Record> {
        let kinds = keyward.config().kinds_with(names::OAUTH2);
        let kind = kinds.find(names::OAUTH2)?;
        let mut record = match (&self.provider, before) {
            (_, Some(before)) if self.again => without_tokens(before),
            (Some(provider), _) => keyward.oauth_provider(provider)?.record(&self.variables()?)?,
            (None, _) => Record::new(names::OAUTH2),
        };
        let scope = Some(self.scopes.join(" ")).filter(|scope| !scope.is_empty());
        for (name, value) in [
            (fields::ISSUER, &self.issuer),
            (fields::TOKEN_URL, &self.token_url),
            (fields::AUTHORIZATION_URL, &self.authorization_url),
            (fields::CLIENT_ID, &self.client_id),
            (fields::SCOPE, &scope),
            (fields::AUDIENCE, &self.audience),
            (fields::RESOURCE, &self.resource),
            (fields::USERNAME, &self.username),
        ] {
            if let Some(value) = value {
                record = with_field(record, kind, name, value.as_str().into())?;
            }
        }
        for text in &self.fields {
            let (name, value) = pair("--field", text)?;
            if kind.spec(name).is_some_and(|spec| spec.secret) {
                return Err(usage_error(format!("`{name}` is secret: set it with `keyward set`")));
            }
            record = with_field(record, kind, name, value.into())?;
        }
        if let Some(secret) = self.secret(session)? {
            record = with_field(record, kind, fields::CLIENT_SECRET, secret)?;
        }
        for origin in &self.origins {
            let origin = keyward_origin::parse(origin)?;
            if !record.origins.contains(&origin) {
                record.origins.push(origin);
            }
        }
        if record.field(fields::CLIENT_ID).is_none() {
            return Err(usage_error("name the client: --client-id"));
        }
        Ok(record)
    }

    fn variables(&self) -> Outcome<BTreeMap<String, String>> {
        let pairs = self.variables.iter().map(|text| pair("--variable", text));
        pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    }

    /// Reads the secret of the client.
    fn secret(&self, session: &Session) -> Outcome<Option<Secret>> {
        if self.client_secret {
            let prompt = Prompt::new("Client secret");
            return Ok(Some(session.console.prompt(&prompt)?));
        }
        let Some(path) = &self.client_secret_file else { return Ok(None) };
        let opened = match path.as_os_str() == "-" {
            true => standard_input(),
            false => std::fs::File::open(path),
        };
        let read = opened.and_then(|file| Secret::read_from(file, MAX_RECORD));
        let mut secret =
            read.map_err(|error| usage_error(format!("{}: {error}", path.display())))?;
        secret.strip_line_end();
        Ok(Some(secret))
    }
}

impl Way {
    /// Returns the record with what a later refresh must know.
    fn noted(&self, mut record: Record, again: bool) -> Record {
        let asks = self.device || self.manual;
        match self.client_credentials || again && !asks && is_client_alone(&record) {
            true => record.with(fields::GRANT, Field::open("client_credentials")),
            false => {
                record.fields.remove(fields::GRANT);
                record
            }
        }
    }

    /// Refuses a login that would wait for a user who must not be asked.
    fn check_may_ask(&self, record: &Record, session: &Session) -> Outcome {
        match session.console.forbidden_by {
            Some(forbids) if !is_client_alone(record) => {
                let why = format!("you have to agree to the login, but {forbids} forbids to ask");
                Err(Error::new(ErrorKind::Locked, "login").because(why).into())
            }
            _ => Ok(()),
        }
    }

    /// Returns the record with tokens.
    fn log_in(&self, tokens: &Tokens, record: Record) -> keyward_core::Result<Record> {
        if is_client_alone(&record) {
            return tokens.request(record, &Grant::ClientCredentials);
        }
        if self.device {
            return by_device(tokens, record);
        }
        let opens = !self.no_browser;
        let grant = if self.manual {
            browser::by_pasting(&Authorization::new(&record, &self.redirect_uri)?, opens)?
        } else {
            let callback = listen(&self.redirect_uri)?;
            let authorization = Authorization::new(&record, &callback.redirect_uri())?;
            browser::by_callback(callback, authorization, opens)?
        };
        tokens.request(record, &grant)
    }
}

/// Whether the client logs in as itself, without a user.
fn is_client_alone(record: &Record) -> bool {
    record.field(fields::GRANT).is_some_and(|grant| grant.value.expose() == b"client_credentials")
}

/// Listens where the server sends the browser.
fn listen(redirect_uri: &str) -> keyward_core::Result<Callback> {
    let elsewhere = || {
        Error::invalid("usage", "the redirect URI does not lead to this machine")
            .hint("Use --manual, or http://127.0.0.1/PATH or http://[::1]/PATH")
    };
    let rest = redirect_uri.strip_prefix("http://").ok_or_else(elsewhere)?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (is_ipv6, port) = match (host.strip_prefix("127.0.0.1"), host.strip_prefix("[::1]")) {
        (Some(port), _) => (false, port),
        (_, Some(port)) => (true, port),
        _ => return Err(elsewhere()),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => 0,
        Some(port) => port.parse().map_err(|_| elsewhere())?,
        None => return Err(elsewhere()),
    };
    Callback::listen(is_ipv6, port, if path.is_empty() { "/" } else { path })
}

fn by_device(tokens: &Tokens, record: Record) -> keyward_core::Result<Record> {
    let device = tokens.device_code(&record)?;
    print_message(&format!("Open {}", escaped(&device.verification_uri)));
    print_message(&format!("and type {}", escaped(&device.user_code)));
    print_message("Type only a code that you have asked for yourself.");
    tokens.await_device(record, &device, thread::sleep)
}

/// Writes a record, unless someone else has changed the entry.
fn put(
    store: &OpenStore,
    id: &EntryId,
    before: Option<&Record>,
    record: &Record,
) -> keyward_core::Result<()> {
    store.update(id, |now| {
        if !is_same(now.as_ref(), before) {
            return Err(Error::new(ErrorKind::Conflict, "login")
                .because("someone else has changed the entry meanwhile"));
        }
        let created = now.map_or(store.now(), |now| now.created);
        let record = record.clone().with_created(created).with_updated(store.now());
        Ok(Change::Put(Box::new(record)))
    })
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

fn without_tokens(mut record: Record) -> Record {
    for name in [
        fields::ACCESS_TOKEN,
        fields::REFRESH_TOKEN,
        fields::ID_TOKEN,
        fields::TOKEN_TYPE,
        fields::REFRESH_STATE,
        fields::GRANTED_SCOPE,
    ] {
        record.fields.remove(name);
    }
    record
}

fn with_field(record: Record, kind: &Kind, name: &str, value: Secret) -> Outcome<Record> {
    Ok(record.with(name, kind.field(name, value)?))
}

fn pair<'a>(option: &str, text: &'a str) -> Outcome<(&'a str, &'a str)> {
    text.split_once('=').ok_or_else(|| usage_error(format!("{option} takes NAME=VALUE")))
}
