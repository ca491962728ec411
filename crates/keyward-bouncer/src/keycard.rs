use std::collections::BTreeMap;
use std::fmt;

use keyward_core::{Error, Result, hex};
use serde::{Deserialize, Serialize};

/// What a bouncer issues to a requester for a client that is logged in.
///
/// # Security
/// It contains no secret and can be sent anywhere. The [`state`](Self::state) is an output only: when
/// a keycard is read, what it says about its state is ignored. The bouncer keeps its own copy of
/// everything, and only its [`id`](Self::id) is ever taken from a keycard that comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Keycard {
    /// Which keycard it is.
    pub id: KeycardId,
    /// The kind of credential that was presented.
    pub kind: String,
    /// Whether the client is in.
    #[serde(skip_deserializing, default)]
    pub state: State,
    /// The bouncer that issued it.
    pub bouncer: String,
    /// The requester that it was issued to.
    pub requester: RequesterId,
    /// Which part of the requester keeps it alive, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Who the client is; `None` for an anonymous client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The name that the client gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What was proved: the names of checkers and of kinds of credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<String>,
    /// The address of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The realm that the client saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What else is known of the request: `host`, `method`, `path`, and `argument.NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// The start of the SHA-256 of the token that was presented, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it was issued, in seconds since 1970.
    pub since: u64,
    /// Until when it lives if nothing keeps it alive, in seconds since 1970.
    pub expires: u64,
    /// When it ends whatever keeps it alive, in seconds since 1970.
    pub ends: u64,
}

/// Whether the client of a keycard is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum State {
    /// The client is not let in.
    #[default]
    Refused,
    /// The client is in.
    Authenticated,
}

/// Names a keycard: 128 random bits, in hexadecimal. It is of use only to the requester that the
/// keycard was issued to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeycardId(String);

impl KeycardId {
    pub(crate) fn random() -> Result<Self> {
        Ok(Self::from_bytes(keyward_fs::random()?))
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is not 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            let why = "the id of a keycard is 32 lower-case hexadecimal digits";
            return Err(Error::invalid("keycard", why));
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(&bytes))
    }

    pub(crate) fn to_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        hex::decode(self.0.as_bytes(), &mut bytes).expect("an id is 32 hexadecimal digits");
        bytes
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeycardId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<KeycardId> for String {
    fn from(id: KeycardId) -> Self {
        id.0
    }
}

impl fmt::Display for KeycardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Names who asks a bouncer.
///
/// # Security
/// A server takes it from how the requester connected, such as the user of a socket's other end or
/// the client's token, never from what the requester says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequesterId(String);

impl RequesterId {
    /// Makes the id of the requester of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequesterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
