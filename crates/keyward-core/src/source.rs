use std::fmt::Debug;

use crate::{EntryId, Page, Query, Record, Result};

/// Something that keeps records: one level above storages.
///
/// A store is a source; so is anything else that can return records, such as another program's
/// credential helper. Look-ups and helpers take `dyn Source`.
///
/// # Errors
/// Of [`get`](Self::get), only [`NotFound`](crate::ErrorKind::NotFound) lets a look-up try the next
/// source. A missing key, a backend that is down or an altered record must not.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Source: Debug + Send + Sync {
    /// Returns the record of this entry.
    fn get(&self, id: &EntryId) -> Result<Record>;

    /// Whether the entry exists. The source opens the entry only if it cannot find out otherwise.
    fn contains(&self, id: &EntryId) -> Result<bool>;

    /// Changes the record of this entry without losing the change of another writer, as far as the
    /// source can ensure that. This is the only way to write.
    ///
    /// `change` gets the current record, or `None`, and returns what to do with it. It is called
    /// again if the record was changed in the meantime.
    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()>;

    /// Lists some of the entries, without opening them.
    fn list(&self, query: &Query<'_>) -> Result<Page>;
}

/// What to do with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Leave it as it is; nothing is written.
    Leave,
    /// Replace it with this one.
    Put(Box<Record>),
    /// Remove it.
    Remove,
}
