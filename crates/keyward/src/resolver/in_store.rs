use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use keyward_config::{DEFAULT_STORE, StoreName};
use keyward_core::{EntryId, Error, Record, Result, printable};
use keyward_kinds::{Kinds, fields};
use keyward_resolver::{Finder, Place, Query, Reference};

use crate::confirm::rejection;
use crate::facade::Keyward;
use crate::open_store::OpenStore;
use crate::resolver::results::{again, unexpired};

/// A store in which the resolver looks.
#[derive(Debug)]
pub(super) struct InStore {
    keyward: Keyward,
    /// Its name, or `-` for the default store.
    name: String,
    /// The store once it is open. A system store is another one for each user.
    open: Mutex<BTreeMap<Option<String>, Arc<OpenStore>>>,
}

/// Returns what the resolver calls a store in which it looks.
pub(crate) fn source_name(store: &str) -> String {
    match store {
        DEFAULT_STORE => "default store".into(),
        name => format!("store {name}"),
    }
}

impl Finder for InStore {
    fn name(&self) -> String {
        source_name(&self.name)
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
        self.usable(&store, &id, store.get(&id)?, query, kinds)
    }

    fn give_out(&self, query: &Query<'_>) -> Result<()> {
        let store = self.store(query.user())?;
        let id = store.entry(query.user(), Some(query.name()))?;
        store.give_out_as(&self.name(), &[id])
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

impl InStore {
    pub(super) fn new(keyward: &Keyward, name: &str) -> Self {
        Self { keyward: keyward.clone(), name: name.to_owned(), open: Mutex::default() }
    }

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

    /// Returns the record, with a good token if it is an OAuth client's and the token is wanted, unless
    /// it has expired or was rejected.
    fn usable(
        &self,
        store: &OpenStore,
        id: &EntryId,
        record: Record,
        query: &Query<'_>,
        kinds: &Kinds,
    ) -> Result<Record> {
        let record = store.current(id, record)?;
        let record = unexpired(record, store.now(), query, kinds)?;
        if let Some(time) = rejection(&record) {
            let why = format!("its secret was rejected on {}", printable(time));
            return Err(Error::not_found("resolve").because(why));
        }
        let others = query.fields().iter().any(|field| *field != fields::ACCESS_TOKEN);
        if query.is_unrefreshed() || others && !query.needs_main() {
            return Ok(record);
        }
        self.keyward.fresh(store, id, record).map_err(Error::not_a_miss)
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
        let records = records.into_iter().zip(&ids).zip(queries);
        let usable =
            records.map(|((record, id), query)| self.usable(&store, id, record?, query, kinds));
        Ok(usable.collect())
    }
}
