use std::borrow::Cow;
use std::io::Read;

use age::armor::ArmoredReader;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::error::Failure;

/// The start of every binary age file, in any version.
const MAGIC: &[u8] = b"age-encryption.org/";
const VERSION: &str = "age-encryption.org/v1";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// The longest header and nonce: more than 600 recipients need.
const MAX_HEADER: usize = 64 << 10;
const NONCE: usize = 16;
const MAC: usize = 32;
/// An X25519 share.
const SHARE: usize = 32;
/// An scrypt salt.
const SALT: usize = 16;
/// A file key of 16 bytes, sealed.
const WRAPPED: usize = 32;

/// How the key of a file is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealed {
    ToRecipients,
    /// With scrypt's log N.
    WithPassphrase(u8),
}

/// Whether this begins like an age file.
pub(crate) fn is_age_file(content: &[u8]) -> bool {
    content.starts_with(MAGIC) || content.trim_ascii_start().starts_with(ARMOR)
}

/// Removes ASCII armor, if there is any. White space around it does not count; the crate `age` does
/// not allow white space at the beginning.
pub(crate) fn dearmor(blob: &[u8]) -> Result<Cow<'_, [u8]>, Failure> {
    let text = blob.trim_ascii_start();
    if text.starts_with(ARMOR) {
        let mut file = Vec::with_capacity(text.len() / 4 * 3);
        ArmoredReader::new(text).read_to_end(&mut file).map_err(|_| Failure::Armor)?;
        return Ok(Cow::Owned(file));
    }
    let meant_as_armor = || blob.windows(5).any(|part| part == b"-----");
    if !blob.starts_with(MAGIC) && meant_as_armor() {
        return Err(Failure::Armor);
    }
    Ok(Cow::Borrowed(blob))
}

/// Checks a file's header strictly against the format. The crate `age` is less strict: it accepts
/// stanzas whose last line is missing, and it reads a stanza only if there is an identity of its
/// kind.
///
/// ```text
/// age-encryption.org/v1
/// -> TYPE ARGUMENT…        one or more stanzas, each with a body:
/// BASE64                   lines of 64 characters, then a shorter one, empty if need be
/// --- BASE64               the MAC; nonce and content follow
/// ```
pub(crate) fn check(file: &[u8], max_work_factor: u8) -> Result<Sealed, Failure> {
    let mut lines = Lines(&file[..file.len().min(MAX_HEADER)]);
    if lines.next()? != VERSION {
        return Err(Failure::Header);
    }
    let mut stanzas = Vec::new();
    let end = loop {
        let line = lines.next()?;
        match line.strip_prefix("-> ") {
            Some(stanza) => stanzas.push(check_stanza(stanza, &mut lines, max_work_factor)?),
            None => break line,
        }
    };
    let mac = end.strip_prefix("--- ").ok_or(Failure::Header)?;
    if decoded_length(mac)? != MAC || lines.0.len() < NONCE {
        return Err(Failure::Header);
    }
    match stanzas[..] {
        [] => Err(Failure::Header),
        [only] => Ok(only),
        // A passphrase must be the only stanza. Otherwise another person could have written the
        // file that it opens.
        _ if stanzas.iter().any(|stanza| *stanza != Sealed::ToRecipients) => Err(Failure::Header),
        _ => Ok(Sealed::ToRecipients),
    }
}

fn check_stanza(
    stanza: &str,
    lines: &mut Lines<'_>,
    max_work_factor: u8,
) -> Result<Sealed, Failure> {
    let words: Vec<&str> = stanza.split(' ').collect();
    if words.iter().any(|word| word.is_empty() || !word.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(Failure::Header);
    }
    if words[0] == "mlkem768x25519" {
        return Err(Failure::Recipient);
    }
    let body = body_length(lines)?;
    match words[..] {
        ["X25519", share] if decoded_length(share)? == SHARE && body == WRAPPED => {
            Ok(Sealed::ToRecipients)
        }
        ["scrypt", salt, factor] if decoded_length(salt)? == SALT && body == WRAPPED => {
            check_work_factor(factor, max_work_factor)
        }
        ["X25519" | "scrypt", ..] => Err(Failure::Header),
        // Stanzas of unknown kinds are skipped.
        _ => Ok(Sealed::ToRecipients),
    }
}

fn check_work_factor(factor: &str, max: u8) -> Result<Sealed, Failure> {
    if factor.starts_with('0') || !factor.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::Header);
    }
    match factor.parse::<u8>() {
        Ok(factor) if factor <= max => Ok(Sealed::WithPassphrase(factor)),
        Ok(_) => Err(Failure::Work),
        Err(_) => Err(Failure::Header),
    }
}

fn body_length(lines: &mut Lines<'_>) -> Result<usize, Failure> {
    const FULL: usize = 64;
    let mut length = 0;
    loop {
        let line = lines.next()?;
        if line.len() > FULL {
            return Err(Failure::Header);
        }
        length += decoded_length(line)?;
        if line.len() < FULL {
            return Ok(length);
        }
    }
}

/// Returns the length of the data that canonical base64 without padding encodes.
fn decoded_length(text: &str) -> Result<usize, Failure> {
    STANDARD_NO_PAD.decode(text).map(|bytes| bytes.len()).map_err(|_| Failure::Header)
}

/// The rest of a header.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    /// Returns the next line, which must be complete.
    fn next(&mut self) -> Result<&'a str, Failure> {
        let end = self.0.iter().position(|byte| *byte == b'\n').ok_or(Failure::Header)?;
        let line = std::str::from_utf8(&self.0[..end]).map_err(|_| Failure::Header)?;
        self.0 = &self.0[end + 1..];
        Ok(line)
    }
}

#[cfg(test)]
mod tests;
