use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use keyward_core::{
    Change, EntryId, EntryLock, Error, ErrorKind, Exclusion, LockMode, Page, Query, Record, Result,
    Source,
};

/// A source in memory, with locks and with the faults that a test needs.
#[derive(Debug, Default)]
pub(super) struct Memory {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<EntryId, Record>,
    exclusive: bool,
    shared: usize,
    is_read_only: bool,
    is_lease: bool,
    renewals: usize,
}

impl Memory {
    pub(super) fn with(record: Record) -> Self {
        let memory = Self::default();
        memory.put(record);
        memory
    }

    pub(super) fn put(&self, record: Record) {
        self.state.lock().unwrap().records.insert(super::id(), record);
    }

    pub(super) fn record(&self) -> Record {
        self.get(&super::id()).unwrap()
    }

    pub(super) fn make_read_only(&self) {
        self.state.lock().unwrap().is_read_only = true;
    }

    pub(super) fn make_lease(&self) {
        self.state.lock().unwrap().is_lease = true;
    }

    pub(super) fn renewals(&self) -> usize {
        self.state.lock().unwrap().renewals
    }
}

impl Source for Memory {
    fn get(&self, id: &EntryId) -> Result<Record> {
        let state = self.state.lock()?;
        state.records.get(id).cloned().ok_or_else(|| Error::not_found("get"))
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        Ok(self.state.lock()?.records.contains_key(id))
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        let mut state = self.state.lock()?;
        let changed = change(state.records.get(id).cloned())?;
        if changed != Change::Leave && state.is_read_only {
            return Err(Error::new(ErrorKind::Refused, "put").because("read-only"));
        }
        match changed {
            Change::Put(record) => drop(state.records.insert(id.clone(), *record)),
            Change::Remove => drop(state.records.remove(id)),
            Change::Leave => {}
        }
        Ok(())
    }

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        Err(Error::new(ErrorKind::Unsupported, "list"))
    }

    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
    ) -> Result<Box<dyn EntryLock + '_>> {
        let started = Instant::now();
        let mut state = self.state.lock()?;
        let is_taken =
            |state: &State| state.exclusive || mode == LockMode::Exclusive && state.shared > 0;
        while is_taken(&state) {
            let Some(left) = wait.checked_sub(started.elapsed()).filter(|left| !left.is_zero())
            else {
                return Err(Error::new(ErrorKind::Locked, "lock"));
            };
            state = self.released.wait_timeout(state, left)?.0;
        }
        match mode {
            LockMode::Exclusive => state.exclusive = true,
            LockMode::Shared => state.shared += 1,
        }
        Ok(Box::new(Lock { memory: self, id: id.clone(), mode }))
    }
}

#[derive(Debug)]
struct Lock<'a> {
    memory: &'a Memory,
    id: EntryId,
    mode: LockMode,
}

impl EntryLock for Lock<'_> {
    fn exclusion(&self) -> Exclusion {
        if self.memory.state.lock().unwrap().is_lease {
            Exclusion::Lease
        } else {
            Exclusion::Process
        }
    }

    fn renew(&mut self, _: Duration) -> Result<()> {
        self.memory.state.lock()?.renewals += 1;
        Ok(())
    }

    fn update(&mut self, change: &mut dyn FnMut(Option<Record>) -> Result<Change>) -> Result<()> {
        self.memory.update(&self.id, change)
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        let mut state = self.memory.state.lock().unwrap();
        match self.mode {
            LockMode::Exclusive => state.exclusive = false,
            LockMode::Shared => state.shared -= 1,
        }
        self.memory.released.notify_all();
    }
}
