mod fault;
mod leases;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyward_testkit::core::{
    Bulk, Cursor, EntryId, Error, ErrorKind, Exclusion, Expect, Guard, Host, LockMode, Locks,
    Operation, Page, Persistence, Put, Query, Result, Revision, Sharing, Storage, StorageAbilities,
    Stored, Swaps, Timestamp, get_each,
};
use keyward_testkit::storage::CASES;
use keyward_testkit::{Scratch, Subject, TestHost};

use crate::{catches_all, failing};
use Fault::*;
use fault::Fault;
use leases::Lease;

#[test]
fn correct_storages_pass() {
    for correct in [Modest, Forgets, Leases, Unconditional] {
        assert_eq!(failing(CASES, || subject(Some(correct))), [].into(), "{correct:?}");
    }
    assert_eq!(failing(CASES, || subject(None)), [].into());
}

#[test]
fn every_faulty_storage_is_caught() {
    let table: &[crate::Fault<'_, Fault>] = &[
        (
            MissingIsEmpty,
            &[
                "get_of_a_missing_entry_is_not_found",
                "put_expecting_a_revision_replaces_only_that",
                "delete_removes_the_entry",
                "reopening_keeps_everything",
                "instances_see_each_other",
                "destroy_removes_every_entry",
                "destroy_leaves_foreign_files",
                "bulk_makes_all_changes",
                "bulk_makes_all_changes_or_none",
            ],
        ),
        (
            GivesAnotherRevision,
            &[
                "get_gives_what_put_kept",
                "put_replaces_and_changes_the_revision",
                "put_expecting_absent_replaces_nothing",
                "put_expecting_a_revision_replaces_only_that",
                "reopening_keeps_everything",
                "instances_see_each_other",
                "bulk_returns_the_revisions",
            ],
        ),
        (
            RunsPartsTogether,
            &[
                "entries_differ_by_user_and_name",
                "reserved_entries_are_separate",
                "hostile_names_are_kept_exactly",
            ],
        ),
        (ListsSomething, &["list_of_nothing_is_empty"]),
        (
            SwallowsDelete,
            &[
                "delete_removes_the_entry",
                "delete_of_a_missing_entry_is_not_found",
                "list_shows_no_deleted_entry",
                "reopening_keeps_everything",
                "instances_see_each_other",
                "bulk_makes_all_changes",
            ],
        ),
        (
            DeleteOfMissingSucceeds,
            &["delete_of_a_missing_entry_is_not_found", "bulk_makes_all_changes_or_none"],
        ),
        (DeletesAnyRevision, &["delete_of_another_revision_changes_nothing"]),
        (
            ForgetsOnReopen,
            &[
                "reopening_keeps_everything",
                "instances_see_each_other",
                "instances_lose_no_increment",
            ],
        ),
        (
            IgnoresAbsent,
            &[
                "put_expecting_absent_replaces_nothing",
                "one_of_many_first_puts_wins",
                "bulk_makes_all_changes_or_none",
            ],
        ),
        (
            IgnoresRevision,
            &[
                "put_expecting_a_revision_replaces_only_that",
                "instances_see_each_other",
                "threads_lose_no_increment?",
                "instances_lose_no_increment?",
            ],
        ),
        (
            ChecksTooEarly,
            &[
                "threads_lose_no_increment",
                "instances_lose_no_increment",
                "one_of_many_first_puts_wins",
            ],
        ),
        (
            KeepsTheRevision,
            &[
                "an_earlier_revision_does_not_return",
                "put_replaces_and_changes_the_revision",
                "put_expecting_a_revision_replaces_only_that",
                "delete_of_another_revision_changes_nothing",
                "instances_see_each_other",
                "threads_lose_no_increment?",
                "instances_lose_no_increment?",
            ],
        ),
        (WritesInTwoSteps, &["no_reader_sees_half_a_blob"]),
        (CutsLargeBlobs, &["a_large_blob_is_kept_or_unsupported"]),
        (LosesHighBits, &["every_byte_value_is_kept", "a_large_blob_is_kept_or_unsupported"]),
        (RefusesEmptyBlobs, &["an_empty_blob_is_kept"]),
        (ExpiresAtOnce, &["an_entry_stays_until_it_expires"]),
        (FoldsCase, &["hostile_names_are_kept_exactly"]),
        (JoinsUserAndName, &["hostile_names_are_kept_exactly"]),
        (MixesInReserved, &["reserved_entries_are_separate"]),
        (ListsTwice, &["list_shows_every_entry_once"]),
        (ListsDeleted, &["list_shows_no_deleted_entry"]),
        (
            ListsEveryUser,
            &["list_keeps_to_the_user", "list_keeps_to_the_prefix", "list_pages_reach_everything"],
        ),
        (ListsEveryPrefix, &["list_keeps_to_the_prefix"]),
        (TakesPrefixAsPattern, &["list_keeps_to_the_prefix"]),
        (IgnoresTheLimit, &["list_pages_reach_everything"]),
        (EndsAfterOnePage, &["list_pages_reach_everything"]),
        (PanicsOnCursors, &["a_hostile_cursor_does_no_harm"]),
        (DestroysNothing, &["destroy_removes_every_entry", "destroy_leaves_foreign_files"]),
        (DestroysTheFolder, &["destroy_leaves_foreign_files"]),
        (ShowsBlobs, &["debug_shows_no_blob"]),
        (
            LetsLocksOverlap,
            &["an_exclusive_lock_excludes_all_others", "shared_locks_exclude_only_exclusive_ones"],
        ),
        (SharesNoLock, &["shared_locks_exclude_only_exclusive_ones"]),
        (
            KeepsLocks,
            &[
                "a_lock_ends_with_its_guard",
                "an_exclusive_lock_excludes_all_others",
                "locks_of_different_entries_are_independent",
            ],
        ),
        (HasOneLock, &["locks_of_different_entries_are_independent"]),
        (SkipsDeletesInBulk, &["bulk_makes_all_changes", "bulk_makes_all_changes_or_none"]),
        (StopsHalfWay, &["bulk_makes_all_changes_or_none"]),
        (StartsRevisionsAgain, &["an_earlier_revision_does_not_return"]),
        (IgnoresTheDeadline, &["a_callers_deadline_is_kept"]),
        (ReturnsNoRevisions, &["bulk_returns_the_revisions"]),
        (AppliesInReverse, &["bulk_applies_changes_of_one_entry_in_order"]),
        (MixesManyUp, &["get_many_gives_the_same_as_get"]),
        (SkipsMissingInMany, &["get_many_gives_the_same_as_get"]),
        (KeepsTheFirstExpiry, &["a_put_without_an_expiry_lifts_it"]),
        (ListsExpired, &["an_expired_entry_is_not_in_the_way", "list_shows_no_deleted_entry"]),
        (KeepsLeases, &["a_lease_ends_unless_it_is_renewed"]),
        (RenewsNothing, &["a_lease_ends_unless_it_is_renewed"]),
        (RenewsLostLeases, &["a_lease_ends_unless_it_is_renewed"]),
        (ReleasesOthers, &["a_lease_ends_unless_it_is_renewed"]),
        (IgnoresConditions, &["conditions_that_it_lacks_are_unsupported"]),
        (
            ModestButLists,
            &[
                "list_of_nothing_is_empty",
                "list_shows_every_entry_once",
                "list_shows_no_deleted_entry",
                "list_keeps_to_the_user",
                "list_keeps_to_the_prefix",
                "list_pages_reach_everything",
                "a_hostile_cursor_does_no_harm",
            ],
        ),
    ];
    catches_all(CASES, subject, table);
}

fn subject(fault: Option<Fault>) -> Subject<dyn Storage> {
    let scratch = Scratch::new();
    let folder = scratch.folder().to_owned();
    let shared = Arc::new(Shared::default());
    Subject::<dyn Storage>::new(scratch, TestHost::new(), move |host| {
        let shared = match fault {
            Some(ForgetsOnReopen | Modest | ModestButLists) => {
                Arc::new(Shared { locks: shared.locks.clone(), ..Shared::default() })
            }
            _ => shared.clone(),
        };
        Ok(Box::new(Kept { shared, folder: folder.clone(), fault, host: host.clone() }))
    })
}

const LARGEST: usize = 64 << 10;

/// A storage in memory, correct except for its fault.
struct Kept {
    shared: Arc<Shared>,
    folder: PathBuf,
    fault: Option<Fault>,
    host: Arc<dyn Host>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    locks: Arc<Mutex<BTreeMap<EntryId, i32>>>,
    leases: Arc<Mutex<Vec<Lease>>>,
}

#[derive(Clone, Default)]
struct State {
    blobs: BTreeMap<Vec<u8>, (EntryId, Stored)>,
    expiries: BTreeMap<Vec<u8>, Timestamp>,
    deleted: BTreeSet<EntryId>,
    writes: u64,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.fault {
            Some(ShowsBlobs) => write!(f, "{:?}", self.shared.state.lock().unwrap().blobs),
            _ => f.write_str("Kept"),
        }
    }
}

impl Kept {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn key(&self, id: &EntryId) -> Vec<u8> {
        match self.fault {
            Some(FoldsCase) => {
                EntryId::restore(&id.user().to_lowercase(), &id.name_or_empty().to_lowercase())
                    .map_or(id.to_bytes(), |id| id.to_bytes())
            }
            Some(JoinsUserAndName) => format!("{}/{}", id.user(), id.name_or_empty()).into(),
            Some(RunsPartsTogether) => [id.user(), id.name_or_empty()].concat().into(),
            Some(MixesInReserved) if id.is_reserved() => {
                EntryId::new("%", id.name()).unwrap().to_bytes()
            }
            _ => id.to_bytes(),
        }
    }

    /// The state, after expired entries were forgotten, if this storage does that.
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let mut state = self.shared.state.lock()?;
        if matches!(self.fault, Some(Forgets | KeepsTheFirstExpiry | ListsExpired)) {
            let now = self.host.now();
            let State { blobs, expiries, deleted, .. } = &mut *state;
            expiries.retain(|key, end| {
                if *end <= now {
                    deleted.extend(blobs.remove(key).map(|(id, _)| id));
                }
                *end > now
            });
        }
        Ok(state)
    }

    fn check_condition(&self, expect: &Expect) -> Result<()> {
        match (self.fault, expect) {
            (Some(Unconditional), Expect::Absent | Expect::Revision(_)) => {
                Err(Error::new(ErrorKind::Unsupported, "put"))
            }
            _ => Ok(()),
        }
    }

    fn expectation(&self, put: &Put) -> Expect {
        match (&put.expect, self.fault) {
            (Expect::Revision(given), Some(GivesAnotherRevision)) => {
                let given = given.as_bytes();
                let kept = given.strip_suffix(b"!").unwrap_or(given);
                Expect::Revision(Revision::new(kept).unwrap())
            }
            (Expect::Absent, Some(IgnoresAbsent)) => Expect::Any,
            (Expect::Revision(_), Some(IgnoresRevision)) => Expect::Any,
            (_, Some(IgnoresConditions)) => Expect::Any,
            (expect, _) => expect.clone(),
        }
    }

    fn put_in(&self, state: &mut State, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        let key = self.key(id);
        let found = state.blobs.get(&key).map(|found| found.1.revision());
        self.expectation(put).check("put", found.as_ref())?;
        state.writes += 1;
        let lifts = put.expires.is_some() || !self.has(KeepsTheFirstExpiry);
        if lifts {
            state.expiries.remove(&key);
        }
        if let Some(end) = put.expires {
            state.expiries.insert(key.clone(), end);
        }
        let revision = match found {
            Some(found) if self.has(KeepsTheRevision) => found,
            Some(found) if self.has(StartsRevisionsAgain) => {
                let number = found.as_bytes().try_into().map_or(0, u64::from_be_bytes);
                Revision::from(number + 1)
            }
            None if self.has(StartsRevisionsAgain) => Revision::from(1),
            _ => Revision::from(state.writes),
        };
        let mut blob = blob.to_vec();
        match self.fault {
            Some(LosesHighBits) => blob.iter_mut().for_each(|byte| *byte &= 0x7f),
            Some(ExpiresAtOnce) if put.expires.is_some() => return Ok(revision),
            _ => {}
        }
        let stored = Stored::new(blob, revision.clone());
        state.blobs.insert(key, (id.clone(), stored));
        Ok(revision)
    }

    fn delete_in(&self, state: &mut State, id: &EntryId, expect: &Expect) -> Result<()> {
        let key = self.key(id);
        let found = match state.blobs.get(&key) {
            Some(found) => found.1.revision(),
            None if self.has(DeleteOfMissingSucceeds) => return Ok(()),
            None => return Err(Error::not_found("delete")),
        };
        if !self.has(DeletesAnyRevision) && !self.has(IgnoresConditions) {
            expect.check("delete", Some(&found))?;
        }
        if !self.has(SwallowsDelete) {
            state.blobs.remove(&key);
            state.deleted.insert(id.clone());
        }
        Ok(())
    }

    fn listed(&self, query: &Query<'_>, id: &EntryId) -> bool {
        let mut query = query.clone();
        match self.fault {
            Some(ListsEveryUser) => query.user = None,
            Some(ListsEveryPrefix) => query.prefix = "",
            Some(TakesPrefixAsPattern) => query.prefix = query.prefix.trim_matches('%'),
            _ => {}
        }
        query.matches(id)
    }
}

impl Storage for Kept {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let state = self.state()?;
        let stored = state.blobs.get(&self.key(id)).map(|found| found.1.clone());
        match (stored, self.fault) {
            (None, Some(MissingIsEmpty)) => Ok(Stored::new(Vec::new(), Revision::from(0))),
            (Some(stored), Some(GivesAnotherRevision)) => {
                let revision = [stored.revision().as_bytes(), b"!"].concat();
                Ok(Stored::new(stored.blob, Revision::new(&revision)?))
            }
            (stored, _) => stored.ok_or_else(|| Error::not_found("get")),
        }
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Stored>>> {
        let mut ids = ids.to_vec();
        if self.has(MixesManyUp) {
            ids.sort();
        }
        let mut results = get_each(&ids, |id| self.get(id));
        if self.has(SkipsMissingInMany) {
            results.retain(Result::is_ok);
        }
        Ok(results)
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.check_condition(&put.expect)?;
        if self.has(IgnoresTheDeadline) && self.host.remaining().is_some() {
            sleep(Duration::from_secs(6));
        }
        let unsupported = || Error::new(ErrorKind::Unsupported, "put");
        let blob = match blob.len() {
            0 if self.has(RefusesEmptyBlobs) => return Err(unsupported()),
            LARGEST.. if self.has(CutsLargeBlobs) => &blob[..LARGEST],
            size if size > LARGEST => return Err(unsupported()),
            _ => blob,
        };
        if self.has(ChecksTooEarly) {
            let found = self.get(id).ok().map(|found| found.revision());
            put.expect.check("put", found.as_ref())?;
            sleep(Duration::from_millis(1));
            let put = Put::expecting(Expect::Any);
            return self.put_in(&mut *self.state()?, id, blob, &put);
        }
        if self.has(WritesInTwoSteps) && blob.len() > 1000 {
            self.put_in(&mut *self.state()?, id, &blob[..1000], put)?;
            sleep(Duration::from_millis(1));
        }
        self.put_in(&mut *self.state()?, id, blob, put)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.check_condition(expect)?;
        self.delete_in(&mut *self.state()?, id, expect)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        if self.has(Modest) {
            return Err(Error::new(ErrorKind::Unsupported, "list"));
        }
        let state = self.state()?;
        if let Some(cursor) = &query.cursor
            && self.has(PanicsOnCursors)
        {
            let _ = std::str::from_utf8(&cursor.0[4..]).unwrap();
        }
        let after = query.cursor.as_ref().map(|cursor| &cursor.0);
        let mut page = Page::default();
        for (key, (id, _)) in &state.blobs {
            if after.is_some_and(|after| key <= after) || !self.listed(query, id) {
                continue;
            }
            page.entries.push(id.clone());
            if page.entries.len() == query.limit && !self.has(IgnoresTheLimit) {
                page.next = (!self.has(EndsAfterOnePage)).then(|| Cursor(key.clone()));
                break;
            }
        }
        match self.fault {
            Some(ListsTwice) if !page.entries.is_empty() && page.entries.len() < query.limit => {
                page.entries.push(page.entries[0].clone());
            }
            Some(ListsSomething) if state.blobs.is_empty() => {
                page.entries.push(EntryId::reserved("store"));
            }
            Some(ListsDeleted | ListsExpired) => page.entries.extend(state.deleted.iter().cloned()),
            _ => {}
        }
        Ok(page)
    }

    fn destroy(&self) -> Result<()> {
        match self.fault {
            Some(DestroysNothing) => return Ok(()),
            Some(DestroysTheFolder) => std::fs::remove_dir_all(&self.folder).unwrap(),
            _ => {}
        }
        self.shared.state.lock()?.blobs.clear();
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        if self.has(Modest) || self.has(ModestButLists) {
            return StorageAbilities::new(Persistence::Process, Sharing::Process)
                .without_list()
                .largest(LARGEST);
        }
        let abilities = StorageAbilities::new(Persistence::Durable, Sharing::Machine)
            .largest(LARGEST)
            .locks(self);
        match self.fault {
            Some(Unconditional | IgnoresConditions) => abilities.swaps(Swaps::None),
            _ => abilities.bulk(self),
        }
    }
}

impl Bulk for Kept {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        let mut state = self.shared.state.lock()?;
        let (mut changed, mut revisions) = (state.clone(), Vec::new());
        let mut operations = operations.to_vec();
        if self.has(AppliesInReverse) {
            operations.reverse();
        }
        for operation in &operations {
            match operation {
                Operation::Put(id, blob, put) => {
                    revisions.push(Some(self.put_in(&mut changed, id, blob, put)?));
                }
                Operation::Delete(..) if self.has(SkipsDeletesInBulk) => revisions.push(None),
                Operation::Delete(id, expect) => {
                    self.delete_in(&mut changed, id, expect)?;
                    revisions.push(None);
                }
                _ => return Err(Error::new(ErrorKind::Unsupported, "apply")),
            }
            if self.has(StopsHalfWay) {
                *state = changed.clone();
            }
        }
        *state = changed;
        match self.fault {
            Some(ReturnsNoRevisions) => Ok(vec![None; revisions.len()]),
            Some(AppliesInReverse) => Ok(revisions.into_iter().rev().collect()),
            _ => Ok(revisions),
        }
    }
}

impl Locks for Kept {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        if self.exclusion() == Exclusion::Lease {
            return self.lease(id, mode, wait, ttl);
        }
        let id = if self.has(HasOneLock) { EntryId::reserved("one") } else { id.clone() };
        let exclusive = mode == LockMode::Exclusive || self.has(SharesNoLock);
        let until = Instant::now() + wait;
        loop {
            let mut locks = self.shared.locks.lock()?;
            let held = locks.entry(id.clone()).or_default();
            // Negative: held exclusively. Positive: the number of shared holders.
            if *held == 0 || (*held > 0 && !exclusive) || self.has(LetsLocksOverlap) {
                *held += if exclusive { -1 } else { 1 };
                let back = if exclusive { 1 } else { -1 };
                let back = if self.has(KeepsLocks) { 0 } else { back };
                return Ok(Box::new(Held { locks: self.shared.locks.clone(), id, back }));
            }
            if Instant::now() > until {
                return Err(Error::new(ErrorKind::Locked, "lock"));
            }
            drop(locks);
            sleep(Duration::from_millis(1));
        }
    }

    fn exclusion(&self) -> Exclusion {
        match self.fault {
            Some(Leases | KeepsLeases | RenewsNothing | RenewsLostLeases | ReleasesOthers) => {
                Exclusion::Lease
            }
            _ => Exclusion::Holder,
        }
    }
}

#[derive(Debug)]
struct Held {
    locks: Arc<Mutex<BTreeMap<EntryId, i32>>>,
    id: EntryId,
    back: i32,
}

impl Guard for Held {
    fn renew(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.locks.lock().unwrap().entry(self.id.clone()).or_default() += self.back;
    }
}
