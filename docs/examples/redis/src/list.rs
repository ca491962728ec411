//! Lists entries in the order of user and name.

use keyward_plugin::{EntryId, Error, Result};

use crate::script::LIST;
use crate::storage::Redis;

/// The most entries of one call.
const BATCH: usize = 1000;

impl Redis {
    /// Returns the entries from this place in the index on. They are fetched when they are needed.
    pub(crate) fn entries_from(
        &self,
        first: &[u8],
        wanted: usize,
    ) -> impl Iterator<Item = Result<EntryId>> + use<'_> {
        // One more entry than fits on the page shows whether there is another page.
        let batch = wanted.saturating_add(2).min(BATCH);
        let mut next = Some([b"[", first].concat());
        std::iter::from_fn(move || {
            let batch = self.batch(&next.take()?, batch);
            Some(batch.map(|batch| {
                next = batch.next;
                batch.entries
            }))
        })
        .flat_map(|entries| match entries {
            Ok(entries) => entries.into_iter().map(|entry| read(&entry)).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    fn batch(&self, from: &[u8], size: usize) -> Result<Batch> {
        let (index, start) = (self.keys.index(), self.keys.entries());
        let mut entries: Vec<Vec<u8>> = self.server.run("list", |connection| {
            LIST.key(&index).arg(&start).arg(from).arg(size).invoke(connection)
        })?;
        if entries.is_empty() {
            return Err(Error::corrupt("list"));
        }
        let next = entries.remove(0);
        Ok(Batch { entries, next: (!next.is_empty()).then_some(next) })
    }
}

/// What a call of `list.lua` returns.
struct Batch {
    entries: Vec<Vec<u8>>,
    /// Where to continue.
    next: Option<Vec<u8>>,
}

/// Reads what the index contains for an entry.
fn read(member: &[u8]) -> Result<EntryId> {
    let read = || {
        let (user, name) = std::str::from_utf8(member).ok()?.split_once('\0')?;
        EntryId::restore(user, name).ok()
    };
    read().ok_or_else(|| {
        Error::corrupt("list").because("the server's index has an entry that is not of this store")
    })
}
