//! Verifiers in records: what a store keeps of a user whom a server must recognize.

use keyward_core::{Denial, Field, Form, Record, Secret, Timestamp, Verifier, VerifierForm};
use keyward_kinds::{fields, names};

use crate::fingerprint;

/// The forms of verifiers that a record can have.
pub const FORMS: &[VerifierForm] = &[
    VerifierForm::PasswordHash,
    VerifierForm::ScramSha256,
    VerifierForm::ScramSha1,
    VerifierForm::Ha1,
    VerifierForm::Plaintext,
    VerifierForm::OneTimePassword,
    VerifierForm::RecoveryCode,
    VerifierForm::Token,
    VerifierForm::Certificate,
];

/// Returns the verifiers of one form that a record has.
///
/// A record of the kind `verifiers` has what its fields say. The records that clients use serve too:
/// the password of a `user-password`, the token of a `token`, the secret of a `totp`. A record of
/// another kind has none.
pub fn verifiers(record: &Record, form: VerifierForm) -> Vec<Verifier> {
    let value = |name| record.field(name).map(|field| field.value.clone());
    let one = |name| value(name).into_iter().collect::<Vec<_>>();
    let values = match (record.kind.as_str(), form) {
        (names::USER_PASSWORD, VerifierForm::Plaintext) => one(fields::PASSWORD),
        (names::TOKEN, VerifierForm::Token) => {
            one(fields::TOKEN).iter().map(|token| fingerprint(token.expose())).collect()
        }
        (names::TOTP, VerifierForm::OneTimePassword) => one(fields::URI),
        (names::VERIFIERS, form) => match field_of(form) {
            Some((name, false)) => one(name),
            Some((name, true)) => one(name).iter().flat_map(lines).collect(),
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    let present = values.into_iter().filter(|value| !value.is_empty());
    present.map(|value| Verifier::new(form, value)).collect()
}

/// Whether a record can be that of a user.
pub fn is_of_user(record: &Record) -> bool {
    let kinds = [names::USER_PASSWORD, names::TOKEN, names::TOTP, names::VERIFIERS];
    kinds.contains(&record.kind.as_str())
}

/// Returns the name of a user that a record of the kind `verifiers` says, if it says one.
pub fn identity(record: &Record) -> Option<&str> {
    let named = record.field(fields::USERNAME).filter(|_| record.kind == names::VERIFIERS);
    named.and_then(|field| field.value.expose_str()).filter(|name| !name.is_empty())
}

/// Returns why the user of a record is not let in, if that is so.
pub fn denied(record: &Record, now: Timestamp) -> Option<Denial> {
    if record.expires.is_some_and(|expires| expires <= now) {
        return Some(Denial::Expired);
    }
    let field = record.field(fields::DENIED).filter(|_| record.kind == names::VERIFIERS)?;
    match field.value.expose() {
        b"" => None,
        b"password-change-due" => Some(Denial::PasswordChangeDue),
        // Also a word of a later version.
        _ => Some(Denial::Disabled),
    }
}

/// Returns the SSH keys of a user, with their options, as lines of `authorized_keys`. A record of
/// another kind than `verifiers` has none.
pub fn authorized_keys(record: &Record) -> Vec<&str> {
    let field = record.field(fields::AUTHORIZED_KEYS).filter(|_| record.kind == names::VERIFIERS);
    let text = field.and_then(|field| field.value.expose_str()).unwrap_or_default();
    let is_key = |line: &&str| {
        !line.is_empty()
            && !line.starts_with('#')
            && !line.contains(|it: char| it.is_control() && it != '\t')
    };
    text.lines().map(str::trim).filter(is_key).collect()
}

/// Returns the record with these verifiers of one form instead of those that it had.
#[must_use]
pub fn with_verifiers(mut record: Record, form: VerifierForm, verifiers: &[Secret]) -> Record {
    let Some((name, _)) = field_of(form) else { return record };
    if verifiers.is_empty() {
        record.fields.remove(name);
        return record;
    }
    let mut text = Vec::new();
    for verifier in verifiers {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(verifier.expose());
    }
    let mut field = Field::secret(Secret::new(text));
    field.form = Form::Text;
    record.with(name, field)
}

/// The field of a form in records of the kind `verifiers`, and whether it has several lines.
fn field_of(form: VerifierForm) -> Option<(&'static str, bool)> {
    Some(match form {
        VerifierForm::PasswordHash => (fields::PASSWORD_HASH, false),
        VerifierForm::ScramSha256 => (fields::SCRAM_SHA_256, false),
        VerifierForm::ScramSha1 => (fields::SCRAM_SHA_1, false),
        VerifierForm::Ha1 => (fields::HA1, true),
        VerifierForm::OneTimePassword => (fields::URI, false),
        VerifierForm::RecoveryCode => (fields::RECOVERY_CODES, true),
        VerifierForm::Token => (fields::TOKENS, true),
        VerifierForm::Certificate => (fields::CERTIFICATES, true),
        _ => return None,
    })
}

fn lines(text: &Secret) -> Vec<Secret> {
    let lines = text.expose().split(|byte| *byte == b'\n');
    lines.map(|line| Secret::from(line.trim_ascii())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(record: &Record, form: VerifierForm) -> Vec<Vec<u8>> {
        let all = verifiers(record, form);
        all.into_iter().map(|verifier| verifier.value.into_bytes()).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        for form in FORMS.iter().copied().filter(|form| *form != VerifierForm::Plaintext) {
            let record = with_verifiers(Record::new(names::VERIFIERS), form, &["a".into()]);
            assert_eq!(values(&record, form), [b"a"], "{form:?}");
            let others = FORMS.iter().filter(|other| **other != form);
            assert!(others.clone().all(|other| verifiers(&record, *other).is_empty()));
            let none = with_verifiers(record, form, &[]);
            assert!(none.fields.is_empty());
        }
        let two = with_verifiers(
            Record::new(names::VERIFIERS),
            VerifierForm::Ha1,
            &["MD5:a:00".into(), "MD5:b:00".into()],
        );
        assert_eq!(values(&two, VerifierForm::Ha1).len(), 2);
    }

    #[test]
    fn the_records_of_clients_serve() {
        let password =
            Record::new(names::USER_PASSWORD).with(fields::PASSWORD, Field::secret("pw"));
        assert_eq!(values(&password, VerifierForm::Plaintext), [b"pw"]);
        let token = Record::new(names::TOKEN).with(fields::TOKEN, Field::secret("t"));
        assert_eq!(values(&token, VerifierForm::Token), [fingerprint(b"t").into_bytes()]);
        let empty = Record::new(names::USER_PASSWORD).with(fields::PASSWORD, Field::secret(""));
        assert!(values(&empty, VerifierForm::Plaintext).is_empty());
        let note = Record::new(names::NOTE).with(fields::TEXT, Field::secret("pw"));
        assert!(!is_of_user(&note));
        assert!(FORMS.iter().all(|form| verifiers(&note, *form).is_empty()));
    }

    #[test]
    fn a_user_can_be_denied() {
        let now = Timestamp::from_unix(1000);
        let denied_as = |word: &str| {
            denied(&Record::new(names::VERIFIERS).with(fields::DENIED, Field::open(word)), now)
        };
        assert_eq!(denied_as(""), None);
        assert_eq!(denied_as("disabled"), Some(Denial::Disabled));
        assert_eq!(denied_as("password-change-due"), Some(Denial::PasswordChangeDue));
        assert_eq!(denied_as("a later word"), Some(Denial::Disabled));
        let ended = Record::new(names::USER_PASSWORD).with_expires(Some(now));
        assert_eq!(denied(&ended, now), Some(Denial::Expired));
    }
}
