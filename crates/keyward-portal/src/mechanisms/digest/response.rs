//! The response of a client.

use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use super::{Algorithm, DigestHash, Request, header, of_parts, quoted};
use crate::Malformed;
use keyward_core::Secret;

/// A client's answer to a challenge: the header `Authorization` of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub(super) user: String,
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) uri: String,
    pub(super) algorithm: Algorithm,
    /// Whether it is also calculated from the body (`auth-int`).
    pub(super) protects_body: bool,
    pub(super) count: u32,
    cnonce: String,
    response: Secret,
}

impl Response {
    /// Reads the value of the header.
    ///
    /// # Errors
    /// [`Malformed`] if it is not a response as in RFC 7616, or one with a hashed name: those are not
    /// offered, because a checker finds users by their names.
    pub fn parse(header: &Secret) -> Result<Self, Malformed> {
        let mut parameters = header::parameters(header.expose())?;
        let mut take = |name: &str| {
            let text = |value| String::from_utf8(value).map_err(|_| Malformed::new("not UTF-8"));
            parameters.remove(name).map(text).transpose()
        };
        let mut need =
            |name, why| take(name)?.filter(|it| !it.is_empty()).ok_or(Malformed::new(why));
        let (realm, nonce, uri, response) = (
            need("realm", "there is no realm")?,
            need("nonce", "there is no nonce")?,
            need("uri", "there is no uri")?,
            need("response", "there is no response")?,
        );
        let protection = need("qop", "it has the old form without qop")?;
        let count = need("nc", "there is no count")?;
        let cnonce = need("cnonce", "the client has no nonce")?;
        let algorithm = take("algorithm")?.unwrap_or_else(|| DigestHash::Md5.name().to_owned());
        let user = match (take("username")?, take("username*")?) {
            (Some(user), None) => user,
            (None, Some(encoded)) => decode(&encoded).ok_or(Malformed::new("not a name"))?,
            _ => return Err(Malformed::new("there is not one name of the user")),
        };
        if user.is_empty() {
            return Err(Malformed::new("the name of the user is empty"));
        }
        if take("userhash")?.is_some_and(|it| !it.eq_ignore_ascii_case("false")) {
            return Err(Malformed::new("hashed names were not offered"));
        }
        let response = Self {
            user,
            realm,
            nonce,
            uri,
            algorithm: Algorithm::from_name(&algorithm)
                .ok_or(Malformed::new("the algorithm is not known"))?,
            protects_body: match protection.to_ascii_lowercase().as_str() {
                "auth" => false,
                "auth-int" => true,
                _ => return Err(Malformed::new("the qop is not known")),
            },
            count: count_of(&count).ok_or(Malformed::new("the count is not one"))?,
            cnonce,
            response: response.into(),
        };
        if response.nonce.len().max(response.cnonce.len()) > 256 {
            return Err(Malformed::new("a nonce is too long"));
        }
        Ok(response)
    }

    /// The name of the user, as the client wrote it. The client has calculated with this one.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether the response is calculated from the body too, so that the server needs its hash.
    pub fn protects_body(&self) -> bool {
        self.protects_body
    }

    /// The nonce and its count. A server accepts this pair once, and no smaller count later.
    pub fn claim(&self) -> (&str, u32) {
        (&self.nonce, self.count)
    }

    /// Whether the client knows the password whose [hash A1](keyward_verifier::ha1) this is, in
    /// hexadecimal form.
    pub fn proves(&self, ha1: &Secret, request: &Request<'_>) -> bool {
        let expected = self.calculate(ha1, request.method, request.body);
        self.response.expose().ct_eq(expected.expose()).into()
    }

    /// Returns the value of the header `Authentication-Info`, which proves to the client that the
    /// server knows the password too. It does not protect the body of the answer.
    pub fn info(&self, ha1: &Secret) -> Secret {
        let plain = Self { protects_body: false, ..self.clone() };
        let proof = plain.calculate(ha1, "", None);
        let proof = proof.expose_str().unwrap_or_default();
        let (cnonce, count) = (quoted(&self.cnonce), self.count);
        format!("qop=auth, rspauth=\"{proof}\", cnonce={cnonce}, nc={count:08x}").into()
    }

    fn calculate(&self, ha1: &Secret, method: &str, body: Option<&Secret>) -> Secret {
        let hash = |parts: &[&[u8]]| of_parts(self.algorithm.hash, parts);
        let (nonce, cnonce) = (self.nonce.as_bytes(), self.cnonce.as_bytes());
        let session;
        let a1 = if self.algorithm.is_session {
            session = hash(&[ha1.expose(), nonce, cnonce]);
            &session
        } else {
            ha1
        };
        let (protection, a2) = match body.filter(|_| self.protects_body) {
            Some(body) => {
                ("auth-int", hash(&[method.as_bytes(), self.uri.as_bytes(), body.expose()]))
            }
            None => ("auth", hash(&[method.as_bytes(), self.uri.as_bytes()])),
        };
        let count = format!("{:08x}", self.count);
        hash(&[a1.expose(), nonce, count.as_bytes(), cnonce, protection.as_bytes(), a2.expose()])
    }
}

/// Reads a count: eight hexadecimal digits, and not zero.
fn count_of(text: &str) -> Option<u32> {
    let is_count = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let count = u32::from_str_radix(text, 16).ok().filter(|_| is_count)?;
    (count > 0).then_some(count)
}

/// Decodes a value of RFC 8187 in UTF-8.
fn decode(encoded: &str) -> Option<String> {
    let (charset, rest) = encoded.split_once('\'')?;
    let (_language, value) = rest.split_once('\'')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~%".contains(&byte);
    let is_escape = |rest: &str| {
        let code = rest.as_bytes().first_chunk::<2>();
        code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
    };
    if !charset.eq_ignore_ascii_case("UTF-8")
        || !value.bytes().all(is_plain)
        || !value.split('%').skip(1).all(is_escape)
    {
        return None;
    }
    Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
}
