//! The contract of every storage.

mod conditions;
mod expiry;
mod list;
mod many;

use keyward_core::{EntryId, ErrorKind, Expect, Put, Revision, Storage, Swaps, Timestamp};

use crate::check::{fails, hides};
use crate::{Subject, vectors};

pub use conditions::*;
pub use expiry::*;
pub use list::*;
pub use many::*;

cases! {
    $
    /// Tests a storage: `storage_suite!(Sqlite, |scratch| Values::new()…)`.
    storage_suite for Storage in storage:
    get_of_a_missing_entry_is_not_found,
    get_gives_what_put_kept,
    put_replaces_and_changes_the_revision,
    put_expecting_absent_replaces_nothing,
    put_expecting_a_revision_replaces_only_that,
    delete_removes_the_entry,
    delete_of_a_missing_entry_is_not_found,
    delete_of_another_revision_changes_nothing,
    entries_differ_by_user_and_name,
    reserved_entries_are_separate,
    hostile_names_are_kept_exactly,
    an_empty_blob_is_kept,
    every_byte_value_is_kept,
    a_large_blob_is_kept_or_unsupported,
    an_entry_stays_until_it_expires,
    a_put_without_an_expiry_lifts_it,
    an_expired_entry_is_not_in_the_way,
    an_earlier_revision_does_not_return,
    conditions_that_it_lacks_are_unsupported,
    a_callers_deadline_is_kept,
    destroy_removes_every_entry,
    destroy_leaves_foreign_files,
    debug_shows_no_blob,
    list_of_nothing_is_empty,
    list_shows_every_entry_once,
    list_shows_no_deleted_entry,
    list_keeps_to_the_user,
    list_keeps_to_the_prefix,
    list_pages_reach_everything,
    a_hostile_cursor_does_no_harm,
    reopening_keeps_everything,
    instances_see_each_other,
    threads_lose_no_increment,
    instances_lose_no_increment,
    one_of_many_first_puts_wins,
    no_reader_sees_half_a_blob,
    an_exclusive_lock_excludes_all_others,
    shared_locks_exclude_only_exclusive_ones,
    a_lock_ends_with_its_guard,
    locks_of_different_entries_are_independent,
    a_lease_ends_unless_it_is_renewed,
    bulk_makes_all_changes,
    bulk_makes_all_changes_or_none,
    bulk_returns_the_revisions,
    bulk_applies_changes_of_one_entry_in_order,
    get_many_gives_the_same_as_get,
}

/// Removes what a case put.
pub(crate) const CLEAN_UP: Option<fn(&dyn Storage)> = Some(|storage| drop(storage.destroy()));

/// Makes the id of the entry of `user`, with a name unless it is empty.
fn entry(user: &str, name: &str) -> EntryId {
    EntryId::new(user, (!name.is_empty()).then_some(name)).unwrap()
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

#[track_caller]
fn put(storage: &dyn Storage, id: &EntryId, blob: &[u8]) -> Revision {
    storage.put(id, blob, &any()).unwrap()
}

#[track_caller]
fn holds(storage: &dyn Storage, id: &EntryId, blob: &[u8]) -> Revision {
    let stored = storage.get(id).unwrap();
    let (found, revision) = (&stored.blob, stored.revision());
    assert!(found == blob, "it keeps another blob: {} bytes, not {}", found.len(), blob.len());
    revision
}

#[track_caller]
fn lacks(storage: &dyn Storage, id: &EntryId) {
    fails(storage.get(id), &[ErrorKind::NotFound]);
}

/// `get` of an entry that was never put returns `NotFound`, also in an empty storage.
pub fn get_of_a_missing_entry_is_not_found(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    lacks(&*storage, &entry("ann", ""));
    put(&*storage, &entry("bob", ""), b"blob");
    lacks(&*storage, &entry("ann", ""));
    lacks(&*storage, &entry("bob", "work"));
}

/// `get` returns the blob byte for byte, with the revision that `put` returned.
pub fn get_gives_what_put_kept(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    let revision = put(&*storage, &id, b"some\0blob\r\n");
    assert_eq!(holds(&*storage, &id, b"some\0blob\r\n"), revision);
}

/// A second `put` replaces the first, and the entry gets another revision.
pub fn put_replaces_and_changes_the_revision(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    let first = put(&*storage, &id, b"a rather long first blob");
    let second = put(&*storage, &id, b"short");
    assert_eq!(holds(&*storage, &id, b"short"), second);
    assert_ne!(first, second);
}

/// Returns a put that must make the entry, as far as the storage checks conditions.
fn new(storage: &dyn Storage) -> Put {
    let checks = storage.abilities().swaps >= Swaps::Puts;
    Put::expecting(if checks { Expect::Absent } else { Expect::Any })
}

const UNCHECKED: &str = "it does not check this condition";

/// With `Expect::Absent`, `put` does not replace an entry.
pub fn put_expecting_absent_replaces_nothing(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().swaps < Swaps::Puts {
        return subject.pass_over(UNCHECKED);
    }
    let (id, absent) = (entry("ann", ""), Put::expecting(Expect::Absent));
    let revision = storage.put(&id, b"first", &absent).unwrap();
    fails(storage.put(&id, b"second", &absent), &[ErrorKind::Conflict]);
    assert_eq!(holds(&*storage, &id, b"first"), revision);
}

/// With `Expect::Revision`, `put` replaces exactly that revision, and does not make an entry.
pub fn put_expecting_a_revision_replaces_only_that(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().swaps < Swaps::Puts {
        return subject.pass_over(UNCHECKED);
    }
    let id = entry("ann", "");
    let first = put(&*storage, &id, b"first");
    let expecting = |revision: &Revision| Put::expecting(Expect::Revision(revision.clone()));
    let second = storage.put(&id, b"second", &expecting(&first)).unwrap();
    for wrong in [first, Revision::new(b"").unwrap(), Revision::new(&[7; 64]).unwrap()] {
        fails(storage.put(&id, b"third", &expecting(&wrong)), &[ErrorKind::Conflict]);
    }
    assert_eq!(holds(&*storage, &id, b"second"), second);
    let missing = entry("bob", "");
    fails(storage.put(&missing, b"third", &expecting(&second)), &[ErrorKind::Conflict]);
    lacks(&*storage, &missing);
}

/// `delete` removes the entry and no other, and the entry can be put again.
pub fn delete_removes_the_entry(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let (id, other) = (entry("ann", ""), entry("ann", "work"));
    put(&*storage, &id, b"blob");
    put(&*storage, &other, b"other");
    storage.delete(&id, &Expect::Any).unwrap();
    lacks(&*storage, &id);
    holds(&*storage, &other, b"other");
    storage.put(&id, b"again", &new(&*storage)).unwrap();
    holds(&*storage, &id, b"again");
}

/// `delete` of an entry that does not exist, or no longer exists, returns `NotFound`.
pub fn delete_of_a_missing_entry_is_not_found(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    fails(storage.delete(&id, &Expect::Any), &[ErrorKind::NotFound]);
    put(&*storage, &id, b"blob");
    let _ = storage.delete(&id, &Expect::Any);
    fails(storage.delete(&id, &Expect::Any), &[ErrorKind::NotFound]);
}

/// `delete` changes nothing if its condition does not hold.
pub fn delete_of_another_revision_changes_nothing(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    if storage.abilities().swaps < Swaps::All {
        return subject.pass_over(UNCHECKED);
    }
    let id = entry("ann", "");
    let first = put(&*storage, &id, b"first");
    let second = put(&*storage, &id, b"second");
    for wrong in [Expect::Revision(first), Expect::Absent] {
        fails(storage.delete(&id, &wrong), &[ErrorKind::Conflict]);
        holds(&*storage, &id, b"second");
    }
    storage.delete(&id, &Expect::Revision(second)).unwrap();
}

/// The entry without a name, entries with a name and those of other users are different entries.
pub fn entries_differ_by_user_and_name(subject: &Subject<dyn Storage>) {
    keeps_apart(
        &*subject.open(),
        &[
            entry("ann", ""),
            entry("ann", "work"),
            entry("ann", "ann"),
            entry("bob", ""),
            entry("bob", "work"),
            entry("work", "ann"),
            entry("a", "nnwork"),
            entry("annwork", ""),
        ],
    );
}

/// The entries that a store keeps for itself are different from those of all users.
pub fn reserved_entries_are_separate(subject: &Subject<dyn Storage>) {
    keeps_apart(
        &*subject.open(),
        &[
            EntryId::reserved("keyset"),
            EntryId::reserved("state"),
            entry("keyset", ""),
            entry("ann", "keyset"),
            entry("%", "keyset"),
        ],
    );
}

/// Every canonical name, as a user and as a name, is a separate entry.
pub fn hostile_names_are_kept_exactly(subject: &Subject<dyn Storage>) {
    let mut ids = Vec::new();
    for name in vectors::names() {
        ids.extend(EntryId::new(&name, None));
        ids.extend(EntryId::new("ann", Some(&name)));
    }
    for (user, name) in [("a/b", "c"), ("a", "b/c"), ("a%", "b"), ("a", "%b"), ("..", "..")] {
        ids.push(entry(user, name));
    }
    keeps_apart(&*subject.open(), &ids);
}

/// Puts a different blob under each id. All are kept, and deleting some leaves the others.
#[track_caller]
fn keeps_apart(storage: &dyn Storage, ids: &[EntryId]) {
    let blob = |at: usize| format!("blob of entry {at}").into_bytes();
    for (at, id) in ids.iter().enumerate() {
        storage
            .put(id, &blob(at), &new(storage))
            .unwrap_or_else(|error| panic!("{id:?} is not kept as a separate entry: {error:?}"));
    }
    for (at, id) in ids.iter().enumerate() {
        holds(storage, id, &blob(at));
    }
    for id in ids.iter().step_by(2) {
        storage.delete(id, &Expect::Any).unwrap();
    }
    for (at, id) in ids.iter().enumerate().skip(1).step_by(2) {
        holds(storage, id, &blob(at));
    }
}

/// An empty blob can be kept.
pub fn an_empty_blob_is_kept(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    put(&*storage, &id, b"");
    holds(&*storage, &id, b"");
}

/// A storage does not translate bytes.
pub fn every_byte_value_is_kept(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let bytes: Vec<u8> = (0..=255).rev().chain(0..=255).collect();
    put(&*storage, &entry("ann", ""), &bytes);
    holds(&*storage, &entry("ann", ""), &bytes);
}

/// A blob as large as the abilities allow, or of 1 MiB, is kept; a larger one is `Unsupported` and
/// leaves the old one.
pub fn a_large_blob_is_kept_or_unsupported(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let largest = storage.abilities().largest;
    let id = entry("ann", "");
    let large: Vec<u8> = (0..1_u32 << 20).map(|at| (at >> 8 ^ at) as u8).collect();
    let fitting = &large[..largest.unwrap_or(large.len()).min(large.len())];
    put(&*storage, &id, fitting);
    holds(&*storage, &id, fitting);
    if let Some(largest) = largest {
        let beyond = vec![7; largest + 1];
        fails(storage.put(&id, &beyond, &any()), &[ErrorKind::Unsupported]);
        holds(&*storage, &id, fitting);
    }
}

/// A storage may forget an entry that has expired, but not before.
pub fn an_entry_stays_until_it_expires(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let in_2100 = Timestamp::from_unix(4_102_444_800);
    let id = entry("ann", "");
    storage.put(&id, b"blob", &Put::expecting(Expect::Any).expiring(Some(in_2100))).unwrap();
    holds(&*storage, &id, b"blob");
}

/// After `destroy`, no instance returns an entry.
pub fn destroy_removes_every_entry(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let ids = [entry("ann", ""), entry("bob", "work"), EntryId::reserved("keyset")];
    for id in &ids {
        put(&*storage, id, b"blob");
    }
    storage.destroy().unwrap();
    assert_absent(&*storage, &ids);
    drop(storage);
    assert_absent(&*subject.open(), &ids);
}

#[track_caller]
fn assert_absent(storage: &dyn Storage, ids: &[EntryId]) {
    for id in ids {
        fails(storage.get(id), &[ErrorKind::NotFound, ErrorKind::Unavailable]);
    }
}

/// `destroy` removes what the storage made and nothing else, also in the storage's folders.
pub fn destroy_leaves_foreign_files(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    put(&*storage, &id, b"blob");
    let scratch = subject.scratch();
    let mut foreign = vec![scratch.file("foreign", b"not yours")];
    for found in std::fs::read_dir(scratch.folder()).unwrap() {
        let (found, name) = found.map(|found| (found.path(), found.file_name())).unwrap();
        if found.is_dir() {
            foreign.push(scratch.file(&format!("{}/foreign", name.to_str().unwrap()), b"mine"));
        }
    }
    // It may return an error when it leaves a file behind, or not.
    let _ = storage.destroy();
    assert_absent(&*storage, &[id]);
    for file in foreign {
        assert!(
            std::fs::exists(&file).unwrap(),
            "the storage removed {file}, which it had not made"
        );
    }
}

/// `Debug` shows no blob.
pub fn debug_shows_no_blob(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    put(&*storage, &entry("ann", ""), b"canary in a blob");
    hides(&format!("{storage:?} {:?}", storage.abilities()), b"canary in a blob");
}
