use http::Uri;
use keyward_core::{Error, Field, Record, Result, Secret};
use keyward_kinds::fields;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// The bytes that `application/x-www-form-urlencoded` escapes. It also escapes some that need not be.
pub(crate) const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// An OAuth client, and the endpoint that gives it tokens, as a record describes them.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name at the server.
    pub id: String,
    /// Its secret, if it has one.
    pub secret: Option<Secret>,
    /// How it shows the server who it is.
    pub authentication: ClientAuthentication,
    /// The URL that issues tokens.
    pub token_url: Uri,
    /// How its requests are written.
    pub format: RequestFormat,
    /// What every request for tokens contains besides the grant: `audience`, `resource`, and those
    /// that the server needs.
    pub parameters: Vec<(String, Secret)>,
}

/// How a client shows the server who it is (RFC 6749 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// With its secret in the header `Authorization`.
    Basic,
    /// With its secret in the body.
    Post,
    /// With an assertion that its private key signs (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// Not at all: it has no secret.
    None,
}

impl ClientAuthentication {
    /// Reads how the client of a record authenticates. If the record does not say it, what the
    /// client has decides: a secret, or a key that is not for the grant `jwt_bearer`.
    pub(crate) fn read(record: &Record) -> Result<Self> {
        let has = |name| record.field(name).is_some();
        let is_for_grant = text(record, fields::GRANT) == Some("jwt_bearer");
        Ok(match text(record, fields::CLIENT_AUTHENTICATION) {
            None if has(fields::CLIENT_SECRET) => Self::Basic,
            None if has(fields::PRIVATE_KEY) && !is_for_grant => Self::PrivateKeyJwt,
            None | Some("none") => Self::None,
            Some("basic") => Self::Basic,
            Some("post") => Self::Post,
            Some("private_key_jwt") => Self::PrivateKeyJwt,
            Some(_) => return Err(invalid("client_authentication cannot be used")),
        })
    }
}

/// How a request for tokens is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFormat {
    /// As the form that RFC 6749 describes.
    Form,
    /// As JSON, which pancloud's server wants.
    Json,
}

impl Client {
    /// Reads the client of a record.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the record does not say which client it is
    /// or where its tokens come from.
    pub fn read(record: &Record) -> Result<Self> {
        let secret = record.field(fields::CLIENT_SECRET).map(|field| field.value.clone());
        let authentication = ClientAuthentication::read(record)?;
        let needs_secret =
            matches!(authentication, ClientAuthentication::Basic | ClientAuthentication::Post);
        if needs_secret && secret.is_none() {
            return Err(invalid("the client has no secret"));
        }
        Ok(Self {
            id: text(record, fields::CLIENT_ID).ok_or_else(|| lacks(fields::CLIENT_ID))?.to_owned(),
            secret,
            authentication,
            token_url: url(record, fields::TOKEN_URL)?,
            format: match text(record, fields::REQUEST_FORMAT) {
                Some("json") => RequestFormat::Json,
                _ => RequestFormat::Form,
            },
            parameters: parameters(record),
        })
    }
}

/// Returns the parameters of requests that a record lists, with their names.
pub(crate) fn parameters(record: &Record) -> Vec<(String, Secret)> {
    let more = text(record, fields::PARAMETERS).unwrap_or_default();
    let more = more.split('&').filter_map(|pair| pair.split_once('='));
    let more = more.map(|(name, value)| (decoded(name), decoded(value).into()));
    let named = [fields::AUDIENCE, fields::RESOURCE].into_iter();
    let named = named.filter_map(|name| Some((name.to_owned(), text(record, name)?.into())));
    named.chain(more).collect()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Returns a field as text.
pub(crate) fn text<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.field(name)?.value.expose_str().filter(|text| !text.is_empty())
}

/// Returns a field.
///
/// # Errors
/// `Invalid` if the record does not have it.
pub(crate) fn field<'a>(record: &'a Record, name: &str) -> Result<&'a Field> {
    let field = record.field(name).filter(|field| !field.value.is_empty());
    field.ok_or_else(|| lacks(name))
}

/// Returns a field as a URL, which may go to a server or a browser.
///
/// # Errors
/// `Invalid` if the record does not have it, it is not one, or it contains a password; `Refused` if
/// others could read what is sent there.
pub(crate) fn url(record: &Record, name: &str) -> Result<Uri> {
    let url = text(record, name).ok_or_else(|| lacks(name))?;
    let url: Uri = url.parse().map_err(|_| invalid(format!("`{name}` is not a URL")))?;
    keyward_http::destination(&url, false).map_err(|error| {
        Error::new(error.kind(), "token")
            .because(format!("`{name}` cannot be used"))
            .caused_by(error)
    })?;
    Ok(url)
}

fn lacks(name: &str) -> Error {
    invalid(format!("the `oauth2` record has no field `{name}`"))
}

pub(crate) fn invalid(why: impl Into<String>) -> Error {
    Error::invalid("token", why.into())
}
