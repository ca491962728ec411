//! Reads what a token endpoint answers.

use std::fmt;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use keyward_core::{Error, ErrorKind, Result, Secret, printable};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::secrets::Secrets;
use crate::{claims, header};

/// The longest token that is accepted, in bytes. Headers of servers have limits of this size.
const MAX_TOKEN: usize = 64 << 10;

/// The longest time that a token is said to be good for: a hundred years. Some servers say `2^63 - 1`
/// for a token that does not expire.
const MAX_LIFE: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// The longest description of an error that is shown, in characters.
const MAX_DESCRIPTION: usize = 200;

/// What a token endpoint answered to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The grant is good.
    Issued(Issued),
    /// The grant is not good, or not any more: `invalid_grant`.
    GrantRefused(String),
    /// Another error, and how long the server wants not to be asked again.
    Failed(Failure),
}

impl Answer {
    /// Whether the server refused the grant or the client.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Issued(_) => false,
            Self::GrantRefused(_) => true,
            Self::Failed(failure) => failure.is_refusal(),
        }
    }
}

/// Tokens that a server issued. A refresh token that came with an unusable access token must not be
/// lost: the old one may not work any more.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access: Result<Access>,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) id_token: Option<Secret>,
    pub(crate) scope: Option<Secret>,
}

/// An access token.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) token: Secret,
    pub(crate) token_type: Option<Secret>,
    /// For how long it is good, if the server says so.
    pub(crate) life: Option<Duration>,
}

/// An error that says nothing about the grant.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The code of the error, such as `slow_down`, if the server sent one.
    pub(crate) code: String,
    /// What the server answered with, if it did.
    pub(crate) status: Option<StatusCode>,
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn is_refusal(&self) -> bool {
        self.error.kind() == ErrorKind::Unauthorized
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, code: String::new(), status: None, retry_after: None }
    }
}

/// Reads the response to a request, and shows none of these secrets.
pub(crate) fn read(response: &Response<Secret>, secrets: &Secrets) -> Answer {
    let body: Option<Body> = parse(response.body().expose());
    let fail = |kind, code: &str, why: String| {
        let error = Error::new(kind, "token").because(why);
        Answer::Failed(Failure {
            error,
            code: code.into(),
            status: Some(response.status()),
            retry_after: retry_after(response.headers()),
        })
    };
    let status = response.status();
    let Some(body) = body else {
        let kind = ErrorKind::Unavailable;
        return match status.is_success() {
            true => fail(kind, "", "the server's answer is not a valid JSON object".into()),
            false => fail(kind, "", format!("the server answered {status} without an OAuth error")),
        };
    };
    // Some servers report errors with status 200.
    if let Item::Text(code) = &body.error {
        let code = code.expose_str().unwrap_or_default();
        let why = describe(code, body.error_description.as_text(), secrets);
        return match (code, kind_of(code, status)) {
            ("invalid_grant", _) => Answer::GrantRefused(why),
            (code, kind) => fail(kind, code, why),
        };
    }
    if !status.is_success() {
        let why = format!("the server answered {status} without an OAuth error");
        return fail(ErrorKind::Unavailable, "", why);
    }
    Answer::Issued(body.issued())
}

/// Reads a JSON object.
pub(crate) fn parse<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Option<T> {
    // serde would also take an array for the fields in their order.
    let is_object = json.trim_ascii_start().first() == Some(&b'{');
    if is_object { serde_json::from_slice(json).ok() } else { None }
}

fn kind_of(code: &str, status: StatusCode) -> ErrorKind {
    match code {
        "invalid_client" | "unauthorized_client" | "access_denied" => ErrorKind::Unauthorized,
        "invalid_request" | "invalid_scope" | "invalid_target" | "unsupported_grant_type" => {
            ErrorKind::Invalid
        }
        _ if status == StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
        _ => ErrorKind::Unavailable,
    }
}

/// Returns the error of a server in its words, as far as they can be shown. A server that repeats
/// what it knows would bring secrets into the message.
pub(crate) fn describe(code: &str, description: Option<&str>, secrets: &Secrets) -> String {
    if secrets.are_in(code) {
        return "the server repeats a secret instead of an error".into();
    }
    let short = |text: &str| text.chars().take(MAX_DESCRIPTION).collect::<String>();
    let code = short(code);
    let code = printable(&code);
    match description.filter(|text| !secrets.are_in(text)) {
        Some(text) => format!("the server says {code}: {}", printable(&short(text))),
        None => format!("the server says {code}"),
    }
}

/// Returns how long the server wants not to be asked again. A date is ignored: the clocks may differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The object that a token endpoint answers with. A key that it has twice is an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    access_token: Item,
    token_type: Item,
    expires_in: Item,
    refresh_token: Item,
    id_token: Item,
    scope: Item,
    error: Item,
    error_description: Item,
}

impl Body {
    fn issued(self) -> Issued {
        Issued {
            access: access(self.access_token, self.token_type, &self.expires_in),
            refresh_token: self.refresh_token.text().filter(is_token),
            id_token: self.id_token.text().filter(is_token),
            scope: self.scope.text(),
        }
    }
}

fn access(token: Item, token_type: Item, expires_in: &Item) -> Result<Access> {
    let token = token.text().ok_or_else(|| bad("the server sent no access token"))?;
    if !is_token(&token) {
        return Err(bad("the server sent an access token that cannot be used in a header"));
    }
    // Some servers say it in the token only.
    let life = life(expires_in)?.or_else(|| claims::life(&token));
    let token_type = token_type.text().filter(|word| !word.is_empty());
    if token_type.as_ref().is_some_and(|word| !header::is_word(word.expose())) {
        return Err(bad("the server sent a `token_type` that cannot be used in a header"));
    }
    Ok(Access { token, token_type, life })
}

/// Whether a token can be sent in a header: it is not empty or huge, and consists of visible ASCII
/// characters, as RFC 6749 appendix A.12 says.
fn is_token(token: &Secret) -> bool {
    let bytes = token.expose();
    (1..=MAX_TOKEN).contains(&bytes.len()) && bytes.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

fn life(expires_in: &Item) -> Result<Option<Duration>> {
    let seconds = match expires_in {
        Item::Missing => return Ok(None),
        Item::Number(seconds) => Some(*seconds),
        // Some servers quote the number.
        Item::Text(text) => text.expose_str().and_then(|text| text.parse().ok()),
        Item::Other => None,
    };
    let seconds = seconds.filter(|seconds: &f64| seconds.is_finite());
    let seconds =
        seconds.ok_or_else(|| bad("the server sent an `expires_in` that is not a number"))?;
    Ok(Some(Duration::from_secs_f64(seconds.clamp(0.0, MAX_LIFE.as_secs_f64()))))
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "token").because(why)
}

/// A value in the answer. Texts go into a [`Secret`] at once.
#[derive(Debug, Default)]
pub(crate) enum Item {
    #[default]
    Missing,
    Text(Secret),
    Number(f64),
    Other,
}

impl Item {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.expose_str(),
            _ => None,
        }
    }

    pub(crate) fn text(self) -> Option<Secret> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Item, E> {
        Ok(Item::Text(Secret::new(text.into_bytes())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Item, E> {
        Ok(Item::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Item, E> {
        Ok(Item::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Item, E> {
        Ok(Item::Number(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Item, E> {
        Ok(Item::Other)
    }

    /// `null` is a value that is not there.
    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Item, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Item::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Item, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Item::Other)
    }
}
