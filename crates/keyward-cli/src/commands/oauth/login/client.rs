//! The client and its server, as options describe them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyward::Keyward;
use keyward_config::Interaction;
use keyward_core::{MAX_RECORD, Prompt, Record, Secret, printable};
use keyward_kinds::{FieldSpec, Kind, fields, names};

use super::initial::Initial;
use crate::input::standard_input;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// What a record calls the client of the service for developers, which knows no clients.
const DEVELOPER: &str = "developer";

/// The arguments that describe the client and its server.
#[derive(clap::Args)]
pub(super) struct ClientArguments {
    /// Log in again with the client, the scopes and the server of the entry
    #[arg(long)]
    pub(super) again: bool,
    /// The settings of the server: a bundled name such as `github`, or a file oauth/NAME.toml
    #[arg(long, value_name = "NAME", conflicts_with = "again")]
    provider: Option<String>,
    /// Another value for a variable of the provider's settings, such as host=git.example.com
    #[arg(long = "variable", value_name = "NAME=VALUE", requires = "provider")]
    variables: Vec<String>,
    /// The URL of a server that publishes its endpoints
    #[arg(long, value_name = "URL", conflicts_with = "again")]
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
    /// Ask for a secret field of the record, such as developer_token
    #[arg(long = "secret", value_name = "NAME")]
    secrets: Vec<String>,
    /// Read a secret field of the record from a file, such as private_key=key.pem
    #[arg(long = "secret-file", value_name = "NAME=PATH")]
    files: Vec<String>,
}

impl ClientArguments {
    /// Returns the record of the client, with no tokens but those of `initial`.
    pub(super) fn record(
        &self,
        before: Option<Record>,
        initial: Initial,
        is_for_developers: bool,
        (keyward, session): (&Keyward, &Session),
    ) -> Outcome<Record> {
        let kinds = keyward.config().kinds_with(names::OAUTH2);
        let kind = kinds.find(names::OAUTH2)?;
        let labels = before.as_ref().map(|before| before.labels.clone()).unwrap_or_default();
        let mut record = match (&self.provider, before) {
            (_, Some(before)) if self.again => without_tokens(before),
            (Some(provider), _) => keyward.oauth_provider(provider)?.record(&self.variables()?)?,
            (None, _) => Record::new(names::OAUTH2),
        };
        record.labels = labels;
        for (name, value) in initial.values {
            record = with_field(record, kind, name, value)?;
        }
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
                return Err(usage_error(format!(
                    "`{name}` is secret: use --secret {name} or --secret-file {name}=PATH"
                )));
            }
            record = with_field(record, kind, name, value.into())?;
        }
        for (name, value) in self.secrets(session)? {
            record = with_field(record, kind, name, value)?;
        }
        for origin in &self.origins {
            let origin = keyward_origin::parse(origin)?;
            if !record.origins.contains(&origin) {
                record.origins.push(origin);
            }
        }
        let has = |name| record.field(name).is_some();
        if has(fields::CLIENT_ID) {
            return Ok(record);
        }
        if is_for_developers || has(fields::DEVELOPER_TOKEN) {
            return with_field(record, kind, fields::CLIENT_ID, DEVELOPER.into());
        }
        Err(usage_error("name the client: --client-id"))
    }

    /// The files that options name.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let files = self.files.iter().filter_map(|text| Some(Path::new(text.split_once('=')?.1)));
        self.client_secret_file.as_deref().into_iter().chain(files)
    }

    fn variables(&self) -> Outcome<BTreeMap<String, String>> {
        let pairs = self.variables.iter().map(|text| pair("--variable", text));
        pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    }

    /// Reads the secret fields that options name.
    fn secrets(&self, session: &Session) -> Outcome<Vec<(&str, Secret)>> {
        let mut secrets = Vec::new();
        if self.client_secret {
            secrets.push((fields::CLIENT_SECRET, ask(session, fields::CLIENT_SECRET)?));
        }
        if let Some(path) = &self.client_secret_file {
            secrets.push((fields::CLIENT_SECRET, read_file(path)?));
        }
        for text in &self.files {
            let (name, path) = pair("--secret-file", text)?;
            secrets.push((name, read_file(Path::new(path))?));
        }
        for name in &self.secrets {
            secrets.push((name, ask(session, name)?));
        }
        Ok(secrets)
    }
}

/// Asks for a secret field.
pub(super) fn ask(session: &Session, field: &str) -> Outcome<Secret> {
    let question = FieldSpec::secret(field, "").prompt();
    Ok(session.console.prompt(&Prompt::new(&question))?)
}

/// Reads a secret from a file, without the line end; `-` is standard input.
pub(super) fn read_file(path: &Path) -> Outcome<Secret> {
    let opened = match path.as_os_str() == "-" {
        true => standard_input(),
        false => std::fs::File::open(path),
    };
    let read = opened.and_then(|file| Secret::read_from(file, MAX_RECORD));
    let shown = path.display().to_string();
    let mut secret =
        read.map_err(|error| usage_error(format!("{}: {error}", printable(&shown))))?;
    secret.strip_line_end();
    if secret.is_empty() {
        return Err(usage_error(format!("{}: there is nothing in it", printable(&shown))));
    }
    Ok(secret)
}

/// Returns the record without its tokens and what is known about them.
pub(super) fn without_tokens(mut record: Record) -> Record {
    for name in [
        fields::ACCESS_TOKEN,
        fields::REFRESH_TOKEN,
        fields::ID_TOKEN,
        fields::TOKEN_TYPE,
        fields::REFRESH_STATE,
        fields::GRANTED_SCOPE,
        fields::ISSUED_FOR,
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
