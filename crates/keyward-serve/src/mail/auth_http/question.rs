use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use keyward_core::{PresentedKind, Secret};

/// What nginx wants to know.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// The name that the client gave, which can be empty with a certificate.
    pub user: String,
    /// What the client proves it with.
    pub proof: Proof,
    /// `imap`, `pop3` or `smtp`.
    pub protocol: String,
    /// Where the client is.
    pub address: Option<IpAddr>,
    /// Whether only the client and nginx can read their connection.
    pub is_private: bool,
    /// How often the client has tried on this connection.
    pub attempts: u32,
}

/// What a client proves with who it is.
#[derive(Debug, PartialEq, Eq)]
pub enum Proof {
    /// A password.
    Password(Secret),
    /// The response to a challenge that nginx issued.
    Answer {
        /// CRAM-MD5 or APOP.
        kind: PresentedKind,
        /// The challenge.
        challenge: Secret,
        /// The response, in hexadecimal form.
        response: Secret,
    },
    /// The certificate that nginx has verified, in DER form.
    Certificate(Secret),
}

impl Question {
    /// Reads the headers of a request; `None` if one is missing, malformed or given twice.
    pub fn parse(headers: &HeaderMap) -> Option<Self> {
        let get = |name| single(headers, name);
        let text = |name| get(name).map(|it| it.map(|it| std::str::from_utf8(it).ok()));
        let method = text("auth-method")???;
        let user = unescape(get("auth-user")?.unwrap_or_default())?;
        let user = user.expose_str()?.to_owned();
        let password = unescape(get("auth-pass")?.unwrap_or_default())?;
        let proof = match (method, Proof::kind(method)) {
            ("plain", _) => Proof::Password(password),
            ("external", _) if text("auth-ssl-verify")?? == Some("SUCCESS") => {
                Proof::Certificate(der(&unescape(get("auth-ssl-cert")??)?)?)
            }
            (_, Some(kind)) => {
                Proof::Answer { kind, challenge: get("auth-salt")??.into(), response: password }
            }
            _ => return None,
        };
        Some(Self {
            user,
            proof,
            protocol: text("auth-protocol")???.to_owned(),
            address: text("client-ip")?
                .map(|it| it?.parse().ok())
                .map_or(Some(None), |it| it.map(Some))?,
            is_private: text("auth-ssl")?.flatten() == Some("on"),
            attempts: text("auth-login-attempt")?
                .flatten()
                .and_then(|it| it.parse().ok())
                .unwrap_or(0),
        })
    }
}

/// Returns a header, if there is one; `None` if there are several.
#[expect(clippy::option_option, reason = "there can be one, none, or too many")]
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<Option<&'a [u8]>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.next().is_none().then(|| first.map(|value| value.as_bytes()))
}

/// Replaces each percent sign with two hexadecimal digits by their byte.
fn unescape(text: &[u8]) -> Option<Secret> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [*rest.next()?, *rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()?
            }
            other => *other,
        });
    }
    Some(Secret::new(bytes))
}

/// Returns the first certificate of a text in PEM.
fn der(pem: &Secret) -> Option<Secret> {
    let (_, rest) = pem.expose_str()?.split_once("-----BEGIN CERTIFICATE-----")?;
    let (base64, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let base64: Vec<u8> = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(base64).ok().map(Secret::new)
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(more: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("Auth-Protocol", "imap"), ("Client-IP", "192.0.2.1")].iter().chain(more)
        {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn passwords_are_unescaped() {
        let sent = [
            ("Auth-Method", "plain"),
            ("Auth-User", "a%20nn"),
            ("Auth-Pass", "100%25 %C3%A9%00"),
            ("Auth-SSL", "on"),
            ("Auth-Login-Attempt", "2"),
        ];
        let expected = Question {
            user: "a nn".into(),
            proof: Proof::Password("100% \u{e9}\0".into()),
            protocol: "imap".into(),
            address: Some([192, 0, 2, 1].into()),
            is_private: true,
            attempts: 2,
        };
        assert_eq!(Question::parse(&headers(&sent)), Some(expected));
    }

    #[test]
    fn responses_and_certificates() {
        let answer = [
            ("Auth-Method", "cram-md5"),
            ("Auth-User", "ann"),
            ("Auth-Salt", "<1.2@host>"),
            ("Auth-Pass", "00ff"),
        ];
        let asked = Question::parse(&headers(&answer)).unwrap();
        let kind = PresentedKind::CRAM_MD5;
        let (challenge, response) = ("<1.2@host>".into(), "00ff".into());
        assert_eq!(asked.proof, Proof::Answer { kind, challenge, response });
        assert!(!asked.is_private);
        let pem = "-----BEGIN%20CERTIFICATE-----%0Ax+8=%0A-----END%20CERTIFICATE-----%0A";
        let mut certificate =
            [("Auth-Method", "external"), ("Auth-SSL-Cert", pem), ("Auth-SSL-Verify", "SUCCESS")];
        let asked = Question::parse(&headers(&certificate)).unwrap();
        assert_eq!(asked.proof, Proof::Certificate(vec![0xc7, 0xef].into()));
        certificate[2].1 = "FAILED:expired";
        assert_eq!(Question::parse(&headers(&certificate)), None);
    }

    #[test]
    fn what_is_missing_or_malformed_is_refused() {
        let right = [("Auth-Method", "plain"), ("Auth-User", "ann"), ("Auth-Pass", "x")];
        assert!(Question::parse(&headers(&right)).is_some());
        for wrong in [
            &right[1..],
            &[("Auth-Method", "none"), right[1], right[2]],
            &[("Auth-Method", "apop"), right[1], right[2]],
            &[right[0], ("Auth-User", "%"), right[2]],
            &[right[0], ("Auth-User", "%+1"), right[2]],
            &[right[0], ("Auth-User", "%ff"), right[2]],
            &[right[0], right[1], right[1], right[2]],
            &[right[0], right[1], right[2], ("Client-IP", "192.0.2.2")],
        ] {
            assert_eq!(Question::parse(&headers(wrong)), None, "{wrong:?}");
        }
    }
}
