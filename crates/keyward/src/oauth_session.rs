//! OAuth tokens for applications that send HTTP requests.

mod finding;
mod unwritten;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use keyward_config::now;
use keyward_core::{Error, ErrorKind, Origin, Record, Result, Secret, printable};
use keyward_http::{Http, destination};
use keyward_kinds::fields;
use keyward_oauth2::{Tokens, Validity, Wanted};
use keyward_resolver::Resolver;

use crate::facade::Keyward;
use unwritten::Unwritten;

const NOTHING_HELPS: &str = "Nothing can refresh it: set another one, or log in";
const IS_OFF: &str = "The option `auto_refresh` is off";

/// The OAuth credential of one name, for an application that sends HTTP requests with its token.
///
/// # Contract
/// - The credential is found as the [resolver](Keyward::resolver) finds it, without asking the user,
///   and again for each token, so that a new login is noticed.
/// - If the access token has to be refreshed, one thread of one process asks the OAuth server. All
///   others that use the same store, or the same [`Keyward`] if the credential is in no store, get
///   the token or the error that it got.
/// - Of a credential that is in no store, such as one in the environment, nothing is written: new
///   tokens are kept in memory, as long as the `Keyward`.
/// - A clone shares all that, so a request with other options is sent by a clone.
///
/// # Security
/// A token is sent only to the origins of the record. If the record has none, the application must
/// [say](Self::for_origin) where it may go.
///
/// # Examples
/// ```
/// use http::{Request, Response};
/// use keyward::{Environment, Keyward, Silent};
///
/// # let home = tempfile::tempdir()?;
/// let environment = Environment::new([("HOME", home.path())])
///     .with("KEYWARD_CREDENTIAL_API_TOKEN", "t0ken");
/// // An application: let keyward = Keyward::open()?;
/// let keyward = Keyward::with(environment, Silent)?;
/// let session = keyward.oauth_session("api")?.for_origin("https://api.example")?;
///
/// // Any client that has the types of the crate `http`.
/// let send = |request: Request<&'static str>| -> keyward::Result<Response<String>> {
///     let header = &request.headers()["authorization"];
///     Ok(Response::new(format!("{}", header == "Bearer t0ken")))
/// };
/// let request = Request::get("https://api.example/me").body("")?;
/// assert_eq!(session.send(request, send)?.body(), "true");
///
/// let elsewhere = Request::get("https://elsewhere.example/me").body("")?;
/// assert_eq!(session.send(elsewhere, send).unwrap_err().kind(), keyward::ErrorKind::Refused);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OAuthSession {
    keyward: Keyward,
    name: String,
    resolver: Arc<Resolver>,
    tokens: Tokens,
    /// The values that the caller has passed.
    values: BTreeMap<String, Secret>,
    /// What to use for fields and origins that the record does not have.
    defaults: Record,
    options: OAuthOptions,
    unwritten: Arc<Unwritten>,
}

/// How an [`OAuthSession`] uses tokens. The default is to do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OAuthOptions {
    /// Whether a token is refreshed if it is due, or if a server rejects it. Otherwise a token is
    /// used until it ends.
    pub auto_refresh: bool,
    /// Whether a request that was answered with 401 is sent once more, with another token.
    pub auto_retry: bool,
    /// Whether the store has the access token. Otherwise the session ignores the one in the store,
    /// and keeps its own in memory. A refresh token that the server replaces is stored nevertheless:
    /// the old one may not work any more.
    pub cache_token: bool,
    /// How long before its end a token is refreshed, but at most half of its life. `None` is a tenth
    /// of its life, at most five minutes.
    pub margin: Option<Duration>,
}

impl Default for OAuthOptions {
    fn default() -> Self {
        Self { auto_refresh: true, auto_retry: true, cache_token: true, margin: None }
    }
}

impl Keyward {
    /// Returns an access token of the credential of this name. If it is due, it is refreshed first.
    ///
    /// It is the token of an [`oauth_session`](Self::oauth_session) with the usual options. Do not keep
    /// it: ask again for each use.
    ///
    /// # Errors
    /// As [`OAuthSession::token`].
    ///
    /// # Examples
    /// ```
    /// use keyward::{Environment, Keyward, Silent};
    ///
    /// # let home = tempfile::tempdir()?;
    /// let environment = Environment::new([("HOME", home.path())])
    ///     .with("KEYWARD_CREDENTIAL_API_TOKEN", "t0ken");
    /// // An application: let keyward = Keyward::open()?;
    /// let keyward = Keyward::with(environment, Silent)?;
    /// assert_eq!(keyward.token("api")?.expose(), b"t0ken");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn token(&self, name: &str) -> Result<Secret> {
        self.oauth_session(name)?.token()
    }

    /// Returns what an application sends HTTP requests with that need the token of this name.
    ///
    /// # Errors
    /// Those of the configuration. The credential is looked up when it is needed.
    pub fn oauth_session(&self, name: &str) -> Result<OAuthSession> {
        Ok(OAuthSession {
            keyward: self.clone(),
            name: name.to_owned(),
            resolver: Arc::new(self.silent_resolver()?),
            tokens: self.tokens()?,
            values: BTreeMap::new(),
            defaults: Record::new(""),
            options: OAuthOptions::default(),
            unwritten: Arc::default(),
        })
    }
}

impl OAuthSession {
    /// Returns the same with these options. For one request, call it on a clone.
    #[must_use]
    pub fn with_options(self, options: OAuthOptions) -> Self {
        let tokens = self.tokens.with_margin(options.margin);
        Self { options, tokens, ..self }
    }

    /// Returns the options.
    pub fn options(&self) -> OAuthOptions {
        self.options
    }

    /// Returns the same with the value of a field, such as `access_token` or `client_id`. These
    /// values come before those of every other source, and are complete, as in a
    /// [`Query`](crate::Query). For one request, call it on a clone.
    #[must_use]
    pub fn with_value(mut self, field: &str, value: impl Into<Secret>) -> Self {
        self.values.insert(field.to_owned(), value.into());
        self
    }

    /// Returns the same with this resolver, in which an application can [set](Resolver::set) values of
    /// its session.
    #[must_use]
    pub fn with_resolver(self, resolver: Resolver) -> Self {
        Self { resolver: Arc::new(resolver), ..self }
    }

    /// Returns the same, which asks OAuth servers with this client instead of Keyward's.
    #[must_use]
    pub fn with_http(self, http: Arc<dyn Http>) -> Self {
        let tokens = Tokens::new(http, now).with_margin(self.options.margin);
        Self { tokens, ..self }
    }

    /// Returns the same, which takes the endpoints and origins of a credential that is in no store
    /// from the [settings](Keyward::oauth_provider) of its OAuth server, as far as it does not have
    /// them itself.
    ///
    /// # Errors
    /// As [`Keyward::oauth_provider`].
    pub fn with_provider(mut self, name: &str) -> Result<Self> {
        let settings = self.keyward.oauth_provider(name)?.record(&BTreeMap::new())?;
        self.defaults.fields.extend(settings.fields);
        self.defaults.origins.extend(settings.origins);
        Ok(self)
    }

    /// Returns the same, which also sends the token to the server of this URL, if the record does
    /// not say to which servers it may go.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it is not the URL of a server.
    pub fn for_origin(mut self, url: &str) -> Result<Self> {
        self.defaults.origins.push(keyward_origin::parse(url)?);
        Ok(self)
    }

    /// Returns an access token. It is never empty.
    ///
    /// # Errors
    /// - [`NotFound`](ErrorKind::NotFound) if no source has the credential.
    /// - [`Invalid`](ErrorKind::Invalid) if a source has only a part of it, if it has no tokens, or if
    ///   something is wrongly configured.
    /// - [`Unauthorized`](ErrorKind::Unauthorized) if the token has expired, and cannot be refreshed or
    ///   must not be; or if the server refuses the refresh: then a new login is needed.
    /// - [`Unavailable`](ErrorKind::Unavailable) if the server cannot be asked.
    /// - Those of the store.
    pub fn token(&self) -> Result<Secret> {
        token_of(&self.record(Wanted::Good)?)
    }

    /// Returns another access token than this one, which a server has rejected. The OAuth server is
    /// asked only if this is still the newest one. The options do not matter.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub fn refresh(&self, rejected: &Secret) -> Result<Secret> {
        token_of(&self.record(Wanted::OtherThan(rejected))?)
    }

    /// Whether the access token ended more than `leeway` ago, or there is none. The server is not asked for
    /// another one.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub fn is_expired(&self, leeway: Duration) -> Result<bool> {
        let found = self.find()?;
        Ok(keyward_oauth2::is_expired(&self.current(&found)?, now(), leeway))
    }

    /// Adds the header `Authorization` to a request, for clients that [`send`](Self::send) does not
    /// fit, such as asynchronous ones. Returns the token: if the answer is 401, [`refresh`](Self::refresh)
    /// it, and apply once more to a new copy of the request.
    ///
    /// # Errors
    /// As [`token`](Self::token), and:
    /// - [`Refused`](ErrorKind::Refused) if the token may not be sent to this server.
    /// - [`Invalid`](ErrorKind::Invalid) if the request already has such a header.
    pub fn apply<B>(&self, request: &mut Request<B>) -> Result<Secret> {
        let record = self.record(Wanted::Good)?;
        self.put(&record, request)?;
        token_of(&record)
    }

    /// Sends a request with the token. If the server answers with 401, refreshes the token and sends
    /// the request once more; the second answer is returned, whatever it is. The
    /// [options](OAuthOptions) can change that.
    ///
    /// `send` must not follow a redirect to another server with the same headers.
    ///
    /// # Errors
    /// Those of [`apply`](Self::apply), of a refresh that fails, and of `send`. If nothing can refresh
    /// the token, the answer 401 is returned.
    pub fn send<B: Clone, R, E: From<Error>>(
        &self,
        request: Request<B>,
        mut send: impl FnMut(Request<B>) -> Result<Response<R>, E>,
    ) -> Result<Response<R>, E> {
        let record = self.record(Wanted::Good)?;
        let mut first = request.clone();
        self.put(&record, &mut first)?;
        let response = send(first)?;
        let is_rejected = response.status() == StatusCode::UNAUTHORIZED;
        if !is_rejected || !self.options.auto_refresh || !Tokens::can_renew(&record) {
            return Ok(response);
        }
        let record = self.record(Wanted::OtherThan(&token_of(&record)?))?;
        if !self.options.auto_retry {
            return Ok(response);
        }
        let mut second = request;
        self.put(&record, &mut second)?;
        send(second)
    }

    /// Returns the record with the token that is wanted.
    fn record(&self, wanted: Wanted<'_>) -> Result<Record> {
        let found = self.find()?;
        let record = self.current(&found)?;
        let validity = self.tokens.judge(&record);
        let can_renew = Tokens::can_renew(&record);
        let is_asked = match wanted {
            Wanted::Good => can_renew && self.options.auto_refresh && validity != Validity::Good,
            _ => can_renew,
        };
        if is_asked {
            return self.renewed(&found, wanted);
        }
        match (validity, wanted) {
            (Validity::Expired | Validity::Foreign, _) => Err(self.expired(&record, validity)),
            (_, Wanted::OtherThan(rejected)) if token_of(&record)? == *rejected => {
                let why = format!("the token of `{}` was rejected", printable(&self.name));
                Err(Error::new(ErrorKind::Unauthorized, "token").because(why).hint(NOTHING_HELPS))
            }
            _ => Ok(record),
        }
    }

    /// Returns the error for a record whose token cannot be used, and is not refreshed.
    fn expired(&self, record: &Record, validity: Validity) -> Error {
        let name = printable(&self.name);
        let has_token = token_of(record).is_ok();
        let can_renew = Tokens::can_renew(record);
        if !has_token && !can_renew {
            let why = format!("`{name}` has no access token, and nothing to get one with");
            return Error::invalid("token", why)
                .hint("It needs `access_token`, `refresh_token`, or another grant");
        }
        let why = match has_token {
            true if validity == Validity::Foreign => {
                format!("the access token of `{name}` is for something else than it now asks for")
            }
            true => format!("the access token of `{name}` has expired"),
            false => format!("`{name}` has no access token yet"),
        };
        let advice = if can_renew { IS_OFF } else { NOTHING_HELPS };
        Error::new(ErrorKind::Unauthorized, "token").because(why).hint(advice)
    }

    fn put<B>(&self, record: &Record, request: &mut Request<B>) -> Result<()> {
        self.check(record, &destination(request.uri(), true)?)?;
        if request.headers().contains_key(AUTHORIZATION) {
            return Err(Error::invalid(
                "token",
                "the request has a header `Authorization` already",
            ));
        }
        request.headers_mut().insert(AUTHORIZATION, keyward_oauth2::authorization(record)?);
        Ok(())
    }

    /// Checks that a token may be sent to a server.
    fn check(&self, record: &Record, origin: &Origin) -> Result<()> {
        let allowed = match record.origins.is_empty() {
            true => &self.defaults.origins,
            false => &record.origins,
        };
        if allowed.contains(origin) {
            return Ok(());
        }
        let name = printable(&self.name);
        let advice = match record.origins.is_empty() {
            true => format!("The application allows it with for_origin(\"{origin}\")"),
            false => format!(
                "Allow it: `keyward oauth login STORE --name {name} --again --origin {origin}`"
            ),
        };
        Err(Error::new(ErrorKind::Refused, "token")
            .because(format!("the token of `{name}` may not be sent to {origin}"))
            .hint(advice))
    }
}

fn token_of(record: &Record) -> Result<Secret> {
    let token = record.field(fields::ACCESS_TOKEN).map(|field| &field.value);
    token.filter(|token| !token.is_empty()).cloned().ok_or_else(|| {
        Error::new(ErrorKind::Unauthorized, "token").because("there is no access token")
    })
}
