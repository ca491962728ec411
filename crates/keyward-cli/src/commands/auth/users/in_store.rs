//! The users of a store, for the checker `store`.

use keyward::OpenStore;
use keyward_config::Interaction;
use keyward_core::{
    Change, EntryId, Error, ErrorKind, Level, Query, Record, Secret, Verifier, VerifierForm,
};
use keyward_kinds::names;
use keyward_portal::prepare_user;
use keyward_verifier::ha1::{self, Ha1};
use keyward_verifier::hash::Hash;
use keyward_verifier::scram::{self, Scram};
use keyward_verifier::{describe, otp, record};
use serde_json::json;

use super::stored::Maker;
use super::{Add, Passwd, found, show_generated};
use crate::output::{Lines, escape_if_terminal, print_secret};
use crate::session::Session;
use crate::stop::Outcome;

/// What is kept of a password in a record.
const OF_PASSWORDS: [VerifierForm; 4] = [
    VerifierForm::PasswordHash,
    VerifierForm::ScramSha256,
    VerifierForm::ScramSha1,
    VerifierForm::Ha1,
];

pub(super) fn add(store: &str, arguments: &Add, session: &Session) -> Outcome {
    let maker = arguments.scheme.for_store()?;
    let (store, id) = open(store, &arguments.user.user, session)?;
    if store.contains(&id)? {
        return Err(already(&id).into());
    }
    let password = arguments.password.read(&session.console, None)?;
    let mut made = with_hash(Record::new(names::VERIFIERS), &maker, &id, &password)?;
    if arguments.scram {
        made = with_scram(made, scram::Algorithm::Sha256, &password)?;
    }
    if let Some(realm) = &arguments.user.realm {
        made = with_digest(made, &id, std::slice::from_ref(realm), &password);
    }
    let mut shown = Vec::new();
    if arguments.totp {
        let uri = otp::make("Keyward", id.user())?;
        let seeds = std::slice::from_ref(&uri);
        made = record::with_verifiers(made, VerifierForm::OneTimePassword, seeds);
        shown.push(uri);
    }
    if arguments.recovery_codes {
        let codes = otp::recovery_codes()?;
        let marks = codes.each_ref().map(otp::recovery_fingerprint);
        made = record::with_verifiers(made, VerifierForm::RecoveryCode, &marks);
        shown.extend(codes);
    }
    store.update(&id, &mut |current| match current {
        Some(_) => Err(already(&id)),
        None => Ok(Change::Put(Box::new(made.clone()))),
    })?;
    show_generated(&arguments.password, &password)?;
    shown.iter().try_for_each(|secret| print_secret(secret, true))
}

pub(super) fn passwd(store: &str, arguments: &Passwd, session: &Session) -> Outcome {
    let maker = arguments.scheme.for_store()?;
    let (store, id) = open(store, &arguments.user.user, session)?;
    let current = user_record(&store, &id)?;
    if current.kind != names::VERIFIERS {
        let why = format!("{id} has a record of the kind {}", current.kind);
        let hint = "`keyward set` changes its password";
        return Err(Error::invalid("auth passwd", why).hint(hint).into());
    }
    let password = arguments.password.read(&session.console, None)?;
    let changed = with_new_password(current.clone(), &maker, &id, &password)?;
    store.update(&id, &mut |found: Option<Record>| match found {
        Some(found) if found.is_same_as(&current) => Ok(Change::Put(Box::new(changed.clone()))),
        _ => Err(Error::new(ErrorKind::Conflict, "auth passwd")
            .because(format!("{id} was changed meanwhile"))),
    })?;
    show_generated(&arguments.password, &password)
}

/// Makes everything again that was made from the password, so that the old one is of no use.
fn with_new_password(
    current: Record,
    maker: &Maker<'_>,
    id: &EntryId,
    password: &Secret,
) -> keyward_core::Result<Record> {
    let has = |form| !record::verifiers(&current, form).is_empty();
    let realms: Vec<_> = record::verifiers(&current, VerifierForm::Ha1)
        .iter()
        .filter_map(|stored| Ha1::parse(&stored.value).ok())
        .map(|ha1| ha1.realm)
        .collect();
    let algorithms: Vec<_> = [scram::Algorithm::Sha256, scram::Algorithm::Sha1]
        .into_iter()
        .filter(|algorithm| has(algorithm.form()))
        .collect();
    let mut changed = with_hash(current.clone(), maker, id, password)?;
    for algorithm in algorithms {
        changed = with_scram(changed, algorithm, password)?;
    }
    Ok(with_digest(changed, id, &realms, password))
}

pub(super) fn remove(store: &str, user: &str, session: &Session) -> Outcome {
    let (store, id) = open(store, user, session)?;
    user_record(&store, &id)?;
    Ok(store.unset(&id)?)
}

pub(super) fn list(store: &str, as_json: bool, session: &Session) -> Outcome {
    let mut lines = Lines::new();
    for_each_user(store, session, |id, found, now| {
        let denied = record::denied(found, now).map(keyward_core::Denial::describe);
        let forms =
            record::FORMS.iter().filter(|form| !record::verifiers(found, **form).is_empty());
        let forms: Vec<_> = forms.map(|form| form.name()).collect();
        let status = if denied.is_some() { "disabled" } else { "usable" };
        lines.print(&if as_json {
            json!({ "user": id.user(), "status": status, "verifiers": forms }).to_string()
        } else {
            let more = denied.map(|why| format!("\t{why}")).unwrap_or_default();
            escape_if_terminal(&format!("{}\t{}{more}", id.user(), forms.join(", ")))
        })
    })?;
    lines.end()
}

pub(super) fn lint(store: &str, as_json: bool, session: &Session) -> Outcome {
    let (mut lines, mut count) = (Lines::new(), 0);
    for_each_user(store, session, |id, found, _| {
        for (problem, text) in problems(found) {
            count += 1;
            lines.print(&if as_json {
                json!({ "user": id.user(), "problem": problem, "text": text }).to_string()
            } else {
                escape_if_terminal(&format!("{}: {text}", id.user()))
            })?;
        }
        Ok(())
    })?;
    lines.end()?;
    found(count)
}

/// Returns what is wrong or weak in the record of a user.
fn problems(found: &Record) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    let of_form = |form| record::verifiers(found, form);
    if !of_form(VerifierForm::Plaintext).is_empty() {
        problems.push(("plaintext", "the password is stored as it is".to_owned()));
    }
    for stored in OF_PASSWORDS.into_iter().flat_map(of_form) {
        match check(&stored) {
            None => {}
            Some(Problem::Unusable) => {
                problems.push(("unusable", format!("{} cannot be used", stored.form.name())));
            }
            Some(Problem::Weak) => {
                problems
                    .push(("weak", format!("passwords can be guessed from {}", describe(&stored))));
            }
        }
    }
    problems
}

enum Problem {
    Unusable,
    Weak,
}

fn check(stored: &Verifier) -> Option<Problem> {
    let weakness = match stored.form {
        VerifierForm::PasswordHash => match Hash::parse(&stored.value) {
            Err(_) => return Some(Problem::Unusable),
            Ok(hash) => hash.weakness().is_some(),
        },
        VerifierForm::Ha1 => match Ha1::parse(&stored.value) {
            Err(_) => return Some(Problem::Unusable),
            Ok(ha1) => ha1.algorithm == ha1::Algorithm::Md5,
        },
        _ => match Scram::parse(&stored.value) {
            Err(_) => return Some(Problem::Unusable),
            Ok(scram) => scram.iterations < scram::MIN_ITERATIONS,
        },
    };
    weakness.then_some(Problem::Weak)
}

/// Calls `each` with all users of a store, in the order of their names.
fn for_each_user(
    store: &str,
    session: &Session,
    mut each: impl FnMut(&EntryId, &Record, keyward_core::Timestamp) -> Outcome,
) -> Outcome {
    let keyward = session.keyward()?;
    let store = keyward.store(store)?;
    let mut query = Query::default();
    let mut ids = Vec::new();
    loop {
        let page = store.list(&query)?;
        ids.extend(page.entries.into_iter().filter(|id| id.name().is_none() && !id.is_reserved()));
        if page.next.is_none() {
            break;
        }
        query = query.with_cursor(page.next);
    }
    ids.sort();
    for id in &ids {
        match store.get(id) {
            Ok(found) if record::is_of_user(&found) => each(id, &found, store.now())?,
            Ok(_) => {}
            Err(error) if error.is_miss() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Opens a store, and returns the entry of a user.
fn open(store: &str, user: &str, session: &Session) -> Outcome<(OpenStore, EntryId)> {
    let name =
        prepare_user(user).map_err(|malformed| Error::invalid("usage", malformed.to_string()))?;
    let store = session.keyward()?.store(store)?;
    let id = store.entry(Some(&name), None)?;
    session.console.log(Level::Info, format_args!("the entry is {id}"));
    Ok((store, id))
}

fn user_record(store: &OpenStore, id: &EntryId) -> keyward_core::Result<Record> {
    let found = store.get(id)?;
    match record::is_of_user(&found) {
        true => Ok(found),
        false => Err(Error::not_found("auth").because(format!("{id} is no user"))),
    }
}

fn already(id: &EntryId) -> Error {
    Error::new(ErrorKind::Exists, "auth add")
        .because(format!("{id} is in the store already"))
        .hint(format!("keyward auth passwd {id} changes the password"))
}

fn with_hash(
    made: Record,
    maker: &Maker<'_>,
    id: &EntryId,
    password: &Secret,
) -> keyward_core::Result<Record> {
    let hash = maker.make(id.user(), password)?;
    Ok(record::with_verifiers(made, VerifierForm::PasswordHash, &[hash]))
}

fn with_scram(
    made: Record,
    algorithm: scram::Algorithm,
    password: &Secret,
) -> keyward_core::Result<Record> {
    let scram = Scram::make(algorithm, password, scram::ITERATIONS)?;
    Ok(record::with_verifiers(made, algorithm.form(), &[scram.write()]))
}

/// Adds hashes A1 for clients that know SHA-256, and for those that know only MD5.
fn with_digest(made: Record, id: &EntryId, realms: &[String], password: &Secret) -> Record {
    let mut realms = realms.to_vec();
    realms.sort();
    realms.dedup();
    let algorithms = [ha1::Algorithm::Sha256, ha1::Algorithm::Md5];
    let make =
        |realm: &String| algorithms.map(|it| Ha1::make(it, id.user(), realm, password).write());
    let stored: Vec<_> = realms.iter().flat_map(make).collect();
    record::with_verifiers(made, VerifierForm::Ha1, &stored)
}
