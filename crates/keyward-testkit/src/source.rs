use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use keyward_core::{Change, EntryId, Error, ErrorKind, Page, Query, Record, Result, Source};

/// A [`Source`] in memory that counts, fails, and runs other changes in between.
///
/// A test uses it for code that reads and writes records, but must not depend on a store. It panics
/// if it is asked to list its entries, unless it [may](Self::listing).
///
/// # Errors
/// [`Unavailable`](ErrorKind::Unavailable) after [`fail_after`](Self::fail_after).
#[derive(Default)]
pub struct MemorySource(Mutex<State>);

#[derive(Default)]
struct State {
    records: BTreeMap<EntryId, Record>,
    reads: usize,
    writes: usize,
    /// How many more writes succeed before everything fails.
    life: Option<usize>,
    meanwhile: Option<Meanwhile>,
    lists: bool,
}

/// What another process does while a record is being changed.
type Meanwhile = Box<dyn FnOnce(&MemorySource) + Send>;

#[expect(
    clippy::missing_errors_doc,
    reason = "the page of the type lists the errors of all of them"
)]
impl MemorySource {
    /// Makes a source that lists its entries.
    pub fn listing() -> Self {
        Self(Mutex::new(State { lists: true, ..State::default() }))
    }

    /// Writes a record.
    pub fn put(&self, id: &EntryId, record: &Record) -> Result<()> {
        self.0.lock().unwrap().write(id, Some(record))
    }

    /// Removes a record.
    pub fn erase(&self, id: &EntryId) -> Result<()> {
        self.0.lock().unwrap().write(id, None)
    }

    /// Returns all records.
    pub fn records(&self) -> BTreeMap<EntryId, Record> {
        self.0.lock().unwrap().records.clone()
    }

    /// Returns how many entries were read since the last call.
    pub fn take_reads(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().reads)
    }

    /// Returns how many entries were written or removed since the last call.
    pub fn take_writes(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().writes)
    }

    /// Fails after so many writes, until `None` ends the failure.
    pub fn fail_after(&self, writes: impl Into<Option<usize>>) {
        self.0.lock().unwrap().life = writes.into();
    }

    /// Does this once, after the next record to be changed was read and before it is written.
    pub fn meanwhile(&self, what: impl FnOnce(&Self) + Send + 'static) {
        self.0.lock().unwrap().meanwhile = Some(Box::new(what));
    }
}

impl State {
    fn check(&self) -> Result<()> {
        match self.life {
            Some(0) => Err(Error::new(ErrorKind::Unavailable, "reach the memory")),
            _ => Ok(()),
        }
    }

    fn read(&mut self, id: &EntryId) -> Result<Option<Record>> {
        self.check()?;
        self.reads += 1;
        Ok(self.records.get(id).cloned())
    }

    fn write(&mut self, id: &EntryId, record: Option<&Record>) -> Result<()> {
        self.check()?;
        self.life = self.life.map(|life| life - 1);
        self.writes += 1;
        match record {
            Some(record) => drop(self.records.insert(id.clone(), record.clone())),
            None => drop(self.records.remove(id)),
        }
        Ok(())
    }
}

impl Source for MemorySource {
    fn contains(&self, id: &EntryId) -> Result<bool> {
        Ok(self.0.lock().unwrap().read(id)?.is_some())
    }

    fn get(&self, id: &EntryId) -> Result<Record> {
        self.0.lock().unwrap().read(id)?.ok_or_else(|| Error::not_found("get"))
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        loop {
            let old = self.0.lock().unwrap().read(id)?;
            let change = change(old.clone())?;
            let meanwhile = self.0.lock().unwrap().meanwhile.take();
            if let Some(meanwhile) = meanwhile {
                meanwhile(self);
            }
            let mut state = self.0.lock().unwrap();
            if state.records.get(id) != old.as_ref() {
                continue;
            }
            return match change {
                Change::Leave => Ok(()),
                Change::Put(record) => state.write(id, Some(&record)),
                Change::Remove if old.is_some() => state.write(id, None),
                Change::Remove => Ok(()),
            };
        }
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let state = self.0.lock().unwrap();
        assert!(state.lists, "a look-up does not list");
        query.page_in_order(|user, name| {
            let from = EntryId::restore(user, name)?;
            Ok(state.records.range(from..).map(|(id, _)| Ok(id.clone())))
        })
    }
}

impl fmt::Debug for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemorySource")
    }
}
