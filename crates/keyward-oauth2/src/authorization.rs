use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::Uri;
use keyward_core::{Error, ErrorKind, Record, Result, Secret};
use keyward_kinds::fields;
use percent_encoding::utf8_percent_encode;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::client::{FORM, invalid, parameters, text, url};
use crate::grant::Grant;
use crate::response::describe;
use crate::secrets::Secrets;

/// A request for a user's consent, which a browser shows (RFC 6749 section 4.1, with PKCE, RFC 7636).
///
/// # Examples
/// ```
/// use keyward_core::{Field, Record};
/// use keyward_kinds::{fields, names};
/// use keyward_oauth2::Authorization;
///
/// let record = Record::new(names::OAUTH2)
///     .with(fields::CLIENT_ID, Field::open("cli"))
///     .with(fields::AUTHORIZATION_URL, Field::open("https://as.example/authorize"));
/// let authorization = Authorization::new(&record, "https://app.example/callback")?;
/// assert!(authorization.url().starts_with("https://as.example/authorize?response_type=code&"));
/// // The server sends the browser back, and the application passes on where to.
/// let forged = "https://app.example/callback?code=c&state=guessed";
/// assert!(authorization.grant(forged).is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Authorization {
    url: String,
    redirect_uri: String,
    issuer: Option<String>,
    /// Whether the answer must name the issuer.
    needs_issuer: bool,
    state: Secret,
    verifier: Secret,
    /// What a refusal must not show.
    secrets: Secrets,
}

impl Authorization {
    /// Makes a request for the client, the scopes and the audience of a record. The server will send
    /// the browser to `redirect_uri`, which it must know.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the record lacks the client or the URL.
    pub fn new(record: &Record, redirect_uri: &str) -> Result<Self> {
        let page = url(record, fields::AUTHORIZATION_URL)?;
        let client =
            text(record, fields::CLIENT_ID).ok_or_else(|| invalid("there is no client id"))?;
        let (state, verifier) = (random()?, random()?);
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()));
        let state_text = state.expose_str().unwrap_or_default();
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", redirect_uri),
            ("state", state_text),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        query.extend(text(record, fields::SCOPE).map(|scope| ("scope", scope)));
        let more = parameters(record);
        let more = more.iter().filter_map(|(name, value)| Some((&**name, value.expose_str()?)));
        query.extend(more);
        let url = with_query(&page, &query);
        let secrets = Secrets::from(record).with([&state, &verifier]);
        Ok(Self {
            url,
            redirect_uri: redirect_uri.to_owned(),
            issuer: text(record, fields::ISSUER).map(str::to_owned),
            needs_issuer: text(record, fields::CALLBACK_ISSUER) == Some("required"),
            state,
            verifier,
            secrets,
        })
    }

    /// The URL that the browser must open.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the server sends the browser.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Returns the grant in the URL that the server sent the browser to.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the URL is not an answer to this request: another address,
    /// no state or another one, another issuer or none although this one names itself (RFC 9207), or a parameter twice. The caller should
    /// then wait for the real one. [`Unauthorized`](ErrorKind::Unauthorized) if the user or the
    /// server refused.
    pub fn grant(&self, callback: &str) -> Result<Grant> {
        let (address, query) = callback.split_once('?').unwrap_or((callback, ""));
        let query = query.split('#').next().unwrap_or_default();
        if address != self.redirect_uri {
            return Err(foreign("it is another address"));
        }
        let values = Values::parse(query)?;
        let state = values.get("state").ok_or_else(|| foreign("it has no state"))?;
        if !bool::from(state.as_bytes().ct_eq(self.state.expose())) {
            return Err(foreign("it has another state"));
        }
        if self.needs_issuer && values.get("iss").is_none() {
            return Err(foreign("it does not say from which server it comes"));
        }
        if values.get("iss").is_some_and(|iss| self.issuer.as_deref().is_some_and(|own| own != iss))
        {
            return Err(foreign("it comes from another server"));
        }
        if let Some(code) = values.get("error") {
            let why = describe(code, values.get("error_description"), &self.secrets);
            return Err(Error::new(ErrorKind::Unauthorized, "login").because(why));
        }
        match values.get("code") {
            Some(code) if !code.is_empty() => Ok(Grant::AuthorizationCode {
                code: code.into(),
                redirect_uri: self.redirect_uri.clone(),
                verifier: self.verifier.clone(),
            }),
            _ => Err(foreign("it has no code")),
        }
    }
}

/// The parameters of a query, each of which occurs once.
struct Values(Vec<(String, String)>);

impl Values {
    fn parse(query: &str) -> Result<Self> {
        let mut values = Self(Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name), decoded(value));
            if values.get(&name).is_some() {
                return Err(foreign("it has a parameter twice"));
            }
            values.0.push((name, value));
        }
        Ok(values)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Returns a part of a query as the text that a form wrote into it.
fn decoded(part: &str) -> String {
    let part = part.replace('+', " ");
    percent_encoding::percent_decode_str(&part).decode_utf8_lossy().into_owned()
}

fn with_query(page: &Uri, query: &[(&str, &str)]) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, FORM).to_string();
    let query: Vec<_> =
        query.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let separator = if page.query().is_some() { '&' } else { '?' };
    format!("{page}{separator}{}", query.join("&"))
}

/// Returns 32 random bytes as text that every URL can contain.
fn random() -> Result<Secret> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "login").because(format!("no random numbers: {error}"))
    })?;
    let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    bytes.fill(0);
    Ok(text.into())
}

fn foreign(why: &str) -> Error {
    Error::invalid("login", format!("the URL is not the answer to this login: {why}"))
}
