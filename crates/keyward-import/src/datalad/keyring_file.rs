//! The file of `keyrings.alt`'s `PlaintextKeyring`, `keyring_pass.cfg`.
//!
//! It is an INI file of Python's `configparser`. A section is a service, an option is a user, and the
//! value is the password in base64. In both names, each byte that is neither a letter nor a digit is
//! written as `_` and two hexadecimal digits.

use std::io::{self, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Error, Result, Secret, SecretWriter};
use keyward_fs::open_private;

use super::{Item, Place, SERVICE, damaged};
use crate::files::read_secret;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// The section and the option of an item, as they are written in the file.
pub(super) type Key = (Vec<u8>, Vec<u8>);

/// Reads the items of DataLad in the file; `None` if there is no file.
///
/// # Errors
/// [`Refused`](keyward_core::ErrorKind::Refused) if other users can reach the file;
/// [`Corrupt`](keyward_core::ErrorKind::Corrupt) if it is too large.
pub(super) fn read(path: &Path) -> Result<Option<Vec<Item>>> {
    let Some(file) = open_private(path)? else { return Ok(None) };
    let (content, _) = read_secret(file, MAX_FILE)?;
    Ok(Some(items(content.expose())))
}

/// Returns DataLad's items in the content of a file: the name of the credential, the field, and the
/// value. An error in one item is its value. Everything else in the file is left out.
///
/// # Examples
/// ```
/// use keyward_import::datalad::keyring_file::parse;
///
/// let items = parse(b"[datalad_2Dmy_2Dsite]\nkey_5Fid =\n\tYW5u\n");
/// let (name, field, value) = &items[0];
/// assert_eq!((name.as_str(), field.as_str()), ("my-site", "key_id"));
/// assert_eq!(value.as_ref().unwrap().expose(), b"ann");
/// ```
pub fn parse(content: &[u8]) -> Vec<(String, String, Result<Secret>)> {
    items(content).into_iter().map(|item| (item.name, item.field, item.value)).collect()
}

fn items(content: &[u8]) -> Vec<Item> {
    let named = options(content).into_iter().filter_map(|option| {
        let service = unescape(option.section)?;
        let name = service.strip_prefix(SERVICE)?.to_owned();
        Some((name, unescape(option.name)?, option))
    });
    let items = named.map(|(name, field, option)| {
        let encoded = Secret::new(option.lines.concat());
        let value = STANDARD.decode(encoded.expose()).map(Secret::new);
        let value = value.map_err(|_| damaged("an item in the keyring's file is not base64"));
        let place = Place::File((option.section.to_vec(), option.name.to_vec()));
        Item { name, field, value, place }
    });
    items.collect()
}

/// Returns the content of a file without these items.
///
/// # Errors
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there is no memory.
pub(super) fn without(content: &[u8], keys: &[Key]) -> Result<Secret> {
    let is_gone = |option: &IniOption<'_>| {
        keys.iter().any(|(section, name)| section == option.section && name == option.name)
    };
    let mut left = SecretWriter::new();
    let mut write = || -> io::Result<()> {
        let mut from = 0;
        for option in options(content).iter().filter(|option| is_gone(option)) {
            left.write_all(&content[from..option.start])?;
            from = option.end;
        }
        left.write_all(&content[from..])
    };
    write().map_err(|error| Error::io("import", error))?;
    Ok(left.finish())
}

/// An option of a section.
struct IniOption<'a> {
    section: &'a [u8],
    name: &'a [u8],
    /// The lines of its value, without white space around them.
    lines: Vec<&'a [u8]>,
    /// Where its lines start and end.
    start: usize,
    end: usize,
}

/// Returns all options in the content of a file. A line that begins with white space continues the
/// value before it.
fn options(content: &[u8]) -> Vec<IniOption<'_>> {
    let mut options: Vec<IniOption<'_>> = Vec::new();
    let mut section: &[u8] = b"";
    let mut is_open = false;
    let mut end = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let start = end;
        end += line.len();
        let text = line.trim_ascii();
        let is_continued = line.starts_with(b" ") || line.starts_with(b"\t");
        match text {
            [] | [b'#' | b';', ..] => {}
            _ if is_continued => {
                if let Some(option) = options.last_mut().filter(|_| is_open) {
                    option.lines.push(text);
                    option.end = end;
                }
            }
            [b'[', name @ .., b']'] => {
                section = name;
                is_open = false;
            }
            _ => {
                let at = text.iter().position(|byte| matches!(byte, b'=' | b':'));
                is_open = at.is_some();
                let Some(at) = at else { continue };
                let (name, value) = (text[..at].trim_ascii(), text[at + 1..].trim_ascii());
                options.push(IniOption { section, name, lines: vec![value], start, end });
            }
        }
    }
    options
}

/// Turns `_` and two hexadecimal digits back into a byte; `None` if that is not UTF-8.
fn unescape(name: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'_' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `keyrings.alt` 5.0 wrote.
    const FILE: &str = "[datalad_2Dold_2Dpair]\nuser = \n\tYW5u\npassword = \n\tczNjcmV0Oj0lw6k=\n\t\n\n\
        [other]\nuser = \n\tY2FuYXJ5\n\n[datalad_2Dold_2Dpair_3A1]\nkey_5fid = \n\tQUs=\n\t\n\n";

    fn check(file: &str, expect: &[(&str, &str, Option<&str>)]) {
        let found = parse(file.as_bytes());
        let found = found.iter().map(|(name, field, value)| {
            let value = value.as_ref().ok().map(|value| value.expose_str().unwrap());
            (name.as_str(), field.as_str(), value)
        });
        assert_eq!(found.collect::<Vec<_>>(), expect, "{file}");
    }

    #[test]
    fn the_items_of_datalad_are_found() {
        check(
            FILE,
            &[
                ("old-pair", "user", Some("ann")),
                ("old-pair", "password", Some("s3cret:=%\u{e9}")),
                ("old-pair:1", "key_id", Some("AK")),
            ],
        );
    }

    #[test]
    fn a_long_value_has_several_lines() {
        let half = STANDARD.encode([b'x'; 57]);
        let value = "x".repeat(114);
        let expect = [("a", "secret", Some(value.as_str()))];
        check(&format!("[datalad_2Da]\nsecret = \n\t{half}\n\t{half}\n"), &expect);
        check(&format!("[datalad_2Da]\r\nsecret: {half}\r\n  {half}"), &expect);
    }

    #[test]
    fn what_is_malformed_concerns_only_its_item() {
        check("[datalad_2Da]\nx = canary!\ny = eA==\n", &[("a", "x", None), ("a", "y", Some("x"))]);
        check("user = eA==\n\tx\n[datalad_2Da\nx = eA==\nno value\n\tx\n= \n]", &[]);
        check(
            "[datalad_2Da_FF]\nx = eA==\n[datalad_2Da_zz]\nx = eA==",
            &[("a_zz", "x", Some("x"))],
        );
    }

    #[test]
    fn removing_leaves_the_rest_as_it_was() {
        let key = |section: &str, name: &str| (section.into(), name.into());
        let left = |keys: &[Key]| {
            let left = without(FILE.as_bytes(), keys).unwrap();
            left.expose_str().unwrap().to_owned()
        };
        assert_eq!(left(&[]), FILE);
        let without_user = FILE.replacen("user = \n\tYW5u\n", "", 1);
        assert_eq!(left(&[key("datalad_2Dold_2Dpair", "user")]), without_user);
        assert_eq!(left(&[key("datalad_2Dold_2Dpair", "token"), key("x", "user")]), FILE);
    }

    #[test]
    fn a_hostile_file_takes_no_longer_than_its_length() {
        let mut lines = b"[datalad_2Da]\nx =\n".to_vec();
        lines.extend(b"\tA\n".repeat(1 << 20));
        assert_eq!(parse(&lines).len(), 1);
        lines.extend(b"[datalad_2Da]\n_=\n".repeat(1 << 17));
        assert_eq!(parse(&lines).len(), 1 + (1 << 17));
    }
}
