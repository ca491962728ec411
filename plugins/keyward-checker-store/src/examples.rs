//! Which users an unknown one can imitate.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};

use keyward_plugin::{EntryId, Query, Result, Source, Timestamp};

/// How long a list of users is used, in seconds. A list of a store with many users takes time, and a
/// client could see that only unknown users need it.
const LIFE: u64 = 60;

/// How many users are tried that have no verifier of the right form.
const TRIES: usize = 64;

/// The users of a store, listed now and then.
#[derive(Default)]
pub(crate) struct Examples(Mutex<Option<Listed>>);

struct Listed {
    ids: Arc<[EntryId]>,
    at: Timestamp,
}

impl Examples {
    /// Returns the entries of the users, in the order of their names.
    pub(crate) fn ids(
        &self,
        source: &dyn Source,
        entry: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<[EntryId]>> {
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*listed
            && now.as_unix().saturating_sub(known.at.as_unix()) < LIFE
        {
            return Ok(Arc::clone(&known.ids));
        }
        let ids = list(source, entry)?;
        *listed = Some(Listed { ids: Arc::clone(&ids), at: now });
        Ok(ids)
    }

    /// Iterates over some of the entries, which a number selects. If one has no verifier of the right
    /// form, the next is as likely as any other, so that no user is taken more often than another.
    pub(crate) fn selected_by(ids: &[EntryId], pick: u64) -> impl Iterator<Item = &EntryId> {
        // The step of a generator with 64 bits by Knuth; its high bits are the better ones.
        let next = |number: &u64| {
            Some(
                number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407),
            )
        };
        let numbers = std::iter::successors(next(&pick), next).take(TRIES);
        let count = ids.len() as u64;
        numbers.filter_map(move |number| {
            let index = (number >> 32).checked_rem(count)?;
            ids.get(usize::try_from(index).ok()?)
        })
    }
}

fn list(source: &dyn Source, entry: Option<&str>) -> Result<Arc<[EntryId]>> {
    let mut ids = Vec::new();
    let mut query = Query::default().with_prefix(entry.unwrap_or_default());
    loop {
        let page = source.list(&query)?;
        ids.extend(page.entries.into_iter().filter(|id| id.name() == entry && !id.is_reserved()));
        if page.next.is_none() {
            break;
        }
        query = query.with_cursor(page.next);
    }
    ids.sort();
    Ok(ids.into())
}

impl Debug for Examples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Examples")
    }
}
