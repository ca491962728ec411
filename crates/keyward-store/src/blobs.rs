//! Gets the blobs of many entries in few calls of the storage.

use std::collections::VecDeque;

use keyward_core::{EntryId, Error, Record, Result, Stored};

use crate::store::Store;

/// How many entries are requested in one call.
const BATCH: usize = 256;

impl Store {
    /// Returns the records of these entries: one result for each, in their order.
    ///
    /// It needs fewer calls of the storage than [`get`](Self::get) for each of them.
    ///
    /// # Errors
    /// Those of the storage; what is wrong with one entry is its result.
    pub fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Record>>> {
        let blobs = self.blobs(ids.iter().cloned().map(Ok));
        blobs.map(|found| found.map(|(id, stored)| self.open_blob(&id, stored))).collect()
    }

    /// Returns the record in what the storage returned for an entry.
    pub(crate) fn open_blob(&self, id: &EntryId, stored: Result<Stored>) -> Result<Record> {
        self.open_stored(id, self.check_miss(stored)?)?.1
    }

    /// Iterates over what the storage returns for these entries, in their order.
    pub(crate) fn blobs<I: Iterator<Item = Result<EntryId>>>(&self, ids: I) -> Blobs<'_, I> {
        Blobs { store: self, ids, wanted: Vec::new(), found: VecDeque::new(), failed: None }
    }
}

/// What the storage returns for entries; some are fetched ahead.
pub(crate) struct Blobs<'a, I> {
    store: &'a Store,
    ids: I,
    /// The next entries to fetch.
    wanted: Vec<EntryId>,
    /// Those that were fetched.
    found: VecDeque<(EntryId, Result<Stored>)>,
    /// The error that comes after them.
    failed: Option<Error>,
}

impl<I: Iterator<Item = Result<EntryId>>> Iterator for Blobs<'_, I> {
    type Item = Result<(EntryId, Result<Stored>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.found.is_empty() {
            self.gather();
            if !self.wanted.is_empty()
                && let Err(error) = self.fetch()
            {
                self.wanted.clear();
                return Some(Err(error));
            }
        }
        self.found.pop_front().map(Ok).or_else(|| self.failed.take().map(Err))
    }
}

impl<I: Iterator<Item = Result<EntryId>>> Blobs<'_, I> {
    /// Gathers the entries of the next call.
    fn gather(&mut self) {
        while self.wanted.len() < BATCH && self.failed.is_none() {
            match self.ids.next() {
                Some(Ok(id)) => self.wanted.push(id),
                Some(Err(error)) => self.failed = Some(error),
                None => return,
            }
        }
    }

    /// Fetches some of the wanted entries.
    fn fetch(&mut self) -> Result<()> {
        let store = self.store;
        let results = store.in_storage(store.storage()?.get_many(&self.wanted))?;
        if !(1..=self.wanted.len()).contains(&results.len()) {
            let why = "it returned another number of results than was requested";
            return store.in_storage(Err(Error::corrupt("get").because(why)));
        }
        self.found = self.wanted.drain(..results.len()).zip(results).collect();
        Ok(())
    }
}
