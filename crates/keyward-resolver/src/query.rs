use std::collections::{BTreeMap, BTreeSet};

use keyward_core::{MAX_NAME, MAX_USER, Result, Secret, canonical};
use keyward_kinds::Kind;
use keyward_origin::Location;

/// What a caller wants from a [`Resolver`](crate::Resolver): a credential, and which of its fields
/// it needs.
///
/// # Examples
/// ```
/// use keyward_resolver::Query;
///
/// let query = Query::new("work", Some("ann"))?.needing("username");
/// assert_eq!((query.name(), query.user()), ("work", Some("ann")));
/// assert!(Query::new("", None).is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Query<'a> {
    name: &'a str,
    user: Option<&'a str>,
    kind: Option<&'a Kind>,
    fields: Vec<&'a str>,
    needs_main: bool,
    accepts_expired: bool,
    is_unrefreshed: bool,
    url: Option<Location>,
    forces_prompt: bool,
    values: BTreeMap<String, Secret>,
    found: BTreeSet<String>,
}

impl<'a> Query<'a> {
    /// Makes a query for the credential of this name. A store looks among the entries of `user`, or
    /// of its default user; other sources do not distinguish users.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if name or user are not canonical.
    pub fn new(name: &'a str, user: Option<&'a str>) -> Result<Self> {
        canonical("name", name, MAX_NAME)?;
        if let Some(user) = user {
            canonical("user", user, MAX_USER)?;
        }
        Ok(Self {
            name,
            user,
            kind: None,
            fields: Vec::new(),
            needs_main: false,
            accepts_expired: false,
            is_unrefreshed: false,
            url: None,
            forces_prompt: false,
            values: BTreeMap::new(),
            found: BTreeSet::new(),
        })
    }

    /// Returns the same query for the credential of another name.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the name is not canonical.
    pub fn named(self, name: &'a str) -> Result<Self> {
        canonical("name", name, MAX_NAME)?;
        Ok(Self { name, ..self })
    }

    /// Returns the same query for the entries of this user, unless it has one already.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the user is not canonical.
    pub fn or_user(self, user: &'a str) -> Result<Self> {
        canonical("user", user, MAX_USER)?;
        Ok(Self { user: self.user.or(Some(user)), ..self })
    }

    /// Returns the same query for a credential of this kind. One of another kind is an error.
    #[must_use]
    pub fn of_kind(self, kind: &'a Kind) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Returns the same query, which needs this field too, besides those that the kind requires.
    #[must_use]
    pub fn needing(mut self, field: &'a str) -> Self {
        self.fields.push(field);
        self
    }

    /// Returns the same query, which needs the main secret of the kind too.
    #[must_use]
    pub fn needing_main(self) -> Self {
        Self { needs_main: true, ..self }
    }

    /// Returns the same query, which accepts a record that has expired. For other queries, it is
    /// absent.
    #[must_use]
    pub fn accepting_expired(self) -> Self {
        Self { accepts_expired: true, ..self }
    }

    /// Returns the same query for the record as the source has it: an OAuth token that is due is not
    /// refreshed. For a caller that does that itself.
    #[must_use]
    pub fn unrefreshed(self) -> Self {
        Self { is_unrefreshed: true, ..self }
    }

    /// Returns the same query for a credential that will be given to the server of this URL:
    /// `scheme://[account@]host[:port][/path]`.
    ///
    /// A record that is bound to other origins is refused. Sources that know credentials by their
    /// URL look for this one.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is not such a URL, contains a password, a
    /// query or a fragment, or if programs read it in different ways. No part of it is quoted.
    ///
    /// # Examples
    /// ```
    /// use keyward_resolver::Query;
    ///
    /// let query = Query::new("forge", None)?.for_url("https://Forge.example.com/team/repo.git")?;
    /// assert_eq!(query.url().unwrap().to_string(), "https://forge.example.com/team/repo.git");
    /// assert!(Query::new("forge", None)?.for_url("https://ann:pw@forge.example.com").is_err());
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn for_url(self, url: &str) -> Result<Self> {
        Ok(Self { url: Some(Location::parse(url)?), ..self })
    }

    /// Returns the same query, for which only the values of the caller and sources that ask the user
    /// count.
    #[must_use]
    pub fn forcing_prompt(self) -> Self {
        Self { forces_prompt: true, ..self }
    }

    /// Returns the same query after earlier sources have supplied these fields.
    #[must_use]
    pub(crate) fn after(self, found: impl IntoIterator<Item = String>) -> Self {
        Self { found: found.into_iter().collect(), ..self }
    }

    /// Returns the same query with this value, which the caller knows already. It comes before
    /// those of every other source.
    #[must_use]
    pub fn with_value(mut self, field: &str, value: impl Into<Secret>) -> Self {
        self.values.insert(field.to_owned(), value.into());
        self
    }

    /// The name of the credential.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The user whose entry it is in a store; `None` for the store's default user.
    pub fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The kind that the credential must have.
    pub fn kind(&self) -> Option<&'a Kind> {
        self.kind
    }

    /// The fields that the caller needs besides those that the kind requires.
    pub fn fields(&self) -> &[&'a str] {
        &self.fields
    }

    /// Whether the caller needs the main secret.
    pub fn needs_main(&self) -> bool {
        self.needs_main
    }

    /// Whether the caller accepts a record that has expired.
    pub fn accepts_expired(&self) -> bool {
        self.accepts_expired
    }

    /// Whether the caller wants OAuth tokens as they are.
    pub fn is_unrefreshed(&self) -> bool {
        self.is_unrefreshed
    }

    /// The URL to whose server the credential will be given, if the caller named one.
    pub fn url(&self) -> Option<&Location> {
        self.url.as_ref()
    }

    /// Whether only the values of the caller and sources that ask the user count.
    pub fn forces_prompt(&self) -> bool {
        self.forces_prompt
    }

    /// The fields that earlier sources have supplied, if the credential is merged.
    pub fn found(&self) -> &BTreeSet<String> {
        &self.found
    }

    /// The values that the caller knows already.
    pub fn values(&self) -> &BTreeMap<String, Secret> {
        &self.values
    }
}
