//! Usernames and passwords, and their records.

use keyward_accounts::other_kind;
use keyward_core::{Error, ErrorKind, Field, Record, Result, Secret, printable};

/// The kind of record that holds [`Credentials`].
pub const USER_PASSWORD: &str = "user-password";

/// A username and a password.
///
/// # Examples
/// ```
/// let credentials = keyward::Credentials::new("ann", "s3cret");
/// assert!(!format!("{credentials:?}").contains("s3cret"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The username. It need not be the name of a user of the operating system.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl Credentials {
    /// Makes credentials from a username and a password.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { username: username.into(), password: password.into() }
    }
}

impl Credentials {
    /// Returns the record that replaces `old`, with the origins, the labels and the times of
    /// creation and last use of `old`. For a new entry, pass a record whose kind is empty.
    ///
    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if `old` is a record of another kind.
    pub fn replace(&self, old: Record) -> Result<Record> {
        if !old.kind.is_empty() && old.kind != USER_PASSWORD {
            return Err(other_kind(&old));
        }
        let mut record = Record::from(self).with_origins(old.origins).with_created(old.created);
        (record.labels, record.used) = (old.labels, old.used);
        Ok(record)
    }
}

impl From<&Credentials> for Record {
    fn from(credentials: &Credentials) -> Self {
        Self::new(USER_PASSWORD)
            .with("username", Field::open(credentials.username.as_str()))
            .with("password", Field::secret(credentials.password.clone()))
    }
}

impl TryFrom<&Record> for Credentials {
    type Error = Error;

    /// # Errors
    /// `Unsupported` if the record is of another kind, lacks a field, or has a username that is not
    /// text.
    fn try_from(record: &Record) -> Result<Self> {
        let unsupported = |why: String| Error::new(ErrorKind::Unsupported, "get").because(why);
        if record.kind != USER_PASSWORD {
            let kind = printable(&record.kind);
            return Err(unsupported(format!(
                "the entry is a `{kind}` record, not a username and a password"
            )));
        }
        let field = |name: &str| {
            record.field(name).ok_or_else(|| unsupported(format!("the record has no {name}")))
        };
        let username = field("username")?.value.expose_str().map(str::to_owned);
        Ok(Self {
            username: username.ok_or_else(|| unsupported("the username is not text".into()))?,
            password: field("password")?.value.clone(),
        })
    }
}
