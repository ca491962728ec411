//! Fetches what references name.

use std::collections::BTreeMap;

use keyward_core::{EntryId, Error, Field, Record, Result, Timestamp, printable};
use keyward_kinds::{Kind, Kinds, fields};
use keyward_resolver::{Place, Query, Reference};

use crate::confirm::rejection;
use crate::facade::Keyward;
use crate::open_store::OpenStore;

/// Which store is opened for a reference: its name, and the user of a system store.
pub(crate) type Opened<'a> = (String, Option<&'a str>);

/// Which entries of which stores must be given out with records.
pub(crate) type Ungiven = Vec<(OpenStore, Vec<EntryId>)>;

impl Keyward {
    /// Returns the records of the entries that these references name: one result for each, in their
    /// order.
    ///
    /// Each store is opened once, and its entries are fetched in as few calls as possible. A record
    /// that has expired counts as missing.
    ///
    /// # Errors
    /// Those of opening a store, and of [`OpenStore::give_out`]. What is wrong with one entry is its
    /// result.
    ///
    /// # Examples
    /// ```
    /// # use keyward::{Credentials, Environment, Keyward, NewStore, Silent};
    /// # use keyward_defaults as _;
    /// # let home = tempfile::tempdir()?;
    /// # let keyward = Keyward::with(Environment::new([("HOME", home.path())]), Silent)?;
    /// # keyward.init_store(&NewStore::named("work")?)?;
    /// # let store = keyward.store("work")?;
    /// # let id = store.entry(None, Some("mail"))?;
    /// # store.set_credentials(&id, &Credentials::new("ann", "s3cret"))?;
    /// let reference = "keyward://work/mail/username".parse()?;
    /// let record = keyward.records(&[reference])?.remove(0)?;
    /// assert_eq!(record.field("username").unwrap().value.expose(), b"ann");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn records(&self, references: &[Reference]) -> Result<Vec<Result<Record>>> {
        let (records, stores) = self.fetch(references, |queries| {
            let found = self.resolver()?.resolve_many(queries).into_iter();
            Ok(found.map(|result| result.map(|resolution| resolution.record)).collect())
        })?;
        stores.iter().try_for_each(|(store, ids)| store.give_out(ids))?;
        Ok(records)
    }

    /// Returns the records, and which entries of which stores must still be
    /// [given out](OpenStore::give_out). `resolve` finds those that are in no store.
    pub(crate) fn fetch(
        &self,
        references: &[Reference],
        resolve: impl FnOnce(&[Query<'_>]) -> Result<Vec<Result<Record>>>,
    ) -> Result<(Vec<Result<Record>>, Ungiven)> {
        let mut places: BTreeMap<Opened<'_>, Vec<usize>> = BTreeMap::new();
        let (mut unplaced, mut queries) = (Vec::new(), Vec::new());
        for (at, reference) in references.iter().enumerate() {
            match self.place(reference)? {
                Some(place) => places.entry(place).or_default().push(at),
                None => {
                    unplaced.push(at);
                    queries.push(query(reference)?);
                }
            }
        }
        let mut records: BTreeMap<usize, Result<Record>> = BTreeMap::new();
        if !queries.is_empty() {
            records.extend(unplaced.into_iter().zip(resolve(&queries)?));
        }
        let mut stores = Vec::new();
        let kinds = self.config.kinds();
        for ((store, user), wanted) in places {
            let store = self.store_of(&store, user)?;
            let ids = wanted.iter().map(|at| id(&store, &references[*at]));
            let ids: Vec<_> = ids.collect::<Result<_>>()?;
            let found = store.get_many(&ids)?.into_iter().zip(&ids).zip(&wanted);
            let found = found.map(|((record, id), at)| {
                let record = store.current(id, record?)?;
                let record = valid(&kinds, record, store.now())?;
                match references[*at].field.as_deref() {
                    None | Some(fields::ACCESS_TOKEN) => self.fresh(&store, id, record),
                    Some(_) => Ok(record),
                }
            });
            let found: Vec<_> = found.collect();
            let given =
                found.iter().zip(ids).filter_map(|(record, id)| record.is_ok().then_some(id));
            stores.push((store, given.collect()));
            records.extend(wanted.into_iter().zip(found));
        }
        Ok((records.into_values().collect(), stores))
    }

    /// Returns the fields that these references name, as [`records`](Self::records) does with
    /// records. A field is secret if its record says so, or its kind.
    ///
    /// # Errors
    /// Those of [`records`](Self::records). A field that its record lacks is
    /// [`NotFound`](keyward_core::ErrorKind::NotFound).
    pub fn fields(&self, references: &[Reference]) -> Result<Vec<Result<Field>>> {
        let kinds = self.config.kinds();
        let records = self.records(references)?.into_iter().zip(references);
        let fields = records.map(|(record, reference)| {
            let record = record.map_err(|error| named(reference, error))?;
            let field = kinds.field(&record, reference.field.as_deref());
            field.map_err(|error| named(reference, error))
        });
        Ok(fields.collect())
    }

    /// Returns the record that a reference names, which must be of this kind.
    ///
    /// # Errors
    /// Those of opening the store, or of the resolver; [`Invalid`](keyward_core::ErrorKind::Invalid)
    /// if it is of another kind.
    pub fn record_of_kind(&self, reference: &Reference, kind: &Kind) -> Result<Record> {
        let record = match self.place(reference)? {
            Some(_) => self.records(std::slice::from_ref(reference))?.remove(0),
            None => {
                let name = reference.name.as_deref().unwrap_or_default();
                let query = Query::new(name, reference.user.as_deref())?.of_kind(kind);
                self.resolver()?.resolve(&query).map(|found| found.record)
            }
        };
        record.map_err(|error| named(reference, error))
    }

    /// Returns which store has the entry; `None` for the resolver.
    pub(crate) fn place<'a>(&self, reference: &'a Reference) -> Result<Option<Opened<'a>>> {
        let name = match &reference.store {
            Place::Store(name) => name.clone(),
            Place::DefaultStore => self.config.store_called(keyward_config::DEFAULT_STORE)?,
            Place::Resolver => return Ok(None),
        };
        let per_user = self.config.find_store(&name)?.is_some_and(|file| file.per_user);
        let user = reference.user.as_deref().filter(|_| per_user);
        Ok(Some((name.as_str().to_owned(), user)))
    }
}

/// Returns what to ask the resolver for.
pub(crate) fn query(reference: &Reference) -> Result<Query<'_>> {
    let name = reference.name.as_deref().unwrap_or_default();
    let query = Query::new(name, reference.user.as_deref())?;
    Ok(match &reference.field {
        Some(field) => query.needing(field),
        None => query.needing_main(),
    })
}

/// Treats a record that has expired or was rejected as one that does not exist.
fn valid(kinds: &Kinds, record: Record, now: Timestamp) -> Result<Record> {
    if kinds.is_expired(&record, now) {
        return Err(Error::not_found("read").because("the credential has expired"));
    }
    if let Some(time) = rejection(&record) {
        let why = format!("the secret was rejected on {}", printable(time));
        return Err(Error::not_found("read").because(why));
    }
    Ok(record)
}

pub(crate) fn id(store: &OpenStore, reference: &Reference) -> Result<EntryId> {
    store.entry(reference.user.as_deref(), reference.name.as_deref())
}

/// Returns the error with the reference that it is about.
pub(crate) fn named(reference: &Reference, error: Error) -> Error {
    let advice = error.advice().map(str::to_owned);
    let named = Error::new(error.kind(), "read").because(reference.to_string()).caused_by(error);
    match advice {
        Some(advice) => named.hint(advice),
        None => named,
    }
}
