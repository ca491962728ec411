use std::collections::HashSet;
use std::time::{Duration, Instant};

use keyward_core::{ErrorKind, Expect, Put, Revision, Storage, Swaps};

use super::{any, entry, holds, lacks, put};
use crate::Subject;
use crate::check::fails;

/// An entry that is made again after it was deleted gets none of its earlier revisions, unless the
/// blob is the same.
pub fn an_earlier_revision_does_not_return(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    let mut seen = HashSet::new();
    for round in 0..6_u8 {
        assert!(seen.insert(put(&*storage, &id, &[round])), "a revision was used again");
        if round % 2 == 1 {
            storage.delete(&id, &Expect::Any).unwrap();
        }
    }
}

/// A storage that cannot check a condition returns `Unsupported` for it and changes nothing.
pub fn conditions_that_it_lacks_are_unsupported(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let swaps = storage.abilities().swaps;
    if swaps == Swaps::All {
        return subject.pass_over("it checks all conditions");
    }
    let (id, missing) = (entry("ann", ""), entry("bob", ""));
    let revision = put(&*storage, &id, b"blob");
    let conditions = [
        Expect::Absent,
        Expect::Revision(revision),
        Expect::Revision(Revision::new(b"another").unwrap()),
    ];
    for condition in conditions {
        fails(storage.delete(&id, &condition), &[ErrorKind::Unsupported]);
        if swaps < Swaps::Puts {
            let put = Put::expecting(condition);
            fails(storage.put(&id, b"changed", &put), &[ErrorKind::Unsupported]);
            fails(storage.put(&missing, b"changed", &put), &[ErrorKind::Unsupported]);
        }
        holds(&*storage, &id, b"blob");
        lacks(&*storage, &missing);
    }
}

/// If the caller's time is over, an operation soon ends: it succeeds, or fails with `Unavailable` or
/// `Locked`.
pub fn a_callers_deadline_is_kept(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    put(&*storage, &id, b"blob");
    let (started, ends) = (Instant::now(), [ErrorKind::Unavailable, ErrorKind::Locked]);
    subject.host().set_remaining(Some(Duration::ZERO));
    let results = [
        storage.get(&id).map(drop),
        storage.put(&id, b"changed", &any()).map(drop),
        storage.delete(&entry("bob", ""), &Expect::Any).or_else(|error| match error.is_miss() {
            true => Ok(()),
            false => Err(error),
        }),
    ];
    for result in results {
        if result.is_err() {
            fails(result, &ends);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5), "it does not notice the deadline");
    subject.host().set_remaining(None);
    storage.get(&id).unwrap();
}
