use std::collections::BTreeMap;

use crate::{EntryId, Origin, Revision, Secret, Timestamp};

/// An entry's content, in the open: a typed credential with named fields, and what is known
/// about it.
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
pub struct Record {
    /// The type of credential: `user-password`, `token`, …
    pub kind: String,
    /// The fields, sorted by name.
    pub fields: BTreeMap<String, Field>,
    /// Whom the record may be given to; nobody by themselves if there is none.
    pub origins: Vec<Origin>,
    /// When the entry was first written.
    pub created: Timestamp,
    /// When the entry was last written.
    pub updated: Timestamp,
    /// When the record as a whole stops being good.
    pub expires: Option<Timestamp>,
    /// What people attach to it. Not secret.
    pub labels: BTreeMap<String, String>,
    /// The record that this one was made from, such as the refresh token of an access token.
    pub derived_from: Option<Derivation>,
}

impl Record {
    /// An empty record of this type.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            fields: BTreeMap::new(),
            origins: Vec::new(),
            created: Timestamp::default(),
            updated: Timestamp::default(),
            expires: None,
            labels: BTreeMap::new(),
            derived_from: None,
        }
    }

    /// The same record with one field more, or another value for it.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, field: Field) -> Self {
        self.fields.insert(name.into(), field);
        self
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }
}

/// One value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The value. Kept as a secret even where it is none: a username is nobody's business.
    pub value: Secret,
    /// Whether the value is text (UTF-8) or bytes.
    pub form: Form,
    /// Whether the value must not be shown unless asked for.
    pub secret: bool,
    /// When this value alone stops being good.
    pub expires: Option<Timestamp>,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// UTF-8 text.
    Text,
    /// Bytes that need not be text.
    Bytes,
}

impl Field {
    /// A value that may be shown.
    pub fn open(value: impl Into<Secret>) -> Self {
        Self::of(value.into(), false)
    }

    /// A value that is shown only when asked for.
    pub fn secret(value: impl Into<Secret>) -> Self {
        Self::of(value.into(), true)
    }

    fn of(value: Secret, secret: bool) -> Self {
        let form = if value.expose_str().is_some() { Form::Text } else { Form::Bytes };
        Self { value, form, secret, expires: None }
    }
}

/// Where a derived record came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// The entry it was made from.
    pub entry: EntryId,
    /// That entry's revision at the time.
    pub revision: Revision,
}
