//! The tokens of credentials that come from the caller, the environment or the configuration.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use keyward_core::{
    Change, EntryId, EntryLock, Error, ErrorKind, Exclusion, LockMode, Page, Query, Record, Result,
    Source,
};

/// The credentials that were found outside of stores, each with the tokens that it has by now.
/// Nothing of it is written anywhere.
#[derive(Debug, Default)]
pub(crate) struct InMemory(Mutex<Vec<(Record, Arc<Held>)>>);

impl InMemory {
    /// Returns the place of a credential, which is the same one for each thread that has found the
    /// same record.
    pub(crate) fn hold(&self, found: &Record) -> Result<Arc<Held>> {
        let mut all = self.0.lock()?;
        if let Some((_, held)) = all.iter().find(|(known, _)| known == found) {
            return Ok(Arc::clone(held));
        }
        let held = Arc::new(Held::new(found.clone()));
        all.push((found.clone(), Arc::clone(&held)));
        Ok(held)
    }
}

/// One record in memory. It is a source with this one entry, whatever its id is.
#[derive(Debug)]
pub(crate) struct Held {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug)]
struct State {
    record: Record,
    is_locked: bool,
    readers: usize,
}

impl Held {
    fn new(record: Record) -> Self {
        let state = State { record, is_locked: false, readers: 0 };
        Self { state: Mutex::new(state), released: Condvar::new() }
    }

    pub(crate) fn record(&self) -> Result<Record> {
        Ok(self.state.lock()?.record.clone())
    }
}

impl Source for Held {
    fn get(&self, _: &EntryId) -> Result<Record> {
        self.record()
    }

    fn contains(&self, _: &EntryId) -> Result<bool> {
        Ok(true)
    }

    fn update(
        &self,
        _: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        let mut state = self.state.lock()?;
        match change(Some(state.record.clone()))? {
            Change::Put(record) => state.record = *record,
            Change::Leave => {}
            Change::Remove => return Err(Error::new(ErrorKind::Unsupported, "token")),
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
        while state.is_locked || mode == LockMode::Exclusive && state.readers > 0 {
            let left = wait.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
            let left = left.ok_or_else(|| Error::new(ErrorKind::Locked, "lock"))?;
            state = self.released.wait_timeout(state, left)?.0;
        }
        match mode {
            LockMode::Exclusive => state.is_locked = true,
            LockMode::Shared => state.readers += 1,
        }
        Ok(Box::new(Lock { held: self, id: id.clone(), mode }))
    }
}

#[derive(Debug)]
struct Lock<'a> {
    held: &'a Held,
    id: EntryId,
    mode: LockMode,
}

impl EntryLock for Lock<'_> {
    fn exclusion(&self) -> Exclusion {
        Exclusion::Process
    }

    fn renew(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn update(&mut self, change: &mut dyn FnMut(Option<Record>) -> Result<Change>) -> Result<()> {
        self.held.update(&self.id, change)
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.held.state.lock() {
            match self.mode {
                LockMode::Exclusive => state.is_locked = false,
                LockMode::Shared => state.readers -= 1,
            }
        }
        self.held.released.notify_all();
    }
}
