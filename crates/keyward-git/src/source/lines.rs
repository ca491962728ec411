//! Converts between records and the lines that git reads and prints.

use std::io::{self, Write as _};

use keyward_core::{Error, ErrorKind, Record, Result, Secret, SecretWriter};
use keyward_helper::git::{self, Reply, Request};
use keyward_kinds::fields::{CREDENTIAL, PASSWORD, REFRESH_TOKEN, SCHEME, USERNAME};
use keyward_kinds::names;
use keyward_origin::Location;

use super::unsupported;

/// The fields of a record that git can carry.
const FIELDS: &[&str] = &[USERNAME, PASSWORD, SCHEME, CREDENTIAL, REFRESH_TOKEN];

/// Returns the lines that ask git for a location, and the credential if there is one to store.
pub(super) fn lines(location: &Location, credential: &Reply) -> Result<Secret> {
    let credential = credential.encode()?;
    let mut lines = SecretWriter::new();
    write(&mut lines, location, &credential).map_err(|error| Error::io("ask git", error))?;
    Ok(lines.finish())
}

fn write(lines: &mut SecretWriter, location: &Location, credential: &Secret) -> io::Result<()> {
    let origin = location.origin().to_string();
    let (protocol, host) = origin.split_once("://").expect("an origin is written with `://`");
    write!(lines, "capability[]=authtype\nprotocol={protocol}\nhost={host}\n")?;
    if let Some(path) = location.path() {
        writeln!(lines, "path={path}")?;
    }
    if let Some(account) = location.account() {
        writeln!(lines, "username={account}")?;
    }
    lines.write_all(credential.expose())
}

/// Returns the record for git's answer; `None` if that is not a complete credential.
pub(super) fn to_record(answer: &Request) -> Result<Option<Record>> {
    if answer.ephemeral || answer.multistage {
        return Err(unsupported("get", "the credential is ephemeral and must not be stored"));
    }
    let origins = answer.location.iter().map(|location| location.origin().clone()).collect();
    Ok(git::credential(answer).map(|record| record.with_origins(origins)))
}

/// Returns what git should store.
pub(super) fn from_record(record: &Record, location: &Location) -> Result<Reply> {
    if !record.origins.contains(location.origin()) {
        return Err(
            Error::new(ErrorKind::Refused, "put").because("the record is not for this origin")
        );
    }
    let is_known = |name: &String| FIELDS.contains(&name.as_str());
    if !record.fields.keys().all(is_known) {
        return Err(unsupported("put", "git can store only the fields of a credential"));
    }
    let value = |name| record.field(name).map(|field| field.value.clone());
    let username = value(USERNAME).or_else(|| location.account().map(Secret::from));
    if location.account().is_some_and(|it| username != Some(Secret::from(it))) {
        return Err(Error::invalid("put", "the record is for another account"));
    }
    let common = Reply { username, oauth_refresh_token: value(REFRESH_TOKEN), ..Reply::default() };
    let reply = match record.kind.as_str() {
        names::USER_PASSWORD if common.username.is_some() => {
            Reply { password: value(PASSWORD), ..common }
        }
        names::HTTP_AUTHORIZATION => {
            Reply { authtype: value(SCHEME), credential: value(CREDENTIAL), ..common }
        }
        _ => {
            return Err(unsupported(
                "put",
                "git can store only passwords and authorization headers",
            ));
        }
    };
    Ok(Reply { password_expiry_utc: git::expiry(record), ..reply })
}
