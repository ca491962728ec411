use std::time::Duration;

use keyward_core::{Error, Field, Record, Result, Secret, Timestamp, printable};

use crate::{FieldSpec, fields, names};

/// The table of a kind: which fields its records have.
///
/// # Examples
/// ```
/// use keyward_core::Record;
/// use keyward_kinds::{FieldSpec, Kind};
///
/// let kind = Kind::new("acme.deploy", "A key that deploys to Acme")
///     .with_field(FieldSpec::new("project", "The project").required())
///     .with_main(FieldSpec::secret("key", "The key").required());
///
/// let record = Record::new("acme.deploy").with("key", kind.field("key", "k3y".into())?);
/// let error = kind.check(&record).unwrap_err();
/// assert_eq!(error.message(), "the record has no field `project`");
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kind {
    /// The name, the same in records, on the command line and in files. The name of a built-in kind
    /// has no dot, every other name has one.
    pub name: String,
    /// What it is, in one line.
    pub help: String,
    /// The page on which a user gets such a credential.
    pub url: Option<String>,
    /// The field that is meant if no field is named.
    pub main: Option<String>,
    /// The fields, in the order in which a user is asked for them.
    pub fields: Vec<FieldSpec>,
    /// Whether a user may add fields that the table does not have.
    pub any_fields: bool,
    /// How long before its expiry a record counts as expired.
    pub expires_early: Duration,
    /// Whether Keyward keeps such records for itself. Commands do not list or change them.
    pub internal: bool,
    /// Where the table comes from: `built in`, the name of a crate, or the path of a file.
    pub from: String,
}

impl Kind {
    /// Makes a kind without fields.
    pub fn new(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            help: help.into(),
            url: None,
            main: None,
            fields: Vec::new(),
            any_fields: false,
            expires_early: Duration::ZERO,
            internal: false,
            from: String::new(),
        }
    }

    /// Returns the same kind, whose credentials a user gets on this page.
    #[must_use]
    pub fn with_url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// Returns the same kind with one more field.
    #[must_use]
    pub fn with_field(mut self, field: FieldSpec) -> Self {
        self.fields.push(field);
        self
    }

    /// Returns the same kind with one more field, which is meant if no field is named.
    #[must_use]
    pub fn with_main(self, field: FieldSpec) -> Self {
        Self { main: Some(field.name.clone()), ..self }.with_field(field)
    }

    /// Returns the same kind, whose records can have more fields.
    #[must_use]
    pub fn with_any_fields(self) -> Self {
        Self { any_fields: true, ..self }
    }

    /// Returns the same kind, whose records count as expired so long before their expiry.
    #[must_use]
    pub fn with_expires_early(self, expires_early: Duration) -> Self {
        Self { expires_early, ..self }
    }

    /// Returns the field of this name, if the table has it.
    pub fn spec(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the field that is meant if no field is named.
    pub fn main_spec(&self) -> Option<&FieldSpec> {
        self.main.as_deref().and_then(|main| self.spec(main))
    }

    /// Makes a value for the field of this name: it is checked, and secret if the table says so.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the kind has no such field, or as
    /// [`FieldSpec::check`].
    pub fn field(&self, name: &str, value: Secret) -> Result<Field> {
        match self.spec(name) {
            Some(spec) => {
                spec.check(&value)?;
                Ok(if spec.secret { Field::secret(value) } else { Field::open(value) })
            }
            None if self.any_fields && is_field_name(name) => Ok(Field::open(value)),
            None if self.any_fields => Err(Error::invalid(
                "usage",
                format!("`{}` cannot be the name of a field", printable(name)),
            )
            .hint(FIELD_NAMES)),
            None => Err(self.unknown_field(name)),
        }
    }

    fn unknown_field(&self, name: &str) -> Error {
        let names: Vec<_> = self.fields.iter().map(|field| field.name.as_str()).collect();
        let why = format!("the kind `{}` has no field `{}`", self.name, printable(name));
        Error::invalid("usage", why).hint(format!("Its fields are: {}", names.join(", ")))
    }

    /// Returns the record with the default of each field that it lacks.
    #[must_use]
    pub fn with_defaults(&self, mut record: Record) -> Record {
        for spec in &self.fields {
            if let Some(default) = &spec.default {
                let field = || Field::open(default.as_str());
                record.fields.entry(spec.name.clone()).or_insert_with(field);
            }
        }
        record
    }

    /// Checks a whole record: it has each required field, and each value of a field in the table is
    /// valid. Fields that the table does not have are valid: another program may have added them.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for the first fault; it never contains a value.
    pub fn check(&self, record: &Record) -> Result<()> {
        if record.kind != self.name {
            let kind = printable(&record.kind);
            let why = format!("the record is of the kind `{kind}`, not `{}`", self.name);
            return Err(Error::invalid("usage", why));
        }
        for spec in &self.fields {
            match record.field(&spec.name) {
                Some(field) => spec.check(&field.value)?,
                None if spec.required => {
                    let why = format!("the record has no field `{}`", spec.name);
                    return Err(Error::invalid("usage", why));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Whether the value of a record's field is shown only on explicit request: if the record or the
    /// table says so.
    pub fn is_secret(&self, record: &Record, name: &str) -> bool {
        record.field(name).is_some_and(|field| field.secret)
            || self.spec(name).is_some_and(|spec| spec.secret)
    }

    /// Returns when a record counts as expired: when it or its main field expires, less
    /// [`expires_early`](Self::expires_early). An access token that can be refreshed does not count.
    pub fn expiry(&self, record: &Record) -> Option<Timestamp> {
        let renews = [fields::REFRESH_TOKEN, fields::GRANT];
        let is_renewed =
            self.name == names::OAUTH2 && renews.iter().any(|field| record.field(field).is_some());
        if is_renewed {
            return None;
        }
        let main = self.main.as_deref().and_then(|main| record.field(main)?.expires);
        let expires = [record.expires, main].into_iter().flatten().min()?;
        Some(Timestamp::from_unix(expires.as_unix().saturating_sub(self.expires_early.as_secs())))
    }
}

pub(crate) const FIELD_NAMES: &str =
    "The name of a field starts with a letter, and has lower-case letters, digits and `_`";

/// Whether a field can have this name.
pub(crate) fn is_field_name(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(is_valid)
}

/// The longest name of a kind or field, in bytes.
pub(crate) const MAX_NAME: usize = 64;
