use keyward_core::{Error, Result, Secret, SecretWriter};
use std::io::Write;

use super::{Entry, Format, is_name, lines, without_end};

/// Returns the file in which this user has this stored text: a hash, a verifier or the digits of HA1.
///
/// The line of a user who is in the file already changes, and keeps its other fields; a new line is
/// added for another user. All other lines stay as they are, byte for byte. `realm` is for files of `htdigest`
/// only.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if the format cannot contain the name or the text;
/// [`Conflict`](keyward_core::ErrorKind::Conflict) if the user is in several lines.
pub fn set(
    content: &Secret,
    format: &Format,
    name: &str,
    realm: Option<&str>,
    stored: &Secret,
) -> Result<Secret> {
    check_name(name, realm, format)?;
    check_stored(stored, format)?;
    let mut new = SecretWriter::new();
    let mut written = None;
    for (number, line) in lines(content.expose()) {
        match entry_of(format, line, name, realm) {
            None => put(&mut new, &[line]),
            Some(entry) => {
                if let Some(first) = written.replace(number) {
                    let why = format!("the user is in lines {first} and {number}");
                    let error = Error::new(keyward_core::ErrorKind::Conflict, "change the file");
                    return Err(error.because(why).hint("remove the user first"));
                }
                let end = &line[without_end(line).len()..];
                put_user(&mut new, name, realm, stored, entry.rest);
                put(&mut new, &[end]);
            }
        }
    }
    if written.is_none() {
        if !matches!(content.expose().last(), None | Some(b'\n')) {
            put(&mut new, &[b"\n"]);
        }
        put_user(&mut new, name, realm, stored, "");
        put(&mut new, &[b"\n"]);
    }
    Ok(new.finish())
}

/// Returns the file without the lines of this user; `None` if there are none. Without a realm, all
/// lines of a user in a file of `htdigest` are removed.
pub fn remove(
    content: &Secret,
    format: &Format,
    name: &str,
    realm: Option<&str>,
) -> Option<Secret> {
    let mut new = SecretWriter::new();
    let mut removed = false;
    for (_, line) in lines(content.expose()) {
        let entry = entry_of(format, line, name, realm);
        match entry.is_some() {
            true => removed = true,
            false => put(&mut new, &[line]),
        }
    }
    removed.then(|| new.finish())
}

/// The line of a user, if it is that.
fn entry_of<'a>(
    format: &Format,
    line: &'a [u8],
    name: &str,
    realm: Option<&str>,
) -> Option<Entry<'a>> {
    let text = str::from_utf8(without_end(line)).ok()?;
    if text.starts_with('#') {
        return None;
    }
    let entry = format.split(text)?;
    let is_realm = realm.is_none() || entry.realm == realm;
    (entry.name == name && is_realm).then_some(entry)
}

fn put_user(new: &mut SecretWriter, name: &str, realm: Option<&str>, stored: &Secret, rest: &str) {
    put(new, &[name.as_bytes(), b":"]);
    if let Some(realm) = realm {
        put(new, &[realm.as_bytes(), b":"]);
    }
    put(new, &[stored.expose(), rest.as_bytes()]);
}

fn put(new: &mut SecretWriter, parts: &[&[u8]]) {
    for part in parts {
        // A writer in memory without limit has no errors.
        let _ = new.write_all(part);
    }
}

fn check_name(name: &str, realm: Option<&str>, format: &Format) -> Result<()> {
    let is_edited = !matches!(format, Format::Fields(_) | Format::OneTimePasswords);
    let wants_realm = *format == Format::Htdigest;
    let is_realm = |realm: &str| is_name(realm) && !realm.contains(':');
    let why = if !is_edited {
        "a file of this format is not changed"
    } else if !is_name(name) || name.contains(':') || name.trim() != name {
        "a name has 1 to 255 bytes, no colon and no control character, does not begin with # and has \
         no blank at an end"
    } else if realm.is_some() != wants_realm {
        "a realm is for files of htdigest, which need it"
    } else if !realm.is_none_or(is_realm) {
        "a realm has 1 to 255 bytes, no colon and no control character, and does not begin with #"
    } else {
        return Ok(());
    };
    Err(Error::invalid("change the file", why))
}

/// Refuses a text that would be read as something else.
fn check_stored(stored: &Secret, format: &Format) -> Result<()> {
    let colons = *format == Format::Scram;
    let is_safe = |byte: &u8| byte.is_ascii_graphic() && (*byte != b':' || colons);
    if stored.is_empty() || !stored.expose().iter().all(is_safe) {
        let why = "the stored text would not be read as it is written";
        return Err(Error::invalid("change the file", why));
    }
    Ok(())
}
