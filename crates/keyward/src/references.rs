//! Fetches what references name.

use std::collections::BTreeMap;

use keyward_core::{EntryId, Error, ErrorKind, Record, Result, Secret, printable};
use keyward_kinds::Kinds;
use keyward_resolver::{Place, Reference};

use crate::facade::Keyward;
use crate::open_store::OpenStore;

/// Which store is opened for a reference: its name, and the user of a system store.
type Opened<'a> = (String, Option<&'a str>);

impl Keyward {
    /// Returns the records of the entries that these references name: one result for each, in their
    /// order.
    ///
    /// Each store is opened once, and its entries are fetched in as few calls as possible.
    ///
    /// # Errors
    /// Those of opening a store. What is wrong with one entry is its result.
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
        let mut places: BTreeMap<Opened<'_>, Vec<usize>> = BTreeMap::new();
        for (at, reference) in references.iter().enumerate() {
            places.entry(self.place(reference)?).or_default().push(at);
        }
        let mut records: BTreeMap<usize, Result<Record>> = BTreeMap::new();
        for ((store, user), wanted) in places {
            let store = self.store_of(&store, user)?;
            let ids = wanted.iter().map(|at| id(&store, &references[*at]));
            let ids: Vec<_> = ids.collect::<Result<_>>()?;
            records.extend(wanted.into_iter().zip(store.get_many(&ids)?));
        }
        Ok(records.into_values().collect())
    }

    /// Returns the values that these references name, as [`records`](Self::records) does with
    /// records.
    ///
    /// # Errors
    /// Those of [`records`](Self::records). A value that its record lacks is
    /// [`NotFound`](ErrorKind::NotFound).
    pub fn values(&self, references: &[Reference]) -> Result<Vec<Result<Secret>>> {
        let kinds = self.config.kinds();
        let records = self.records(references)?.into_iter().zip(references);
        let values = records.map(|(record, reference)| {
            let record = record.map_err(|error| named(reference, error))?;
            value(&kinds, &record, reference).map_err(|error| named(reference, error))
        });
        Ok(values.collect())
    }

    /// Returns which store has the entry.
    fn place<'a>(&self, reference: &'a Reference) -> Result<Opened<'a>> {
        let name = match &reference.store {
            Place::Store(name) => name.clone(),
            Place::DefaultStore => self.config.store_called(keyward_config::DEFAULT_STORE)?,
            Place::Resolver => {
                return Err(Error::new(ErrorKind::Unsupported, "read")
                    .because(format!("{reference}: the reference names no store")));
            }
        };
        let per_user = self.config.find_store(&name)?.is_some_and(|file| file.per_user);
        let user = reference.user.as_deref().filter(|_| per_user);
        Ok((name.as_str().to_owned(), user))
    }
}

fn id(store: &OpenStore, reference: &Reference) -> Result<EntryId> {
    store.entry(reference.user.as_deref(), reference.name.as_deref())
}

/// Returns the field that a reference names, or the main secret of the record's kind.
fn value(kinds: &Kinds, record: &Record, reference: &Reference) -> Result<Secret> {
    let main = || kinds.get(&record.kind).and_then(|kind| kind.main.as_deref());
    let Some(field) = reference.field.as_deref().or_else(main) else {
        let kind = printable(&record.kind);
        let why = format!("records of the kind `{kind}` have no main secret");
        return Err(Error::invalid("read", why).hint("Add the name of a field: /FIELD"));
    };
    match record.field(field) {
        Some(field) => Ok(field.value.clone()),
        None => {
            let names: Vec<_> =
                record.fields.keys().map(|name| printable(name).to_string()).collect();
            Err(Error::not_found("read")
                .because(format!("the record has no field `{}`", printable(field)))
                .hint(format!("Its fields are: {}", names.join(", "))))
        }
    }
}

/// Returns the error with the reference that it is about.
fn named(reference: &Reference, error: Error) -> Error {
    let advice = error.advice().map(str::to_owned);
    let named = Error::new(error.kind(), "read").because(reference.to_string()).caused_by(error);
    match advice {
        Some(advice) => named.hint(advice),
        None => named,
    }
}
