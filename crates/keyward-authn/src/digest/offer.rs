//! What a server offers with `WWW-Authenticate: Digest`.

use keyward_plugin::{HashKind, ResponseHead, State};

use crate::challenge::{Challenge, challenges};

/// The longest value of a parameter that is sent back, in bytes.
const MAX_VALUE: usize = 4096;

/// The parameters that are remembered.
const REMEMBERED: [&str; 7] =
    ["realm", "nonce", "opaque", "algorithm", "qop", "userhash", "charset"];

/// An offer that this client can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) realm: String,
    pub(super) nonce: String,
    /// The nonce of the challenge. It stays the same when the server announces a next nonce.
    pub(super) first_nonce: String,
    pub(super) opaque: Option<String>,
    /// The name of the algorithm as the server wrote it, if it did.
    pub(super) algorithm: Option<String>,
    pub(super) hash: HashKind,
    /// Whether the algorithm is one of a session (`-sess`).
    pub(super) is_session: bool,
    pub(super) protection: Protection,
    /// Whether the username is sent as a hash.
    pub(super) hashes_user: bool,
    pub(super) is_utf8: bool,
}

/// What the answer protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    /// The URL, as in RFC 2069: no `qop`.
    Old,
    /// The URL, with a count: `auth`.
    Url,
    /// The URL and the body: `auth-int`.
    Body,
}

impl Offer {
    /// Returns the offer with the strongest hash of a response, and its challenge. Of equal ones, the
    /// first counts.
    pub(super) fn strongest(answer: &ResponseHead) -> Option<(Self, Challenge)> {
        let offers = challenges(answer).0.into_iter();
        let offers = offers.filter(|challenge| challenge.scheme == "digest");
        let offers = offers.filter_map(|challenge| {
            Some((Self::read(|name| challenge.parameter(name))?, challenge))
        });
        offers.reduce(|best, next| if next.0.strength() > best.0.strength() { next } else { best })
    }

    /// Returns the offer that was remembered.
    pub(super) fn remembered(state: &State) -> Option<Self> {
        let value = |name: &str| state.get(&format!("digest.{name}"))?.expose_str();
        let offer = Self::read(value)?;
        Some(Self { first_nonce: value("first-nonce")?.to_owned(), ..offer })
    }

    /// Remembers an offer and nothing of another one.
    pub(super) fn remember(challenge: &Challenge, state: &mut State) {
        for name in REMEMBERED {
            let key = format!("digest.{name}");
            match challenge.parameter(name) {
                Some(value) => state.set(key, value),
                None => drop(state.remove(&key)),
            }
        }
        state.set("digest.first-nonce", challenge.parameter("nonce").unwrap_or_default());
    }

    /// Remembers the nonce that the server announces for the next request.
    pub(super) fn remember_next(nonce: &str, state: &mut State) {
        if is_sendable(nonce) {
            state.set("digest.nonce", nonce);
        }
    }

    fn read<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let text = |name: &str| parameter(name).filter(|text| is_sendable(text)).map(str::to_owned);
        let is = |name: &str, word: &str| {
            parameter(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
        };
        let algorithm = parameter("algorithm");
        let (hash, is_session) = known(algorithm.unwrap_or("MD5"))?;
        let protection = protection(parameter("qop"))?;
        let nonce = text("nonce")?;
        // The formula of a session needs a nonce of the client, which RFC 2069 did not have.
        if is_session && protection == Protection::Old {
            return None;
        }
        Some(Self {
            realm: text("realm")?,
            first_nonce: nonce.clone(),
            nonce,
            opaque: text("opaque"),
            algorithm: algorithm.map(str::to_owned),
            hash,
            is_session,
            protection,
            hashes_user: is("userhash", "true"),
            is_utf8: is("charset", "utf-8"),
        })
    }

    /// How strong the hash is.
    pub(super) fn strength(&self) -> u8 {
        match self.hash {
            HashKind::Sha512_256 => 3,
            HashKind::Sha256 => 2,
            _ => 1,
        }
    }
}

fn is_sendable(text: &str) -> bool {
    text.len() <= MAX_VALUE && !text.contains(char::is_control)
}

fn known(algorithm: &str) -> Option<(HashKind, bool)> {
    let name = algorithm.to_ascii_uppercase();
    let (name, is_session) = match name.strip_suffix("-SESS") {
        Some(name) => (name, true),
        None => (&*name, false),
    };
    let hash = match name {
        "MD5" => HashKind::Md5,
        "SHA-256" => HashKind::Sha256,
        "SHA-512-256" => HashKind::Sha512_256,
        _ => return None,
    };
    Some((hash, is_session))
}

/// Chooses from a list such as `auth,auth-int`.
fn protection(qop: Option<&str>) -> Option<Protection> {
    let Some(qop) = qop else { return Some(Protection::Old) };
    let has = |word: &str| qop.split(',').any(|known| known.trim().eq_ignore_ascii_case(word));
    if has("auth") {
        return Some(Protection::Url);
    }
    has("auth-int").then_some(Protection::Body)
}
