//! Records that were made from other ones, and are made again when they no longer fit.

use std::io::Write;
use std::time::Duration;

use keyward_core::{
    Change, Derivation, EntryId, EntryLock, Error, ErrorKind, LockMode, Record, Result, Revision,
    SecretWriter, printable,
};
use keyward_kinds::labels::{EXCHANGE, REJECTED};
use keyward_kinds::{Exchange, find_exchange};

use crate::open_store::OpenStore;

/// How long before its end a derived record is made again.
const MARGIN: Duration = Duration::from_secs(2);

/// How long a process waits for another one that makes the same record.
const WAIT: Duration = Duration::from_secs(60);

impl OpenStore {
    /// Makes the record of an entry from that of another one, with an [exchange](Exchange), and
    /// stores it. From then on [`current`](Self::current) makes it again when that is needed.
    ///
    /// # Errors
    /// Those of the store and of the exchange; then nothing changes. And:
    /// - [`NotFound`](ErrorKind::NotFound) if there is no `source`.
    /// - [`Exists`](ErrorKind::Exists) if the entry has a record that is not derived.
    /// - [`Unsupported`](ErrorKind::Unsupported) if this program does not have the exchange.
    pub fn derive(&self, id: &EntryId, source: &EntryId, exchange: &str) -> Result<()> {
        let exchange = find_exchange(exchange)?;
        if id == source {
            return Err(Error::invalid("derive", "a record cannot be made from itself"));
        }
        self.check_not_deleting()?;
        let mut lock = self.lock(id, LockMode::Exclusive, WAIT)?;
        match self.get(id) {
            Ok(record) if record.derived_from.is_none() => return Err(occupied()),
            Err(error) if !error.is_miss() => return Err(error),
            _ => {}
        }
        let made = self.make(exchange, source)?;
        lock.update(&mut |old| match old {
            Some(old) if old.derived_from.is_none() => Err(occupied()),
            old => Ok(Change::Put(Box::new(continuing(&made, old)))),
        })
    }

    /// Returns the record of an entry as it is to be used. One that is derived is made again if its
    /// source has changed since, if it was rejected, or if it has expired or will within two seconds. If several
    /// processes need it at once, one of them makes it.
    ///
    /// # Errors
    /// Those of the store and of the exchange; then the old record stays. And:
    /// - [`NotFound`](ErrorKind::NotFound) if the source is gone.
    /// - [`Unsupported`](ErrorKind::Unsupported) if this program does not have the exchange.
    pub fn current(&self, id: &EntryId, record: Record) -> Result<Record> {
        let Some((derivation, exchange)) = derived(&record) else { return Ok(record) };
        if self.is_current(&record, derivation)? {
            return Ok(record);
        }
        let exchange = find_exchange(exchange)?;
        let mut lock = self.lock(id, LockMode::Exclusive, WAIT)?;
        // Another process may have made it meanwhile, or replaced it by one that is not derived.
        let record = self.get(id)?;
        let Some((derivation, name)) = derived(&record) else { return Ok(record) };
        if name != exchange.name() || self.is_current(&record, derivation)? {
            return Ok(record);
        }
        let made = self.make(exchange, &derivation.entry)?;
        let mut current = None;
        lock.update(&mut |old| match old {
            Some(old) if derived(&old).is_some() => {
                let made = continuing(&made, Some(old));
                current = Some(made.clone());
                Ok(Change::Put(Box::new(made)))
            }
            old => {
                current = old;
                Ok(Change::Leave)
            }
        })?;
        current.ok_or_else(|| Error::not_found("derive"))
    }

    /// Whether the source is still the one that the record was made from, and the record is still
    /// valid.
    fn is_current(&self, record: &Record, derivation: &Derivation) -> Result<bool> {
        let source = self.source(&derivation.entry)?;
        let kinds = self.kinds_with(&record.kind);
        let ends_soon = kinds.is_expired(record, self.now().after(MARGIN));
        let is_rejected = record.labels.contains_key(REJECTED);
        Ok(!ends_soon && !is_rejected && derivation.revision == revision(&source)?)
    }

    fn source(&self, id: &EntryId) -> Result<Record> {
        self.get(id).map_err(|error| match error.is_miss() {
            true => {
                let name = printable(id.name().unwrap_or("without a name"));
                Error::not_found("derive")
                    .because(format!("its source, the entry `{name}`, is gone"))
            }
            false => error,
        })
    }

    /// Makes a record, which is not stored yet.
    fn make(&self, exchange: &dyn Exchange, source_id: &EntryId) -> Result<Record> {
        let source = self.source(source_id)?;
        if source.kind != exchange.source_kind() {
            let (found, wanted) = (printable(&source.kind), exchange.source_kind());
            let why = format!("the source is of the kind `{found}`, not `{wanted}`");
            return Err(Error::invalid("derive", why));
        }
        let network = self.network()?;
        let mut made = exchange.exchange(&source, &network).map_err(Error::not_a_miss)?;
        let kinds = self.kinds_with(&made.kind);
        if made.kind != exchange.kind() || kinds.is_expired(&made, self.now()) {
            let why = "the exchange returned a record that has expired, or of another kind";
            return Err(Error::new(ErrorKind::Unavailable, "derive").because(why));
        }
        kinds.find(&made.kind)?.check(&made)?;
        made.derived_from = Some(Derivation::new(source_id.clone(), revision(&source)?));
        made.labels.insert(EXCHANGE.into(), exchange.name().into());
        Ok(made.with_created(self.now()).with_updated(self.now()))
    }
}

/// Returns what a record was made from, and the name of the exchange; `None` if it is not derived.
fn derived(record: &Record) -> Option<(&Derivation, &str)> {
    Some((record.derived_from.as_ref()?, record.labels.get(EXCHANGE)?))
}

fn occupied() -> Error {
    Error::new(ErrorKind::Exists, "derive")
        .because("the entry has a record that is not derived")
        .hint("Remove it with `keyward unset`, or use another name")
}

/// Returns a new record with the labels and the age of the one that it replaces.
fn continuing(made: &Record, old: Option<Record>) -> Record {
    let Some(old) = old else { return made.clone() };
    let mut record = made.clone().with_created(old.created).with_used(old.used);
    for (name, value) in old.labels.into_iter().filter(|(name, _)| name != REJECTED) {
        record.labels.entry(name).or_insert(value);
    }
    record
}

/// Identifies what a record was made from, whatever the storage, the keys and the last use are.
fn revision(source: &Record) -> Result<Revision> {
    let mut text = SecretWriter::new();
    let updated = source.updated.as_unix().to_be_bytes();
    let fields =
        source.fields.iter().flat_map(|(name, field)| [name.as_bytes(), field.value.expose()]);
    for part in [source.kind.as_bytes(), &updated].into_iter().chain(fields) {
        // The length first, so that no two records give the same text.
        let written = text.write_all(&part.len().to_be_bytes()).and_then(|()| text.write_all(part));
        written.map_err(|error| Error::io("derive", error))?;
    }
    Ok(Revision::of_content(text.finish().expose()))
}
