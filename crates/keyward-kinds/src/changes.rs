use std::collections::{BTreeMap, BTreeSet};

use keyward_core::{
    Error, ErrorKind, Origin, Record, Result, Secret, Timestamp, canonical, printable,
};

use crate::labels::REJECTED;
use crate::view::{self, other_kind};
use crate::{Kind, names};

/// The longest name or value of a label, in bytes.
const MAX_LABEL: usize = 255;

/// What to change in a record. Everything else in it stays as it is.
///
/// # Examples
/// ```
/// use keyward_core::{Record, Timestamp};
/// use keyward_kinds::{Changes, Kinds, fields, names};
///
/// let kinds = Kinds::linked();
/// let token = kinds.find(names::TOKEN)?;
/// let now = Timestamp::from_unix(1_800_000_000);
/// let made = Changes::default().with_field(fields::TOKEN, "t0ken").apply(token, None, now)?;
/// let changed = Changes::default().with_label("team", "red").apply(token, Some(made), now)?;
/// assert_eq!(changed.field(fields::TOKEN).unwrap().value.expose(), b"t0ken");
/// assert_eq!(changed.labels["team"], "red");
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Changes {
    /// The fields to set.
    pub fields: BTreeMap<String, Secret>,
    /// Those of the fields that are secret, also if the table does not say so.
    pub secret: BTreeSet<String>,
    /// Those of the fields whose values others may have seen. They are not set if the record says
    /// that the field is secret.
    pub open: BTreeSet<String>,
    /// The fields to remove.
    pub removed: BTreeSet<String>,
    /// The labels to set; an empty text removes one.
    pub labels: BTreeMap<String, String>,
    /// The origins to which the record is bound besides those that it has.
    pub bound: Vec<Origin>,
    /// The origins to which it is no longer bound.
    pub unbound: Vec<Origin>,
    /// When the record expires from now on, or that it no longer does.
    pub expires: Option<Option<Timestamp>>,
    /// Whether a record of another kind is replaced.
    pub replaces: bool,
}

impl Changes {
    /// Returns the same changes, which also set this field.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Returns the same changes, which also set this field, and mark it as secret.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        let name = name.into();
        self.secret.insert(name.clone());
        self.with_field(name, value)
    }

    /// Returns the same changes, which also set this field to a value that others may have seen.
    #[must_use]
    pub fn with_open(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        let name = name.into();
        self.open.insert(name.clone());
        self.with_field(name, value)
    }

    /// Returns the same changes, which also set this label.
    #[must_use]
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
            && self.removed.is_empty()
            && self.labels.is_empty()
            && self.expires.is_none()
    }

    /// Returns the record after the changes; a new one if there is none.
    ///
    /// If the main secret changes, the record loses the expiry and the refresh token of the old one,
    /// unless they are set too, and no longer counts as derived from another one. If it is set, the
    /// record loses the label [`REJECTED`], unless the value stays the same and the label is set too.
    ///
    /// # Errors
    /// - [`Exists`](ErrorKind::Exists) if the record is of another kind, and
    ///   [`replaces`](Self::replaces) is not set or the record is a list of accounts.
    /// - [`Invalid`](ErrorKind::Invalid) as [`Kind::field`] and [`Kind::check`], or if there is no
    ///   field to remove.
    pub fn apply(&self, kind: &Kind, old: Option<Record>, now: Timestamp) -> Result<Record> {
        let mut record = match old {
            Some(old) if old.kind == kind.name => old,
            // Its entries name other entries.
            Some(old) if old.kind == names::ACCOUNTS => return Err(other_kind(&old)),
            Some(old) if !self.replaces => {
                return Err(other_kind(&old).hint(
                    "To change it, name its kind with --kind; to replace it, add --replace",
                ));
            }
            _ => kind.with_defaults(Record::new(kind.name.as_str()).with_created(now)),
        };
        let main = kind.main.as_deref();
        let before = main.and_then(|main| view::value(&record, main));
        for (name, value) in &self.fields {
            let was_secret = record.field(name).is_some_and(|field| field.secret);
            if was_secret && self.open.contains(name) {
                return Err(is_secret(name));
            }
            let mut field = kind.field(name, value.clone())?;
            field.secret |= self.secret.contains(name);
            view::put(&mut record, name, field);
        }
        for name in &self.removed {
            if record.fields.remove(name).is_none() {
                let why = format!("the record has no field `{}`", printable(name));
                return Err(Error::new(ErrorKind::Invalid, "set").because(why));
            }
        }
        if main.is_some_and(|main| self.fields.contains_key(main)) {
            record.labels.remove(REJECTED);
        }
        self.set_labels(&mut record)?;
        record.origins.retain(|origin| !self.unbound.contains(origin));
        for origin in &self.bound {
            if !record.origins.contains(origin) {
                record.origins.push(origin.clone());
            }
        }
        if let Some(main) = main {
            let written: Vec<_> = self.fields.keys().map(String::as_str).collect();
            view::forget_old_grant(&mut record, before.as_ref(), main, &written);
        }
        if let Some(expires) = self.expires {
            record.expires = expires;
        }
        kind.check(&record)?;
        Ok(record.with_updated(now))
    }

    fn set_labels(&self, record: &mut Record) -> Result<()> {
        for (name, value) in &self.labels {
            canonical("label", name, MAX_LABEL)?;
            if value.is_empty() {
                record.labels.remove(name);
            } else {
                canonical("value of the label", value, MAX_LABEL)?;
                record.labels.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }
}

/// Returns the error for a secret field whose value others may have seen.
fn is_secret(name: &str) -> Error {
    let name = printable(name);
    Error::invalid("set", format!("the field `{name}` is secret: others can read the command line"))
        .hint(format!("Use --secret {name} to be asked, or --secret-file {name}=PATH"))
}

#[cfg(test)]
mod tests {
    use keyward_core::Field;

    use super::*;
    use crate::{Kinds, fields};

    const THEN: Timestamp = Timestamp::from_unix(1);
    const NOW: Timestamp = Timestamp::from_unix(2);

    fn apply(kind: &str, old: Option<Record>, changes: Changes) -> Result<Record> {
        changes.apply(Kinds::linked().find(kind).unwrap(), old, NOW)
    }

    fn old() -> Record {
        let record = Record::new(names::USER_PASSWORD).with_created(THEN).with_updated(THEN);
        let record = record.with_expires(Some(NOW)).with("team", Field::open("red"));
        record
            .with(fields::USERNAME, Field::open("ann"))
            .with(fields::PASSWORD, Field::secret("old"))
            .with(fields::REFRESH_TOKEN, Field::secret("refresh"))
    }

    #[test]
    fn what_is_not_named_stays() {
        let changes = Changes::default().with_field(fields::USERNAME, "bob").with_label("a", "b");
        let record = apply(names::USER_PASSWORD, Some(old()), changes).unwrap();
        let mut expected = old().with(fields::USERNAME, Field::open("bob")).with_updated(NOW);
        expected.labels.insert("a".into(), "b".into());
        assert_eq!(record, expected);
    }

    #[test]
    fn another_main_secret_has_neither_the_expiry_nor_the_refresh_token_of_the_old_one() {
        let changes = Changes::default().with_field(fields::PASSWORD, "new");
        let record = apply(names::USER_PASSWORD, Some(old()), changes.clone()).unwrap();
        assert!(record.expires.is_none() && record.field(fields::REFRESH_TOKEN).is_none());
        assert!(record.field("team").is_some());
        let changes = Changes { expires: Some(Some(THEN)), ..changes };
        let record = apply(names::USER_PASSWORD, Some(old()), changes).unwrap();
        assert_eq!(record.expires, Some(THEN));
    }

    #[test]
    fn a_new_record_needs_every_required_field() {
        let changes = Changes::default().with_field(fields::PASSWORD, "new");
        let error = apply(names::USER_PASSWORD, None, changes.clone()).unwrap_err();
        assert_eq!(error.message(), "the record has no field `username`");
        let record =
            apply(names::USER_PASSWORD, None, changes.with_field(fields::USERNAME, "ann")).unwrap();
        assert_eq!((record.created, record.updated), (NOW, NOW));
        assert!(record.field(fields::PASSWORD).unwrap().secret);
    }

    #[test]
    fn a_record_of_another_kind_is_replaced_only_on_request() {
        let changes = Changes::default().with_field(fields::TOKEN, "t");
        let error = apply(names::TOKEN, Some(old()), changes.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists);
        let record =
            apply(names::TOKEN, Some(old()), Changes { replaces: true, ..changes }).unwrap();
        assert_eq!((record.kind.as_str(), record.fields.len()), (names::TOKEN, 1));
        let list = Some(Record::new(names::ACCOUNTS));
        let replacing = Changes { replaces: true, ..Changes::default() };
        let error = apply(names::TOKEN, list, replacing.with_field(fields::TOKEN, "t"));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Exists);
    }

    #[test]
    fn a_field_that_the_table_does_not_have_can_be_secret() {
        let changes = Changes::default().with_field(fields::SECRET, "s");
        let changes = changes.with_secret("pin", "1234").with_field("place", "here");
        let record = apply(names::GENERIC, None, changes).unwrap();
        assert!(record.field("pin").unwrap().secret && !record.field("place").unwrap().secret);
        let open = |name| Changes::default().with_open(name, "x");
        let error = apply(names::GENERIC, Some(record.clone()), open("pin")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(apply(names::GENERIC, Some(record), open("place")).is_ok());
    }

    #[test]
    fn a_secret_that_is_set_is_no_longer_rejected() {
        let rejected = || {
            let mut record = old();
            record.labels.insert(REJECTED.into(), "then".into());
            Some(record)
        };
        let same = || Changes::default().with_field(fields::PASSWORD, "old");
        for (changes, stays) in [
            (Changes::default().with_field(fields::PASSWORD, "new"), false),
            (same(), false),
            (Changes::default().with_label("team", "red"), true),
            (Changes::default().with_label(REJECTED, ""), false),
            // So does the JSON of a record in an editor.
            (same().with_label(REJECTED, "then"), true),
            (same().with_label(REJECTED, "then").with_field(fields::PASSWORD, "new"), false),
        ] {
            let record = apply(names::USER_PASSWORD, rejected(), changes.clone()).unwrap();
            assert_eq!(record.labels.contains_key(REJECTED), stays, "{changes:?}");
        }
    }

    #[test]
    fn fields_and_labels_are_removed() {
        let mut record = old();
        record.labels.insert("a".into(), "b".into());
        let changes = Changes { removed: ["team".to_owned()].into(), ..Changes::default() };
        let record =
            apply(names::USER_PASSWORD, Some(record), changes.with_label("a", "")).unwrap();
        assert!(record.field("team").is_none() && record.labels.is_empty());
        for name in ["nope", fields::PASSWORD] {
            let changes = Changes { removed: [name.to_owned()].into(), ..Changes::default() };
            let error = apply(names::USER_PASSWORD, Some(old()), changes).unwrap_err();
            assert_eq!(error.message(), format!("the record has no field `{name}`"));
        }
    }
}
