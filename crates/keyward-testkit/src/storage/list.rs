use std::collections::BTreeSet;

use keyward_core::{Cursor, EntryId, ErrorKind, Expect, Query, Storage};

use super::{entry, put};
use crate::Subject;
use crate::check::fails;

/// A storage without entries lists none; one that cannot list returns `Unsupported`.
pub fn list_of_nothing_is_empty(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().lists {
        assert_eq!(all(&*storage, &Query::default()), []);
    } else {
        fails(storage.list(&Query::default()), &[ErrorKind::Unsupported]);
    }
}

/// Every entry is listed once, also reserved ones and those that were put several times.
pub fn list_shows_every_entry_once(subject: &Subject<dyn Storage>) {
    let Some((storage, ids)) = filled(subject) else { return };
    put(&*storage, &ids[0], b"another blob");
    assert_eq!(all(&*storage, &Query::default()), ids);
}

/// A deleted entry is not listed.
pub fn list_shows_no_deleted_entry(subject: &Subject<dyn Storage>) {
    let Some((storage, mut ids)) = filled(subject) else { return };
    storage.delete(&ids.remove(2), &Expect::Any).unwrap();
    let listed = all(&*storage, &Query::default());
    assert_eq!(unique(&listed), unique(&ids));
}

/// A query for a user returns only that user's entries.
pub fn list_keeps_to_the_user(subject: &Subject<dyn Storage>) {
    let Some((storage, ids)) = filled(subject) else { return };
    for user in ["ann", "an", "bob", "a_n", "eve", ""] {
        let query = Query::default().with_user(Some(user));
        agree(&*storage, &ids, &query);
    }
}

/// A query for a prefix takes it literally, also if it has a meaning in a query language.
pub fn list_keeps_to_the_prefix(subject: &Subject<dyn Storage>) {
    let Some((storage, ids)) = filled(subject) else { return };
    for prefix in
        ["w", "W", "work", "work2", "%", "_", "w_", "*", "?", "[", "\\", "'", "/", "\u{e9}"]
    {
        for user in [None, Some("ann")] {
            agree(&*storage, &ids, &Query::default().with_user(user).with_prefix(prefix));
        }
    }
}

/// With pages of any size, a list returns every entry, and no page is larger than requested.
pub fn list_pages_reach_everything(subject: &Subject<dyn Storage>) {
    let Some((storage, ids)) = filled(subject) else { return };
    for limit in [1, 2, 3, ids.len(), ids.len() + 1] {
        let query = Query::default().with_limit(limit);
        assert_eq!(unique(&all(&*storage, &query)), unique(&ids), "in pages of {limit}");
    }
    agree(&*storage, &ids, &Query::default().with_user(Some("ann")).with_limit(1));
}

/// A cursor that the storage never returned is refused, or does no harm.
pub fn a_hostile_cursor_does_no_harm(subject: &Subject<dyn Storage>) {
    let Some((storage, ids)) = filled(subject) else { return };
    for garbage in [&b""[..], b"\0", b"\xff\xfe", b"../../x", b"' or 1=1 --", &[b'k'; 5000]] {
        let query = Query::default().with_cursor(Some(Cursor(garbage.to_vec())));
        if let Ok(page) = storage.list(&query) {
            assert!(page.entries.iter().all(|id| ids.contains(id)));
        }
    }
    agree(&*storage, &ids, &Query::default());
}

/// Makes a storage with entries, sorted; `None` if it cannot list.
fn filled(subject: &Subject<dyn Storage>) -> Option<(Box<dyn Storage>, Vec<EntryId>)> {
    let storage = subject.open();
    if !storage.abilities().lists {
        fails(storage.list(&Query::default()), &[ErrorKind::Unsupported]);
        return None;
    }
    let mut ids = vec![EntryId::reserved("keyset"), entry("ann", ""), entry("an", "work")];
    for name in ["work", "work2", "Way", "w%", "w_", "%", "_", "*", "[a]", "'", "\u{e9}t\u{e9}"] {
        ids.push(entry("ann", name));
    }
    ids.extend([entry("bob", ""), entry("bob", "work"), entry("a_n", "https://example.com/")]);
    ids.sort_unstable();
    for id in &ids {
        put(&*storage, id, b"blob");
    }
    Some((storage, ids))
}

/// Checks that the storage lists those of `ids` that the query matches.
#[track_caller]
fn agree(storage: &dyn Storage, ids: &[EntryId], query: &Query<'_>) {
    let matching: BTreeSet<_> = ids.iter().filter(|id| query.matches(id)).collect();
    let listed = all(storage, query);
    assert_eq!(unique(&listed), matching, "{query:?}");
}

fn unique(ids: &[EntryId]) -> BTreeSet<&EntryId> {
    ids.iter().collect()
}

/// Returns every entry on the pages of the query, sorted.
#[track_caller]
fn all(storage: &dyn Storage, query: &Query<'_>) -> Vec<EntryId> {
    let mut query = query.clone();
    let mut ids = Vec::new();
    for _ in 0..1000 {
        let page = storage.list(&query).unwrap();
        assert!(page.entries.len() <= query.limit, "a page is larger than requested");
        ids.extend(page.entries);
        if page.next.is_none() {
            ids.sort_unstable();
            return ids;
        }
        query.cursor = page.next;
    }
    panic!("there are too many pages");
}
