//! The header with which a client answers a challenge (RFC 7616 section 3.4).

use std::borrow::Cow;
use std::io::Write;

use keyward_plugin::{Secret, SecretWriter};
use unicode_normalization::UnicodeNormalization;

use super::offer::{Offer, Protection};
use crate::hash::of_parts;

/// Everything that an answer is calculated from.
pub(super) struct Answer<'a> {
    pub(super) offer: &'a Offer,
    pub(super) method: &'a str,
    /// The path and the query.
    pub(super) uri: &'a str,
    pub(super) username: &'a Secret,
    pub(super) password: &'a Secret,
    /// The nonce of the client.
    pub(super) cnonce: &'a str,
    /// How often the server's nonce was used, with this request.
    pub(super) count: u32,
    /// The hash of the body, if the answer protects it.
    pub(super) body: Option<&'a [u8]>,
}

impl Answer<'_> {
    /// Returns the value of the header `Authorization`.
    pub(super) fn header(&self) -> Secret {
        let Offer { realm, nonce, opaque, algorithm, hash, protection, .. } = self.offer;
        let username = self.normalized(self.username);
        let mut header = Header(SecretWriter::new());
        header.write(b"Digest ");
        if self.offer.hashes_user {
            let hashed = of_parts(*hash, &[username.expose(), realm.as_bytes()]);
            header.quoted("username", hashed.expose());
        } else if self.offer.is_utf8 && !username.expose().is_ascii() {
            header.extended("username*", username.expose());
        } else {
            header.quoted("username", username.expose());
        }
        header.quoted(", realm", realm.as_bytes());
        header.quoted(", nonce", nonce.as_bytes());
        header.quoted(", uri", self.uri.as_bytes());
        header.quoted(", response", self.response(&username).expose());
        if let Some(algorithm) = algorithm {
            header.plain(", algorithm", algorithm);
        }
        if let Some(opaque) = opaque {
            header.quoted(", opaque", opaque.as_bytes());
        }
        if let Some(word) = word(*protection) {
            header.plain(", qop", word);
            header.plain(", nc", &format!("{:08x}", self.count));
            header.quoted(", cnonce", self.cnonce.as_bytes());
        }
        if self.offer.hashes_user {
            header.plain(", userhash", "true");
        }
        header.0.finish()
    }

    fn response(&self, username: &Secret) -> Secret {
        let Offer { realm, nonce, first_nonce, hash, protection, .. } = self.offer;
        let hash = |parts: &[&[u8]]| of_parts(*hash, parts);
        let password = self.normalized(self.password);
        let mut a1 = hash(&[username.expose(), realm.as_bytes(), password.expose()]);
        if self.offer.is_session {
            a1 = hash(&[a1.expose(), first_nonce.as_bytes(), self.cnonce.as_bytes()]);
        }
        let (method, uri) = (self.method.as_bytes(), self.uri.as_bytes());
        let a2 = match protection {
            Protection::Body => {
                let body = base16ct::lower::encode_string(self.body.unwrap_or_default());
                hash(&[method, uri, body.as_bytes()])
            }
            _ => hash(&[method, uri]),
        };
        let (nonce, count) = (nonce.as_bytes(), format!("{:08x}", self.count));
        match word(*protection) {
            Some(word) => hash(&[
                a1.expose(),
                nonce,
                count.as_bytes(),
                self.cnonce.as_bytes(),
                word.as_bytes(),
                a2.expose(),
            ]),
            None => hash(&[a1.expose(), nonce, a2.expose()]),
        }
    }

    /// Returns a text in Unicode's form C if the server wants that.
    fn normalized<'a>(&self, text: &'a Secret) -> Cow<'a, Secret> {
        match text.expose_str() {
            Some(text) if self.offer.is_utf8 && !text.is_ascii() => {
                let mut normal = SecretWriter::new();
                for character in text.nfc() {
                    write(&mut normal, character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Cow::Owned(normal.finish())
            }
            _ => Cow::Borrowed(text),
        }
    }
}

fn word(protection: Protection) -> Option<&'static str> {
    match protection {
        Protection::Old => None,
        Protection::Url => Some("auth"),
        Protection::Body => Some("auth-int"),
    }
}

/// Writes the header.
struct Header(SecretWriter);

impl Header {
    fn plain(&mut self, name: &str, value: &str) {
        self.write(name.as_bytes());
        self.write(b"=");
        self.write(value.as_bytes());
    }

    fn quoted(&mut self, name: &str, value: &[u8]) {
        self.plain(name, "\"");
        for byte in value {
            if matches!(byte, b'"' | b'\\') {
                self.write(b"\\");
            }
            self.write(&[*byte]);
        }
        self.write(b"\"");
    }

    /// Writes a value as RFC 8187 says.
    fn extended(&mut self, name: &str, value: &[u8]) {
        self.plain(name, "UTF-8''");
        for byte in value {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.write(&[*byte]);
                }
                byte => self.write(format!("%{byte:02X}").as_bytes()),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        write(&mut self.0, bytes);
    }
}

fn write(into: &mut SecretWriter, bytes: &[u8]) {
    into.write_all(bytes).expect("memory can be written");
}
