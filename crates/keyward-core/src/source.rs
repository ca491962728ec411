use std::fmt::Debug;

use crate::{EntryId, Page, Query, Record, Result};

/// Where records can be had: one step above storages.
///
/// A store is one; so is anything else that can answer with records, such as another program's
/// credential helper. Look-ups and helpers take `dyn Source`.
///
/// # Errors
/// Of [`get`](Self::get), only [`NotFound`](crate::ErrorKind::NotFound) lets a look-up go on to
/// the next source. A missing key, a backend that is down or an altered record must not.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Source: Debug + Send + Sync {
    /// The record of this entry.
    fn get(&self, id: &EntryId) -> Result<Record>;

    /// Keeps the record under this entry, in place of what was there.
    fn put(&self, id: &EntryId, record: &Record) -> Result<()>;

    /// Forgets the entry.
    fn erase(&self, id: &EntryId) -> Result<()>;

    /// Some of the entries, without opening them.
    fn list(&self, query: &Query<'_>) -> Result<Page>;
}
