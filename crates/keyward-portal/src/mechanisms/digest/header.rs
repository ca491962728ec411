//! The grammar of the header `Authorization` with parameters (RFC 9110 section 11.4).

use std::collections::BTreeMap;

use crate::Malformed;

/// The longest header, in bytes.
const MAX: usize = 8192;

/// The most parameters.
const MOST: usize = 32;

const WRONG: Malformed = Malformed::new("it is not a header of Digest");

/// Reads the parameters after the scheme. Their names become lower case.
pub(super) fn parameters(header: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Malformed> {
    if header.len() > MAX {
        return Err(Malformed::new("the header is too long"));
    }
    let (scheme, rest) = header.split_at_checked(7).ok_or(WRONG)?;
    if !scheme.eq_ignore_ascii_case(b"Digest ") {
        return Err(WRONG);
    }
    let mut found = BTreeMap::new();
    let mut rest = Cursor(rest);
    loop {
        rest.skip_space();
        let name = rest.token();
        if !name.is_empty() {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            rest.skip_space();
            rest.expect(b'=')?;
            rest.skip_space();
            let value = rest.value()?;
            if found.insert(name, value).is_some() || found.len() > MOST {
                return Err(Malformed::new("a parameter is given twice, or there are too many"));
            }
            rest.skip_space();
        }
        if rest.0.is_empty() {
            return Ok(found);
        }
        rest.expect(b',')?;
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn skip_space(&mut self) {
        let length = self.0.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.0 = &self.0[length..];
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        self.0 = self.0.strip_prefix(&[byte]).ok_or(WRONG)?;
        Ok(())
    }

    fn token(&mut self) -> &'a [u8] {
        let length = self.0.iter().take_while(|byte| is_token(**byte)).count();
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        token
    }

    /// Reads a token or a quoted string.
    fn value(&mut self) -> Result<Vec<u8>, Malformed> {
        if self.expect(b'"').is_err() {
            let token = self.token();
            return if token.is_empty() { Err(WRONG) } else { Ok(token.to_vec()) };
        }
        let mut value = Vec::new();
        let mut bytes = self.0.iter();
        loop {
            let mut byte = *bytes.next().ok_or(WRONG)?;
            if byte == b'"' {
                self.0 = bytes.as_slice();
                return Ok(value);
            }
            if byte == b'\\' {
                byte = *bytes.next().ok_or(WRONG)?;
            }
            if byte.is_ascii_control() && byte != b'\t' {
                return Err(WRONG);
            }
            value.push(byte);
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
