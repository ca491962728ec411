//! The fields of checkers.

use keyward_core::{
    Account, Attempt, Denial, Error, ErrorKind, Identity, Presented, PresentedKind, Result, Round,
    Secret, Timestamp, Verifier, VerifierForm,
};

use super::pairs::{are_few, read_pairs, secret};
use super::words::{meaning, word};
use crate::cbor::{Fields, Malformed, Map, Put, pair};

/// The most kinds of a credential, and the most that a checker accepts.
pub const MAX_KINDS: usize = 64;

/// The longest name of a kind, in bytes.
pub const MAX_KIND: usize = 128;

/// The longest name of a user, address or service, in bytes.
pub const MAX_NAME: usize = 64 << 10;

/// The longest message of a mechanism, in bytes; it is also the limit of what a checker keeps
/// between two rounds.
pub const MAX_MESSAGE: usize = 1 << 20;

/// The most verifiers of a user.
pub const MAX_VERIFIERS: usize = 1024;

/// The most bytes of a user's verifiers together.
pub const MAX_VERIFIERS_BYTES: usize = 1 << 20;

const FORMS: [VerifierForm; 10] = [
    VerifierForm::Plaintext,
    VerifierForm::PasswordHash,
    VerifierForm::ScramSha256,
    VerifierForm::ScramSha1,
    VerifierForm::Ha1,
    VerifierForm::Md5,
    VerifierForm::OneTimePassword,
    VerifierForm::RecoveryCode,
    VerifierForm::Token,
    VerifierForm::Certificate,
];

const DENIALS: [(&str, Denial); 7] = [
    ("secret", Denial::Secret),
    ("malformed", Denial::Malformed),
    ("disabled", Denial::Disabled),
    ("expired", Denial::Expired),
    ("password-change-due", Denial::PasswordChangeDue),
    ("replayed", Denial::Replayed),
    ("restricted", Denial::Restricted),
];

/// Iterates over the forms of verifiers that the protocol has.
pub fn forms() -> impl Iterator<Item = VerifierForm> {
    FORMS.into_iter()
}

/// Whether a name of a user can be sent. No user has one that cannot.
pub fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
}

/// Whether a credential and its circumstances can be sent, apart from the name of the user.
pub fn is_small(presented: &Presented, attempt: &Attempt) -> bool {
    let kinds = presented.kinds();
    kinds.len() <= MAX_KINDS
        && kinds.iter().all(|kind| kind.name().len() <= MAX_KIND)
        && are_few(presented.fields().map(|(name, value)| (name, value.expose())))
        && is_small_attempt(attempt)
}

/// Whether the circumstances of a login can be sent.
pub fn is_small_attempt(attempt: &Attempt) -> bool {
    [&attempt.address, &attempt.service].into_iter().flatten().all(|text| is_name(text))
}

/// Writes what a checker accepts and stores.
pub fn write_abilities(
    fields: &mut Fields<'_>,
    accepts: &[PresentedKind],
    stores: &[VerifierForm],
) {
    fields.put_list("accepts", accepts, |out, kind| kind.name().put(out));
    fields.put_list("stores", stores, |out, form| form.name().put(out));
}

/// Reads what a checker accepts and stores. Kinds and forms of a later version are left out.
///
/// # Errors
/// [`Malformed`] if a field has a value that the protocol does not allow.
pub fn read_abilities(
    fields: &Map<'_>,
) -> Result<(Vec<PresentedKind>, Vec<VerifierForm>), Malformed> {
    let words = |name| match fields.find::<Vec<&str>>(name)?.unwrap_or_default() {
        words if words.len() > MAX_KINDS => Err(Malformed(name)),
        words if words.iter().any(|word| word.len() > MAX_KIND) => Err(Malformed(name)),
        words => Ok(words),
    };
    let accepts = words("accepts")?.into_iter().filter_map(PresentedKind::from_name).collect();
    Ok((accepts, words("stores")?.into_iter().filter_map(form_of).collect()))
}

/// Writes the arguments of `check`.
pub fn write_check(fields: &mut Fields<'_>, presented: &Presented, attempt: &Attempt) {
    let values: Vec<_> = presented.fields().collect();
    fields.put_list("kinds", presented.kinds(), |out, kind| kind.name().put(out));
    fields.put_some("user", presented.user());
    fields.put_list("fields", &values, |out, (name, value)| pair(out, name, value.expose()));
    write_attempt(fields, attempt);
}

/// Reads the arguments of `check`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_check(fields: &Map<'_>) -> Result<(Presented, Attempt), Malformed> {
    let kinds = fields.get::<Vec<&str>>("kinds")?;
    if kinds.len() > MAX_KINDS || kinds.iter().any(|kind| kind.len() > MAX_KIND) {
        return Err(Malformed("kinds"));
    }
    let mut kinds = kinds.into_iter().filter_map(PresentedKind::from_name);
    let mut presented = Presented::new(kinds.next().ok_or(Malformed("kinds"))?);
    for kind in kinds {
        presented = presented.also(kind);
    }
    if let Some(user) = text(fields, "user")? {
        presented = presented.named(user);
    }
    for (name, value) in read_pairs(fields, "fields")? {
        presented = presented.with(name, value);
    }
    Ok((presented, read_attempt(fields)?))
}

/// Writes the arguments of `resume`.
pub fn write_resume(fields: &mut Fields<'_>, pending: &Secret, answer: &Secret, attempt: &Attempt) {
    fields.put("pending", pending.expose()).put("answer", answer.expose());
    write_attempt(fields, attempt);
}

/// Reads the arguments of `resume`: what is pending, and the client's answer.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_resume(fields: &Map<'_>) -> Result<(Secret, Secret, Attempt), Malformed> {
    let pending = secret(fields, "pending", MAX_MESSAGE)?;
    Ok((pending, secret(fields, "answer", MAX_MESSAGE)?, read_attempt(fields)?))
}

fn write_attempt(fields: &mut Fields<'_>, attempt: &Attempt) {
    fields.put_some("address", attempt.address.as_deref());
    fields.put("private", attempt.private).put_some("service", attempt.service.as_deref());
}

fn read_attempt(fields: &Map<'_>) -> Result<Attempt, Malformed> {
    let mut attempt = Attempt::default();
    attempt.address = text(fields, "address")?;
    attempt.private = fields.find("private")?.unwrap_or(false);
    attempt.service = text(fields, "service")?;
    Ok(attempt)
}

fn text(fields: &Map<'_>, name: &'static str) -> Result<Option<String>, Malformed> {
    match fields.find::<&str>(name)? {
        Some(text) if text.len() > MAX_NAME => Err(Malformed(name)),
        text => Ok(text.map(str::to_owned)),
    }
}

/// Checks that the host can read this answer to `check` or `resume`.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) if something is larger than the protocol allows, or of a
/// kind that it does not have.
pub fn check_round(round: &Round) -> Result<()> {
    let fits = |message: &Secret| message.len() <= MAX_MESSAGE;
    let small = match round {
        Round::Accepted { last, .. } => last.as_ref().is_none_or(fits),
        Round::Wrong { why, last } if DENIALS.iter().any(|(_, known)| known == why) => {
            last.as_ref().is_none_or(fits)
        }
        Round::Challenge { pending, challenge } => fits(pending) && fits(challenge),
        Round::Unknown => true,
        _ => return Err(unsupported("check", "the protocol has no such answer")),
    };
    if small { Ok(()) } else { Err(unsupported("check", TOO_LARGE)) }
}

const TOO_LARGE: &str = "an answer is larger than the plugin protocol allows";

fn unsupported(call: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, call).because(why.to_owned())
}

/// Writes the answer to `check` or `resume`.
pub fn write_round(fields: &mut Fields<'_>, round: &Round) {
    let put_last = |fields: &mut Fields<'_>, last: &Option<Secret>| {
        fields.put_some("last", last.as_ref().map(Secret::expose));
    };
    match round {
        Round::Accepted { identity, last, until } => {
            fields.put("round", "accepted");
            fields.put_some("identity", identity.as_ref().map(Identity::as_str));
            put_last(fields, last);
            fields.put_some("until", until.map(Timestamp::as_unix));
        }
        Round::Challenge { pending, challenge } => {
            fields.put("round", "challenge").put("pending", pending.expose());
            fields.put("challenge", challenge.expose());
        }
        Round::Wrong { why, last } => {
            fields.put("round", "wrong").put("why", word(&DENIALS, *why));
            put_last(fields, last);
        }
        // `check_round` refuses others.
        _ => {
            fields.put("round", "unknown");
        }
    }
}

/// Reads the answer to `check` or `resume`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_round(fields: &Map<'_>) -> Result<Round, Malformed> {
    let last = || match fields.find::<&[u8]>("last")? {
        Some(last) if last.len() > MAX_MESSAGE => Err(Malformed("last")),
        last => Ok(last.map(Secret::from)),
    };
    Ok(match fields.get("round")? {
        "accepted" => Round::Accepted {
            identity: read_identity(fields)?,
            last: last()?,
            until: fields.find("until")?.map(Timestamp::from_unix),
        },
        "challenge" => Round::Challenge {
            pending: secret(fields, "pending", MAX_MESSAGE)?,
            challenge: secret(fields, "challenge", MAX_MESSAGE)?,
        },
        "unknown" => Round::Unknown,
        "wrong" => Round::Wrong { why: meaning(&DENIALS, fields, "why")?, last: last()? },
        _ => return Err(Malformed("round")),
    })
}

fn read_identity(fields: &Map<'_>) -> Result<Option<Identity>, Malformed> {
    let name = fields.find::<&str>("identity")?;
    name.map(|name| Identity::new(name).map_err(|_| Malformed("identity"))).transpose()
}

fn form_of(name: &str) -> Option<VerifierForm> {
    forms().find(|form| form.name() == name)
}

fn read_form(fields: &Map<'_>) -> Result<VerifierForm, Malformed> {
    form_of(fields.get("form")?).ok_or(Malformed("form"))
}

/// Writes the arguments of `account`.
pub fn write_account_call(fields: &mut Fields<'_>, user: &str, form: VerifierForm) {
    fields.put("user", user).put("form", form.name());
}

/// Reads the arguments of `account`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_account_call(fields: &Map<'_>) -> Result<(String, VerifierForm), Malformed> {
    let user = text(fields, "user")?.ok_or(Malformed("user"))?;
    Ok((user, read_form(fields)?))
}

/// Checks that the host can read this answer to a call of `account` with this form.
///
/// # Errors
/// As [`check_round`].
pub fn check_account(account: &Account, form: VerifierForm) -> Result<()> {
    if account.verifiers.iter().any(|verifier| verifier.form != form) {
        return Err(unsupported("account", "a verifier is not of the form that was asked for"));
    }
    let is_known = |why| DENIALS.iter().any(|(_, known)| *known == why);
    let fits = are_few_verifiers(account.verifiers.iter().map(|it| it.value.expose()))
        && account.denied.is_none_or(is_known);
    if fits { Ok(()) } else { Err(unsupported("account", TOO_LARGE)) }
}

fn are_few_verifiers<'a>(values: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
    values.len() <= MAX_VERIFIERS && values.map(<[u8]>::len).sum::<usize>() <= MAX_VERIFIERS_BYTES
}

/// Writes the answer to `account`; without a user, it is empty.
pub fn write_account(fields: &mut Fields<'_>, account: Option<&Account>) {
    if let Some(account) = account {
        fields.put("identity", account.identity.as_str());
        fields.put_list("verifiers", &account.verifiers, |out, verifier| {
            verifier.value.expose().put(out);
        });
        fields.put_some("denied", account.denied.map(|why| word(&DENIALS, why)));
    }
}

/// Reads the answer to a call of `account` with this form.
///
/// # Errors
/// [`Malformed`] if a field has a value that the protocol does not allow.
pub fn read_account(fields: &Map<'_>, form: VerifierForm) -> Result<Option<Account>, Malformed> {
    let Some(identity) = read_identity(fields)? else { return Ok(None) };
    let values = fields.find::<Vec<&[u8]>>("verifiers")?.unwrap_or_default();
    if !are_few_verifiers(values.iter().copied()) {
        return Err(Malformed("verifiers"));
    }
    let verifiers = values.into_iter().map(|value| Verifier::new(form, value)).collect();
    let mut account = Account::new(identity, verifiers);
    if fields.find::<&str>("denied")?.is_some() {
        account.denied = Some(meaning(&DENIALS, fields, "denied")?);
    }
    Ok(Some(account))
}

/// Writes the arguments of `example`.
pub fn write_example_call(fields: &mut Fields<'_>, pick: u64, form: VerifierForm) {
    fields.put("pick", pick).put("form", form.name());
}

/// Reads the arguments of `example`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_example_call(fields: &Map<'_>) -> Result<(u64, VerifierForm), Malformed> {
    Ok((fields.get("pick")?, read_form(fields)?))
}

/// Checks that the host can read this answer to a call of `example` with this form.
///
/// # Errors
/// As [`check_round`].
pub fn check_example(example: &Verifier, form: VerifierForm) -> Result<()> {
    let why = match example {
        example if example.form != form => "the verifier is not of the form that was asked for",
        example if example.value.len() > MAX_VERIFIERS_BYTES => TOO_LARGE,
        _ => return Ok(()),
    };
    Err(unsupported("example", why))
}

/// Writes the answer to `example`; without an example, it is empty.
pub fn write_example(fields: &mut Fields<'_>, example: Option<&Verifier>) {
    fields.put_some("verifier", example.map(|example| example.value.expose()));
}

/// Reads the answer to a call of `example` with this form.
///
/// # Errors
/// [`Malformed`] if a field has a value that the protocol does not allow.
pub fn read_example(fields: &Map<'_>, form: VerifierForm) -> Result<Option<Verifier>, Malformed> {
    match fields.find::<&[u8]>("verifier")? {
        Some(value) if value.len() > MAX_VERIFIERS_BYTES => Err(Malformed("verifier")),
        value => Ok(value.map(|value| Verifier::new(form, value))),
    }
}
