//! The sources of the resolver.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use keyward_config::{DEFAULT_STORE, StoreName};
use keyward_core::{Error, Record, Result};
use keyward_kinds::Kinds;
use keyward_resolver::{Finder, Place, Query, Reference, Resolver, Variables};
use keyward_store::Store;

use crate::facade::Keyward;
use crate::open_store::OpenStore;

impl Keyward {
    /// Returns what finds credentials by name: in the environment, then in the stores of the
    /// setting `resolve.stores`.
    ///
    /// It opens a store when it looks into it for the first time, and keeps it open.
    ///
    /// # Examples
    /// ```
    /// use keyward::{Environment, Keyward, Silent};
    ///
    /// # let home = tempfile::tempdir()?;
    /// let environment = Environment::new([("HOME", home.path())])
    ///     .with("KEYWARD_CREDENTIAL_MAIL_TOKEN", "t0ken");
    /// // An application: let keyward = Keyward::open()?;
    /// let keyward = Keyward::with(environment, Silent)?;
    /// let token = keyward.resolver().value("mail", None, None)?;
    /// assert_eq!(token.expose(), b"t0ken");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resolver(&self) -> Resolver {
        let variables = Variables(self.config.environment().clone());
        let stores = self.config.settings().texts("resolve.stores");
        let stores = stores.into_iter().map(|store| -> Box<dyn Finder> {
            Box::new(InStore {
                keyward: self.clone(),
                name: store.to_owned(),
                open: Mutex::default(),
            })
        });
        let variables: Box<dyn Finder> = Box::new(variables);
        Resolver::new(self.config.kinds(), [variables].into_iter().chain(stores).collect())
    }
}

/// A store in which the resolver looks.
#[derive(Debug)]
struct InStore {
    keyward: Keyward,
    /// Its name, or `-` for the default store.
    name: String,
    /// The store once it is open. A system store is another one for each user.
    open: Mutex<BTreeMap<Option<String>, Arc<OpenStore>>>,
}

impl Finder for InStore {
    fn name(&self) -> String {
        match self.name.as_str() {
            DEFAULT_STORE => "default store".into(),
            name => format!("store {name}"),
        }
    }

    fn places(&self, query: &Query<'_>, _: &Kinds) -> Vec<String> {
        let store = match self.store_name() {
            Ok(Some(name)) => Place::Store(name),
            _ if self.name == DEFAULT_STORE => Place::DefaultStore,
            _ => return Vec::new(),
        };
        let (name, user) = (Some(query.name().to_owned()), query.user().map(str::to_owned));
        vec![Reference { store, name, field: None, user }.to_string()]
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let store = self.store(query.user())?;
        let id = store.entry(query.user(), Some(query.name()))?;
        unexpired(store.get(&id)?, &store, query, kinds)
    }

    fn look_up_many(&self, queries: &[&Query<'_>], kinds: &Kinds) -> Vec<Result<Record>> {
        let mut by_user: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (at, query) in queries.iter().enumerate() {
            by_user.entry(query.user()).or_default().push(at);
        }
        let mut found = BTreeMap::new();
        for (user, places) in by_user {
            let queries: Vec<_> = places.iter().map(|at| queries[*at]).collect();
            match self.records(user, &queries, kinds) {
                Ok(records) => found.extend(places.into_iter().zip(records)),
                Err(error) => found.extend(places.into_iter().map(|at| (at, Err(again(&error))))),
            }
        }
        found.into_values().collect()
    }
}

/// Returns the record, unless it has expired.
fn unexpired(record: Record, store: &Store, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
    if kinds.is_expired(&record, store.now()) && !query.accepts_expired() {
        return Err(Error::not_found("resolve").because("the record has expired"));
    }
    Ok(record)
}

/// Returns the same error once more.
fn again(error: &Error) -> Error {
    let causes: Vec<_> = error.causes().collect();
    let again = Error::new(error.kind(), error.operation().to_owned())
        .because(error.message())
        .hint(error.advice().unwrap_or_default())
        .in_backend(error.backend());
    if causes.is_empty() { again } else { again.caused_by(causes.join("; ")) }
}

impl InStore {
    /// Returns the name of the store; `None` if it is the default store and there is none.
    fn store_name(&self) -> Result<Option<StoreName>> {
        match self.name.as_str() {
            DEFAULT_STORE => self.keyward.config.default_store(),
            name => StoreName::new(name).map(Some),
        }
    }

    /// Returns the store for a user. It is opened once.
    ///
    /// # Errors
    /// `NotFound` only if it is the default store and there is none.
    fn store(&self, user: Option<&str>) -> Result<Arc<OpenStore>> {
        let mut open = self.open.lock()?;
        let user = user.map(str::to_owned);
        if let Some(store) = open.get(&user) {
            return Ok(Arc::clone(store));
        }
        let Some(name) = self.store_name().map_err(Error::not_a_miss)? else {
            return Err(Error::not_found("open").because("there is no default store"));
        };
        let store = self.keyward.store_of(name.as_str(), user.as_deref());
        let store = Arc::new(store.map_err(Error::not_a_miss)?);
        open.insert(user, Arc::clone(&store));
        Ok(store)
    }

    /// Returns the records of one user's queries, which are read together.
    fn records(
        &self,
        user: Option<&str>,
        queries: &[&Query<'_>],
        kinds: &Kinds,
    ) -> Result<Vec<Result<Record>>> {
        let store = self.store(user)?;
        let ids = queries.iter().map(|query| store.entry(user, Some(query.name())));
        let ids: Vec<_> = ids.collect::<Result<_>>()?;
        let records = store.get_many(&ids).map_err(Error::not_a_miss)?;
        let records = records.into_iter().zip(queries);
        Ok(records.map(|(record, query)| unexpired(record?, &store, query, kinds)).collect())
    }
}

#[cfg(test)]
mod tests {
    use keyward_config::{Environment, Silent};
    use keyward_core::{Expect, Field, Timestamp};
    use keyward_defaults as _;
    use keyward_resolver::Outcome;

    use super::*;
    use crate::NewStore;

    fn keyward(stores: &[&str]) -> (tempfile::TempDir, Keyward) {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::new([("HOME", home.path())])
            .with("KEYWARD_RESOLVE_STORES", stores.join(","));
        let keyward = Keyward::with(environment, Silent).unwrap();
        for name in stores {
            let memory =
                NewStore { storage: Some("file".into()), ..NewStore::named(name).unwrap() };
            keyward.init_store(&memory).unwrap();
        }
        (home, keyward)
    }

    fn put(keyward: &Keyward, store: &str, token: &str, expires: Option<u64>) {
        let store = keyward.store(store).unwrap();
        let record = Record::new("token")
            .with("token", Field::secret(token))
            .with_expires(expires.map(Timestamp::from_unix));
        let id = store.entry(None, Some("mail")).unwrap();
        store.put(&id, &record, Expect::Any).unwrap();
    }

    #[test]
    fn an_expired_record_counts_as_absent_unless_the_caller_accepts_it() {
        let (_home, keyward) = keyward(&["s", "t"]);
        put(&keyward, "s", "old", Some(1));
        let resolver = keyward.resolver();
        let query = Query::new("mail", None).unwrap();
        let error = resolver.resolve(&query).unwrap_err();
        assert!(error.is_miss() && error.report().contains("store s: the record has expired"));
        put(&keyward, "t", "new", Some(u64::MAX));
        assert_eq!(resolver.value("mail", None, None).unwrap().expose(), b"new");
        let found = resolver.resolve(&query.accepting_expired()).unwrap();
        assert_eq!(found.sources, ["store s"]);
    }

    #[test]
    fn many_queries_are_answered_like_single_ones() {
        let (_home, keyward) = keyward(&["s", "t"]);
        put(&keyward, "s", "stored", None);
        let mut resolver = keyward.resolver();
        resolver.set("other", "token", "of the session");
        let query = |name, user| Query::new(name, user).unwrap();
        let queries = [
            query("mail", None),
            query("nothing", None),
            query("other", None),
            query("mail", Some("zoe")),
            query("mail", None).needing("username"),
            query("mail", None),
        ];
        let many = resolver.resolve_many(&queries);
        assert_eq!(many.len(), queries.len());
        for (query, found) in queries.iter().zip(many) {
            match (found, resolver.resolve(query)) {
                (Ok(found), Ok(single)) => assert_eq!(found, single),
                (Err(found), Err(single)) => assert_eq!(found.report(), single.report()),
                (found, single) => panic!("{found:?}, {single:?}"),
            }
        }
    }

    #[test]
    fn what_the_application_sets_comes_before_the_stores() {
        let (_home, keyward) = keyward(&["s"]);
        put(&keyward, "s", "stored", None);
        let mut resolver = keyward.resolver();
        let query = Query::new("mail", None).unwrap();
        resolver.set("mail", "token", "of the session");
        assert_eq!(resolver.value("mail", None, None).unwrap().expose(), b"of the session");
        let steps = resolver.explain(&query.clone().with_value("token", "of the call")).steps;
        let outcomes: Vec<_> = steps.iter().map(|step| step.outcome).collect();
        assert_eq!(outcomes[..2], [Outcome::Found, Outcome::NotAsked]);
        resolver.unset("mail");
        assert_eq!(resolver.resolve(&query).unwrap().sources, ["store s"]);
    }
}
