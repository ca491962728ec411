use std::collections::BTreeMap;

use crate::{EntryId, Origin, Revision, Secret, Timestamp};

/// The decrypted content of an entry: a typed credential with named fields, and facts about it.
///
/// # Examples
/// ```
/// use keyward_core::{Field, Record};
///
/// let record = Record::new("user-password")
///     .with("username", Field::open("ann"))
///     .with("password", Field::secret("s3cret"));
/// assert_eq!(record.field("username").unwrap().value.expose(), b"ann");
/// assert!(!format!("{record:?}").contains("s3cret"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The type of credential: `user-password`, `token`, …
    pub kind: String,
    /// The fields, sorted by name.
    pub fields: BTreeMap<String, Field>,
    /// The servers that the record may be sent to. If there are none, Keyward does not offer it to
    /// any server by itself.
    pub origins: Vec<Origin>,
    /// When the entry was first written.
    pub created: Timestamp,
    /// When the entry was last written.
    pub updated: Timestamp,
    /// When the record as a whole expires.
    pub expires: Option<Timestamp>,
    /// When the credential was last handed out; `None` if that is not known.
    pub used: Option<Timestamp>,
    /// Labels that users attach to it. Not secret.
    pub labels: BTreeMap<String, String>,
    /// The record that this one was made from, such as the refresh token of an access token.
    pub derived_from: Option<Derivation>,
}

impl Record {
    /// Makes an empty record of this type.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            fields: BTreeMap::new(),
            origins: Vec::new(),
            created: Timestamp::default(),
            updated: Timestamp::default(),
            expires: None,
            used: None,
            labels: BTreeMap::new(),
            derived_from: None,
        }
    }

    /// Returns the same record with one more field, or with a new value for it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, field: Field) -> Self {
        self.fields.insert(name.into(), field);
        self
    }

    /// Returns the same record as another type of credential.
    #[must_use]
    pub fn with_kind(self, kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..self }
    }

    /// Returns the same record with these origins.
    #[must_use]
    pub fn with_origins(self, origins: Vec<Origin>) -> Self {
        Self { origins, ..self }
    }

    /// Returns the same record with this time at which the entry was first written.
    #[must_use]
    pub fn with_created(self, created: Timestamp) -> Self {
        Self { created, ..self }
    }

    /// Returns the same record with this time at which the entry was last written.
    #[must_use]
    pub fn with_updated(self, updated: Timestamp) -> Self {
        Self { updated, ..self }
    }

    /// Returns the same record with this time at which it expires as a whole.
    #[must_use]
    pub fn with_expires(self, expires: Option<Timestamp>) -> Self {
        Self { expires, ..self }
    }

    /// Returns the same record with this time at which it was last given out.
    #[must_use]
    pub fn with_used(self, used: Option<Timestamp>) -> Self {
        Self { used, ..self }
    }

    /// Whether both are the same, apart from the time when they were last given out: that changes
    /// when a record is read.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.clone().with_used(other.used) == *other
    }

    /// Returns the field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }
}

/// One value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The value. It is kept as a secret even if it is not marked as one: a username is private
    /// too.
    pub value: Secret,
    /// Whether the value is text (UTF-8) or bytes.
    pub form: Form,
    /// Whether the value must not be shown without an explicit request.
    pub secret: bool,
    /// When this value alone expires.
    pub expires: Option<Timestamp>,
}

/// How a value is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// UTF-8 text.
    Text,
    /// Bytes that need not be text.
    Bytes,
}

impl Field {
    /// Makes a value that may be shown.
    pub fn open(value: impl Into<Secret>) -> Self {
        Self::new(value.into(), false)
    }

    /// Makes a value that is shown only on explicit request.
    pub fn secret(value: impl Into<Secret>) -> Self {
        Self::new(value.into(), true)
    }

    fn new(value: Secret, secret: bool) -> Self {
        let form = if value.expose_str().is_some() { Form::Text } else { Form::Bytes };
        Self { value, form, secret, expires: None }
    }

    /// Returns the same value in this form. [`Form::Text`] is for UTF-8 only.
    #[must_use]
    pub fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// Returns the same value with this time at which it expires by itself.
    #[must_use]
    pub fn with_expires(self, expires: Option<Timestamp>) -> Self {
        Self { expires, ..self }
    }
}

/// Where a derived record came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Derivation {
    /// The entry that the record was made from.
    pub entry: EntryId,
    /// That entry's revision at the time.
    pub revision: Revision,
}

impl Derivation {
    /// Makes the derivation from this revision of an entry.
    pub fn new(entry: EntryId, revision: Revision) -> Self {
        Self { entry, revision }
    }
}
