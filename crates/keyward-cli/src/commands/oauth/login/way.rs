//! The ways in which a server can be asked for tokens.

use std::path::{Path, PathBuf};
use std::thread;

use keyward_core::{Error, ErrorKind, Field, Record};
use keyward_kinds::fields;
use keyward_oauth2::{Authorization, Callback, Grant, Tokens};

use super::super::browser;
use super::client::{ask, read_file};
use super::qr;
use crate::output::{escaped, print_message};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// How the server is asked for tokens.
#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Way {
    /// Show a code, which you type into a browser on any machine
    #[arg(long, group = "way")]
    device: bool,
    /// Ask for the address of the browser's last page, for a browser on another machine
    #[arg(long, group = "way")]
    manual: bool,
    /// Log in as the client itself, without a user
    #[arg(long, group = "way")]
    client_credentials: bool,
    /// Log in with an assertion that the field `private_key` signs (RFC 7523)
    #[arg(long, group = "way")]
    jwt_bearer: bool,
    /// Log in with the assertion in this file; it is used once and not stored
    #[arg(long, value_name = "F", group = "way")]
    assertion_file: Option<PathBuf>,
    /// Exchange the field `subject_token` for the tokens (RFC 8693)
    #[arg(long, group = "way")]
    token_exchange: bool,
    /// Log in with the field `developer_token`, as pancloud does
    #[arg(long, group = "way")]
    developer_token: bool,
    /// Send your password to the server; only for servers that know nothing better
    #[arg(long, group = "way", requires = "username")]
    password_grant: bool,
    /// Read the password from this file; `-` is standard input
    #[arg(long, value_name = "F", requires = "password_grant")]
    password_file: Option<PathBuf>,
    /// Where the server sends the browser; without a port, any free one is used
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1/callback")]
    redirect_uri: String,
    /// Do not open a browser
    #[arg(long)]
    no_browser: bool,
}

impl Way {
    /// The files that options name.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        [&self.assertion_file, &self.password_file].into_iter().filter_map(Option::as_deref)
    }

    /// Whether tokens come from the service for developers, which is no OAuth server.
    pub(super) fn is_for_developers(&self) -> bool {
        self.developer_token
    }

    /// Returns the record with what a later refresh must know. A token that this way needs and the
    /// record lacks is asked for.
    pub(super) fn noted(
        &self,
        mut record: Record,
        again: bool,
        session: &Session,
    ) -> Outcome<Record> {
        let (grant, token) = match self {
            Self { client_credentials: true, .. } => ("client_credentials", None),
            Self { jwt_bearer: true, .. } => ("jwt_bearer", None),
            Self { token_exchange: true, .. } => ("token_exchange", Some(fields::SUBJECT_TOKEN)),
            Self { developer_token: true, .. } => {
                ("developer_token", Some(fields::DEVELOPER_TOKEN))
            }
            way if again && !way.is_other() => return Ok(record),
            _ => {
                record.fields.remove(fields::GRANT);
                return Ok(record);
            }
        };
        if let Some(token) = token.filter(|name| record.field(name).is_none()) {
            let value = ask(session, token)?;
            record = record.with(token, Field::secret(value));
        }
        Ok(record.with(fields::GRANT, Field::open(grant)))
    }

    /// Whether the options name a way that a record does not note.
    fn is_other(&self) -> bool {
        self.device || self.manual || self.password_grant || self.assertion_file.is_some()
    }

    /// Returns the grant of a login without a user who agrees.
    pub(super) fn grant(&self, record: &Record, session: &Session) -> Outcome<Option<Grant>> {
        if let Some(path) = &self.assertion_file {
            return Ok(Some(Grant::JwtBearer(Some(read_file(path)?))));
        }
        if !self.password_grant {
            return Ok(Grant::renewing(record).filter(|_| !self.is_other()));
        }
        print_message(
            "warning: Keyward sends your password to the server. Where the server knows another way, use it.",
        );
        let username = record.field(fields::USERNAME).and_then(|user| user.value.expose_str());
        let username = username.ok_or_else(|| usage_error("name yourself: --username"))?.to_owned();
        let password = match &self.password_file {
            Some(path) => read_file(path)?,
            None => ask(session, fields::PASSWORD)?,
        };
        Ok(Some(Grant::Password { username, password }))
    }

    /// Returns the record with tokens, which a user has agreed to.
    pub(super) fn ask_user(&self, tokens: &Tokens, record: Record) -> keyward_core::Result<Record> {
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

/// Refuses a login that would wait for a user who must not be asked.
pub(super) fn check_may_ask(session: &Session) -> Outcome {
    let Some(forbids) = session.console.forbidden_by else { return Ok(()) };
    let why = format!("you have to agree to the login, but {forbids} forbids to ask");
    Err(Error::new(ErrorKind::Locked, "login").because(why).into())
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
    print_message(&asks_for(&record));
    print_message(&format!("Open {}", escaped(&device.verification_uri)));
    print_message(&format!("and type {}", escaped(&device.user_code)));
    qr::show(device.verification_uri_complete.as_ref().unwrap_or(&device.verification_uri));
    print_message("Type only a code that you have asked for yourself.");
    tokens.await_device(record, &device, thread::sleep)
}

/// Returns a line that says which client asks for what. A user may have been sent the code of a login
/// that is not theirs (RFC 8628 section 5.4).
fn asks_for(record: &Record) -> String {
    let text = |name| record.field(name).and_then(|field| field.value.expose_str());
    let client = escaped(text(fields::CLIENT_ID).unwrap_or_default());
    match text(fields::SCOPE).filter(|scope| !scope.is_empty()) {
        Some(scope) => format!("The client {client} asks for the scopes {}.", escaped(scope)),
        None => format!("The client {client} asks for the server's default scopes."),
    }
}
