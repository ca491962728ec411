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

    /// Whether the entry is there. It is not opened where that can be told without.
    fn contains(&self, id: &EntryId) -> Result<bool>;

    /// Keeps the record under this entry, in place of what was there.
    fn put(&self, id: &EntryId, record: &Record) -> Result<()>;

    /// Forgets the entry.
    fn erase(&self, id: &EntryId) -> Result<()>;

    /// Changes the record of this entry so that no change of somebody else's is lost, as far as
    /// the source can see to that.
    ///
    /// `change` is handed the record as it is, or `None`, and says what becomes of it. It is asked
    /// again where the record was changed meanwhile.
    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()>;

    /// Some of the entries, without opening them.
    fn list(&self, query: &Query<'_>) -> Result<Page>;
}

/// What becomes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It stays as it is; nothing is written.
    Leave,
    /// This one takes its place.
    Put(Box<Record>),
    /// It is removed.
    Remove,
}
