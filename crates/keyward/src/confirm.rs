//! Stores a credential after it worked, and marks one that a service refused.

use keyward_config::{DEFAULT_STORE, StoreName};
use keyward_core::{Change, Error, ErrorKind, Level, Origin, Record, Result};
use keyward_kinds::labels::REJECTED;
use keyward_kinds::{Changes, Kind, Kinds};
use keyward_resolver::{PROMPT, Query, Resolution, Resolver};

use crate::facade::Keyward;
use crate::open_store::OpenStore;

/// How many times a login is tried.
const ATTEMPTS: usize = 3;

impl Keyward {
    /// Stores a credential that worked in the first store in which the resolver looks, as the entry
    /// for which it looks there. Returns the store; `None` if a source already has these values.
    ///
    /// What the record does not have stays as it is in the entry. A mark of [`reject`](Self::reject)
    /// is removed. A new entry is bound to the origins of the record.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid) if there is no store, the kind is not known, or the record and
    ///   the entry together lack a field.
    /// - [`Exists`](ErrorKind::Exists) if the entry is of another kind.
    /// - Those of the store.
    pub fn confirm(&self, query: &Query<'_>, record: &Record) -> Result<Option<StoreName>> {
        let kinds = self.config.kinds();
        let kind = kinds.find(&record.kind)?;
        let found = self.resolver()?.explain(query).result;
        if found.is_ok_and(|found| found.record.kind == kind.name && has(&found.record, record)) {
            return Ok(None);
        }
        let aim = self.aim(query)?;
        let Some(name) = aim.stores.first() else {
            return Err(Error::invalid("confirm", "the setting `resolve.stores` has no store"));
        };
        let store = self.store_of(name, aim.user.as_deref())?;
        store.check_not_deleting()?;
        let id = store.entry(aim.user.as_deref(), Some(&aim.name))?;
        store.update_or_replace(&id, |old| {
            let record = confirmed(&kinds, kind, record, old, &store)?;
            Ok(Change::Put(Box::new(record)))
        })?;
        Ok(Some(store.file.name.clone()))
    }

    /// Marks a credential that a service refused, in each store in which the resolver looks and whose
    /// entry has these values. Returns these stores.
    ///
    /// The entry keeps its values. But it counts as absent in later look-ups, until another secret is
    /// set.
    ///
    /// # Errors
    /// Those of the stores.
    pub fn reject(&self, query: &Query<'_>, record: &Record) -> Result<Vec<StoreName>> {
        let mut marked = Vec::new();
        let aim = self.aim(query)?;
        for name in &aim.stores {
            if name == DEFAULT_STORE && self.config.default_store()?.is_none() {
                continue;
            }
            let store = self.store_of(name, aim.user.as_deref())?;
            let id = store.entry(aim.user.as_deref(), Some(&aim.name))?;
            let mut is_marked = false;
            store.update(&id, |old| {
                let old = old.filter(|old| old.kind == record.kind && has(old, record));
                is_marked = old.is_some();
                Ok(old.map_or(Change::Leave, |old| Change::Put(Box::new(rejected(old, &store)))))
            })?;
            if is_marked {
                marked.push(store.file.name.clone());
            }
        }
        Ok(marked)
    }

    /// Finds a credential and tries it, until it works. At most three are tried.
    ///
    /// `login` returns [`Unauthorized`](ErrorKind::Unauthorized) if the service refuses the credential.
    /// A stored one is then [rejected](Self::reject), and the next source is asked; one that the user
    /// has typed is asked for again. A typed credential that works is [stored](Self::confirm).
    ///
    /// # Errors
    /// Those of the look-up and of `login`. If a credential that works cannot be stored, the
    /// interaction shows a warning.
    ///
    /// # Examples
    /// ```
    /// # use keyward::{Environment, Keyward, Query, Silent};
    /// # let home = tempfile::tempdir()?;
    /// # let environment = Environment::new([("HOME", home.path())]);
    /// # let environment = environment.with("KEYWARD_CREDENTIAL_MAIL_TOKEN", "t0ken");
    /// # let keyward = Keyward::with(environment, Silent)?;
    /// # fn connect(token: &[u8]) -> keyward::Result<usize> { Ok(token.len()) }
    /// let resolver = keyward.resolver()?;
    /// let query = Query::new("mail", None)?.needing_main();
    /// let session = keyward.log_in(&resolver, &query, |found| {
    ///     connect(found.field(None)?.value.expose())
    /// })?;
    /// # assert_eq!(session, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn log_in<T>(
        &self,
        resolver: &Resolver,
        query: &Query<'_>,
        mut login: impl FnMut(&Resolution) -> Result<T>,
    ) -> Result<T> {
        let mut attempt = 1;
        loop {
            let found = resolver.resolve(query)?;
            let is_typed = found.sources == [PROMPT];
            match login(&found) {
                Ok(session) => {
                    if is_typed && let Err(error) = self.confirm(query, &found.record) {
                        let message = format_args!("the credential is not stored: {error}");
                        self.interaction.log(Level::Warning, message);
                    }
                    return Ok(session);
                }
                Err(error) if error.kind() == ErrorKind::Unauthorized => {
                    let is_marked = !self.reject(query, &found.record)?.is_empty();
                    // Any other source would return the same again.
                    if attempt == ATTEMPTS || !is_typed && !is_marked {
                        return Err(error);
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Returns when the record was rejected, if it was.
pub(crate) fn rejection(record: &Record) -> Option<&str> {
    record.labels.get(REJECTED).map(String::as_str)
}

fn rejected(mut record: Record, store: &OpenStore) -> Record {
    let time = i64::try_from(store.now().as_unix()).unwrap_or_default();
    let time = jiff::Timestamp::from_second(time).unwrap_or_default().to_string();
    record.labels.entry(REJECTED.to_owned()).or_insert(time);
    record
}

/// Returns the entry's record with the values that worked.
fn confirmed(
    kinds: &Kinds,
    kind: &Kind,
    record: &Record,
    old: Option<Record>,
    store: &OpenStore,
) -> Result<Record> {
    let fields = record.fields.iter();
    let changes = fields.fold(Changes::default(), |changes, (name, field)| match field.secret {
        true => changes.with_secret(name.as_str(), field.value.clone()),
        false => changes.with_field(name.as_str(), field.value.clone()),
    });
    let is_new = old.is_none();
    if old.as_ref().is_some_and(|old| is_elsewhere(&old.origins, &record.origins)) {
        return Err(Error::new(ErrorKind::Refused, "confirm")
            .because("the entry may not be given to the server for which this credential worked")
            .hint("Store the credential under another name"));
    }
    let mut new = changes.with_label(REJECTED, "").apply(kind, old, store.now())?;
    if is_new {
        new.origins.clone_from(&record.origins);
    }
    if kinds.is_expired(&new, store.now()) {
        // It worked nevertheless.
        new.expires = None;
        new.fields.values_mut().for_each(|field| field.expires = None);
    }
    Ok(new)
}

/// Whether a credential that worked at these origins may not replace one that is bound to others.
fn is_elsewhere(bound: &[Origin], worked: &[Origin]) -> bool {
    !bound.is_empty() && worked.iter().any(|origin| !bound.contains(origin))
}

/// Whether a record has all these values.
fn has(record: &Record, values: &Record) -> bool {
    values
        .fields
        .iter()
        .all(|(name, field)| record.field(name).is_some_and(|found| found.value == field.value))
}

#[cfg(test)]
mod tests {
    use std::fmt::Arguments;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use keyward_config::{Environment, Interaction};
    use keyward_core::{Expect, Field, Prompt, Secret};
    use keyward_defaults as _;
    use keyward_kinds::names;

    use super::*;
    use crate::NewStore;

    /// A user who types `typed-1`, then `typed-2`, and so on.
    #[derive(Debug, Default)]
    struct User(AtomicUsize);

    impl Interaction for User {
        fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
            let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Secret::from(format!("typed-{count}")))
        }

        fn log(&self, _: Level, _: Arguments<'_>) {}
    }

    fn keyward(token: Option<&str>) -> (tempfile::TempDir, Keyward) {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::new([("HOME", home.path())]);
        let environment = match token {
            Some(token) => environment.with("KEYWARD_CREDENTIAL_MAIL_TOKEN", token),
            None => environment,
        };
        (home, Keyward::with(environment, User::default()).unwrap())
    }

    fn add_store(keyward: &Keyward, token: &str) {
        keyward.init_store(&NewStore::named("s").unwrap()).unwrap();
        let store = keyward.store("s").unwrap();
        let record = Record::new(names::TOKEN).with("token", Field::secret(token));
        store.put(&store.entry(None, Some("mail")).unwrap(), &record, Expect::Any).unwrap();
    }

    /// Logs in to a service that accepts only this token. Returns the tokens that were tried.
    fn log_in(keyward: &Keyward, accepted: &str) -> (Result<()>, Vec<String>) {
        let resolver = keyward.resolver().unwrap();
        let kind = resolver.kinds().find(names::TOKEN).unwrap();
        let query = Query::new("mail", None).unwrap().of_kind(kind);
        let mut tried = Vec::new();
        let result = keyward.log_in(&resolver, &query, |found| {
            let token = found.field(None)?.value.expose_str().unwrap().to_owned();
            tried.push(token.clone());
            let refused = Error::new(ErrorKind::Unauthorized, "log in");
            if token == accepted { Ok(()) } else { Err(refused) }
        });
        (result, tried)
    }

    #[test]
    fn what_is_refused_is_asked_for_and_what_works_is_stored() {
        let (_home, keyward) = keyward(None);
        add_store(&keyward, "stored");
        let (result, tried) = log_in(&keyward, "typed-2");
        result.unwrap();
        assert_eq!(tried, ["stored", "typed-1", "typed-2"]);
        let (result, tried) = log_in(&keyward, "typed-2");
        result.unwrap();
        assert_eq!(tried, ["typed-2"]);
    }

    #[test]
    fn three_are_tried_and_none_of_them_is_stored() {
        let (_home, keyward) = keyward(None);
        add_store(&keyward, "stored");
        for tried in [["stored", "typed-1", "typed-2"], ["typed-3", "typed-4", "typed-5"]] {
            let (result, found) = log_in(&keyward, "never");
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Unauthorized);
            assert_eq!(found, tried);
        }
    }

    #[test]
    fn a_variable_that_is_refused_is_not_tried_again_and_never_stored() {
        let (_home, keyward) = keyward(Some("variable"));
        add_store(&keyward, "stored");
        let (result, tried) = log_in(&keyward, "never");
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unauthorized);
        assert_eq!(tried, ["variable"]);
        log_in(&keyward, "variable").0.unwrap();
        let store = keyward.store("s").unwrap();
        let record = store.get(&store.entry(None, Some("mail")).unwrap()).unwrap();
        assert_eq!(record.field("token").unwrap().value.expose(), b"stored");
    }

    #[test]
    fn a_login_counts_also_if_there_is_no_store() {
        let (_home, keyward) = keyward(None);
        let (result, tried) = log_in(&keyward, "typed-1");
        result.unwrap();
        assert_eq!(tried, ["typed-1"]);
    }

    #[test]
    fn what_worked_elsewhere_does_not_replace_a_bound_credential() {
        let (_home, keyward) = keyward(None);
        add_store(&keyward, "stored");
        let origin = |host: &str| Origin { scheme: "https".into(), host: host.into(), port: 443 };
        let store = keyward.store("s").unwrap();
        let id = store.entry(None, Some("mail")).unwrap();
        let bound = store.get(&id).unwrap().with_origins(vec![origin("good.example")]);
        store.put(&id, &bound, Expect::Any).unwrap();
        let query = Query::new("mail", None).unwrap();
        let worked = |host| {
            let record = Record::new(names::TOKEN).with("token", Field::secret("other"));
            keyward.confirm(&query, &record.with_origins(vec![origin(host)]))
        };
        assert_eq!(worked("evil.example").unwrap_err().kind(), ErrorKind::Refused);
        assert_eq!(store.get(&id).unwrap(), bound);
        worked("good.example").unwrap();
        assert_eq!(store.get(&id).unwrap().field("token").unwrap().value.expose(), b"other");
    }
}
