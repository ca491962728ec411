//! [`Source::update`] through a door: a closure cannot cross it, so the plugin runs the closure and
//! the host compares and swaps.

use crate::{Change, EntryId, Error, ErrorKind, Record, Result, Source};

/// How many times an update tries again if other writers keep changing the entry.
const ATTEMPTS: u32 = 100;

/// Does [`Source::update`] with a function that reads the record, and one that replaces the record
/// if it is still the one that was read.
///
/// # Errors
/// As [`Source::update`].
#[doc(hidden)]
pub fn update_by_swaps(
    get: impl Fn() -> Result<Record>,
    swap: impl Fn(Option<&Record>, Option<&Record>) -> Result<()>,
    change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
) -> Result<()> {
    for attempt in 0.. {
        let present = match get() {
            Err(error) if error.is_miss() => None,
            found => Some(found?),
        };
        let swapped = match change(present.clone())? {
            Change::Put(record) => swap(present.as_ref(), Some(&record)),
            Change::Remove if present.is_some() => swap(present.as_ref(), None),
            Change::Leave | Change::Remove => return Ok(()),
        };
        match swapped {
            Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {}
            swapped => return swapped,
        }
    }
    unreachable!("the last attempt returns")
}

/// Replaces the record of an entry if it is the expected one. `None` is no record.
///
/// # Errors
/// [`Conflict`](ErrorKind::Conflict) if it is another record; then nothing changes. Else those of
/// [`Source::update`].
#[doc(hidden)]
pub fn swap(
    source: &dyn Source,
    id: &EntryId,
    expected: Option<&Record>,
    new: Option<&Record>,
) -> Result<()> {
    source.update(id, &mut |present| match (present, new) {
        (present, _) if present.as_ref() != expected => {
            Err(Error::new(ErrorKind::Conflict, "swap").because("the record was changed"))
        }
        (_, Some(new)) => Ok(Change::Put(Box::new(new.clone()))),
        (Some(_), None) => Ok(Change::Remove),
        (None, None) => Ok(Change::Leave),
    })
}
