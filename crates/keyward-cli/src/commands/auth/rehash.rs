//! Replaces weak hashes of passwords that were just right.

use std::path::Path;

use keyward::Keyward;
use keyward_config::Interaction;
use keyward_core::{
    Change, EntryId, Level, Record, Result, Role, Secret, Stores, Value, Verifier, VerifierForm,
};
use keyward_portal::{AuthSpec, Link, prepare_user};
use keyward_verifier::files::{self, Format};
use keyward_verifier::hash::{self, Hash, Scheme};
use keyward_verifier::record;

use super::file;
use crate::session::Session;
use crate::stop::{Outcome, Stop};

/// The checker that has accepted a password.
pub(super) struct Accepted<'a> {
    pub(super) link: &'a Link,
    pub(super) spec: &'a AuthSpec,
    pub(super) user: &'a str,
    pub(super) password: &'a Secret,
}

/// Replaces the hash of the password by one of the default scheme, if it is weak and if the checker's
/// users can be changed. The user is in anyway, so a failure is only a warning.
pub(super) fn rehash(accepted: &Accepted<'_>, keyward: &Keyward, session: &Session) {
    if let Err(Stop::Failed(error)) = try_rehash(accepted, keyward, session) {
        session.console.log(Level::Warning, format_args!("the hash was not replaced: {error}"));
    }
}

fn try_rehash(accepted: &Accepted<'_>, keyward: &Keyward, session: &Session) -> Outcome {
    let Accepted { link, spec, user, password } = accepted;
    let (wanted, option) = match spec.name() {
        "htpasswd" => (Scheme::Bcrypt, "file"),
        "store" => (Scheme::Argon2id, "store"),
        _ => return Ok(()),
    };
    let Ok(user) = prepare_user(user) else { return Ok(()) };
    let Some(old) = stored_hash(link, &user)? else { return Ok(()) };
    if !Hash::parse(&old.value).is_ok_and(|hash| hash.weakness().is_some()) {
        return Ok(());
    }
    let table = keyward.registry().find(Role::Checker, spec.name())?.options;
    let values = spec.values(table)?;
    let text = |name| match values.get(name) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let Some(place) = text(option) else { return Ok(()) };
    let new = hash::make(wanted, password, None)?;
    match wanted {
        Scheme::Bcrypt => in_file(Path::new(place), &user, &old, &new)?,
        _ => in_store(keyward, place, &EntryId::new(&user, text("entry"))?, &old, &new)?,
    }
    session.console.log(Level::Info, format_args!("the hash of the password was replaced"));
    Ok(())
}

fn stored_hash(link: &Link, user: &str) -> Result<Option<Verifier>> {
    let account = link.checker.account(user, VerifierForm::PasswordHash)?;
    Ok(account.and_then(|account| account.verifiers.into_iter().next()))
}

/// Replaces the hash in a file of htpasswd, unless it is another one by now.
fn in_file(path: &Path, user: &str, old: &Verifier, new: &Secret) -> Outcome {
    file::change(path, |content| {
        let rows = files::list(content.expose(), &Format::Htpasswd);
        let is_there = rows.iter().any(|row| row.user == user && row.stored.as_ref() == Ok(old));
        match is_there {
            true => Ok(files::set(content, &Format::Htpasswd, user, None, new)?),
            false => Ok(content.clone()),
        }
    })
}

/// Replaces the hash in a record of a store, unless it is another one by now.
fn in_store(
    keyward: &Keyward,
    store: &str,
    id: &EntryId,
    old: &Verifier,
    new: &Secret,
) -> Result<()> {
    let form = VerifierForm::PasswordHash;
    keyward.open(store)?.update(id, &mut |found: Option<Record>| {
        let current = found.filter(|found| record::verifiers(found, form) == [old.clone()]);
        Ok(current.map_or(Change::Leave, |current| {
            let new = std::slice::from_ref(new);
            Change::Put(Box::new(record::with_verifiers(current, form, new)))
        }))
    })
}
