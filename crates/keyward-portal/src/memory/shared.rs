use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_core::{
    Change, EntryId, Error, Field, Query, Record, Result, Secret, Source, Timestamp,
};

use super::{Edit, Key, Memory};

/// The kind of the records that are notes.
const KIND: &str = "keyward.portal-note";
const VALUE: &str = "value";

/// How often notes whose time is over are removed, in seconds.
const SWEEP: u64 = 60;

/// Notes in a store, for several copies of a server.
///
/// The store seals them. It must be able to compare and swap, as most storages do; a store that only
/// this portal uses is best. Notes whose time is over are removed once a minute.
#[derive(Debug)]
pub struct SharedMemory {
    source: Arc<dyn Source>,
    user: String,
    swept: AtomicU64,
}

impl SharedMemory {
    /// Keeps the notes in this source, as entries of the user `user`. Copies of a server that should
    /// know the same use the same source and user.
    pub fn new(source: Arc<dyn Source>, user: impl Into<String>) -> Self {
        Self { source, user: user.into(), swept: AtomicU64::new(0) }
    }

    fn sweep(&self, now: Timestamp) -> Result<()> {
        let last = self.swept.load(Ordering::Relaxed);
        let is_due = now.as_unix() >= last.saturating_add(SWEEP);
        let swap =
            self.swept.compare_exchange(last, now.as_unix(), Ordering::Relaxed, Ordering::Relaxed);
        if !is_due || swap.is_err() {
            return Ok(());
        }
        let mut query = Query::default().with_user(Some(&self.user));
        loop {
            let page = self.source.list(&query)?;
            for id in &page.entries {
                self.source.update(id, &mut |record| {
                    Ok(match record {
                        Some(record) if is_over(&record, now) => Change::Remove,
                        _ => Change::Leave,
                    })
                })?;
            }
            if page.next.is_none() {
                return Ok(());
            }
            query = query.with_cursor(page.next);
        }
    }
}

impl Memory for SharedMemory {
    fn update(
        &self,
        key: &Key,
        now: Timestamp,
        change: &mut dyn FnMut(Option<&Secret>) -> Edit,
    ) -> Result<()> {
        // Notes that are over count as absent anyway, so a sweep that fails is tried again later.
        let _ = self.sweep(now);
        let name = format!("{}-{}", key.topic.name(), key.about);
        let id = EntryId::new(&self.user, Some(&name))?;
        self.source
            .update(&id, &mut |record| {
                let current = record.as_ref().filter(|record| !is_over(record, now));
                let current = current.and_then(|record| record.field(VALUE));
                Ok(match change(current.map(|field| &field.value)) {
                    Edit::Leave => Change::Leave,
                    Edit::Put(value, until) => Change::Put(Box::new(note(value, until))),
                    Edit::Remove => Change::Remove,
                })
            })
            .map_err(Error::not_a_miss)
    }

    fn lasts(&self) -> bool {
        true
    }
}

fn note(value: Secret, until: Timestamp) -> Record {
    Record::new(KIND).with(VALUE, Field::secret(value)).with_expires(Some(until))
}

/// Whether the time of a note is over. A record that is not a note does not end here.
fn is_over(record: &Record, now: Timestamp) -> bool {
    record.kind == KIND && record.expires.is_some_and(|until| until <= now)
}
