//! A store of the host, as a plugin calls it.

use std::sync::Arc;

use keyward_core::{
    Change, EntryId, Error, MAX_RECORD, Page, Query, Record, Result, Source, update_by_swaps,
};

use super::data::{Buffer, EntryName, Failure, Slice};
use super::held::{Held, ask};
use super::listing::receive_list;
use crate::cbor::{decode_record, encode_record};

/// A store that an option names. The host opens it at the first call.
#[derive(Debug)]
pub(super) struct ForeignSource {
    pub(super) host: Arc<Held>,
    pub(super) store: String,
}

impl ForeignSource {
    fn store(&self) -> Slice {
        Slice::new(self.store.as_bytes())
    }

    /// Replaces a record if it is the expected one.
    fn swap(&self, id: &EntryId, expected: Option<&Record>, new: Option<&Record>) -> Result<()> {
        let expected = expected.map(encode_record).transpose()?;
        let new = new.map(encode_record).transpose()?;
        let expected = Slice::maybe(expected.as_ref().map(|record| record.expose()));
        let new = Slice::maybe(new.as_ref().map(|record| record.expose()));
        let (entry, mut failure) = (EntryName::new(id), Failure::new());
        let status = ask!(self.host, source_swap, self.store(), entry, expected, new, &mut failure);
        // SAFETY: the host wrote it, as its contract says.
        unsafe { failure.read("update", status) }
    }
}

impl Source for ForeignSource {
    fn get(&self, id: &EntryId) -> Result<Record> {
        let (mut record, mut failure) = (Buffer::NULL, Failure::new());
        let entry = EntryName::new(id);
        let status = ask!(self.host, source_get, self.store(), entry, &mut record, &mut failure);
        // SAFETY: the host wrote both, as its contract says.
        let record = unsafe {
            let record = record.take(MAX_RECORD);
            failure.read("get", status)?;
            record?
        };
        let nothing = || Error::corrupt("get").because("the host returned no record");
        decode_record(record.ok_or_else(nothing)?.expose())
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        let (mut found, mut failure) = (0, Failure::new());
        let entry = EntryName::new(id);
        let status =
            ask!(self.host, source_contains, self.store(), entry, &mut found, &mut failure);
        // SAFETY: the host wrote it, as its contract says.
        unsafe { failure.read("contains", status)? };
        Ok(found != 0)
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        update_by_swaps(|| self.get(id), |expected, new| self.swap(id, expected, new), change)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let call = |query, entries, next| {
            let mut failure = Failure::new();
            let status =
                ask!(self.host, source_list, self.store(), query, entries, next, &mut failure);
            // SAFETY: the host wrote it, as its contract says.
            unsafe { failure.read("list", status) }
        };
        // SAFETY: the host's function follows the contract.
        unsafe { receive_list(query, call) }
    }
}
