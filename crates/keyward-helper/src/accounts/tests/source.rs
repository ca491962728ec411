use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use keyward_core::{Change, EntryId, Error, ErrorKind, Page, Query, Record, Result, Source};

/// A source in memory that counts, fails, and runs other changes in between.
#[derive(Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    records: BTreeMap<EntryId, Record>,
    reads: usize,
    writes: usize,
    /// How many more writes succeed before everything fails.
    life: Option<usize>,
    meanwhile: Option<Meanwhile>,
}

/// What another process does while a record is being changed.
type Meanwhile = Box<dyn FnOnce(&Memory) + Send>;

impl Memory {
    pub(crate) fn put(&self, id: &EntryId, record: &Record) -> Result<()> {
        self.0.lock().unwrap().write(id, Some(record))
    }

    pub(crate) fn erase(&self, id: &EntryId) -> Result<()> {
        self.0.lock().unwrap().write(id, None)
    }

    pub(crate) fn records(&self) -> BTreeMap<EntryId, Record> {
        self.0.lock().unwrap().records.clone()
    }

    /// How many entries were read since the last call.
    pub(crate) fn take_reads(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().reads)
    }

    /// How many entries were written or removed since the last call.
    pub(crate) fn take_writes(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().writes)
    }

    /// Fails after so many writes, until `None` ends the failure.
    pub(crate) fn fail_after(&self, writes: impl Into<Option<usize>>) {
        self.0.lock().unwrap().life = writes.into();
    }

    /// Does this once, after the next record to be changed was read and before it is written.
    pub(crate) fn meanwhile(&self, what: impl FnOnce(&Self) + Send + 'static) {
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

impl Source for Memory {
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

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        panic!("a look-up does not list")
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}
