use std::fmt::Debug;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{EntryId, Error, Page, Query, Result, Timestamp};

/// Keeps sealed blobs, one per entry.
///
/// Backends implement it; callers use a store.
///
/// # Contract
/// - `get` returns the blob that the last `put` kept, byte for byte, with its revision.
/// - A `put` is atomic: readers see the old blob or the new one. It is durable when it returns, as
///   far as [`abilities`](Self::abilities) promise persistence.
/// - `put` and `delete` happen only if [`Expect`] holds. Otherwise they return
///   [`Conflict`](crate::ErrorKind::Conflict) and change nothing. A storage that cannot check a
///   condition says so in [`StorageAbilities::swaps`], and returns
///   [`Unsupported`](crate::ErrorKind::Unsupported) for it.
/// - A revision identifies one blob of one entry for ever: if the entry is deleted and put again with
///   another blob, no earlier revision returns.
/// - `delete` of a missing entry returns [`NotFound`](crate::ErrorKind::NotFound).
/// - `list` returns every entry once, in any order, and returns only ids.
/// - `destroy` removes what the storage made and nothing else.
///
/// # Errors
/// - [`NotFound`](crate::ErrorKind::NotFound): no such entry. It is returned for nothing else.
/// - [`Conflict`](crate::ErrorKind::Conflict): the entry is not as expected.
/// - [`Full`](crate::ErrorKind::Full): there is no room; the old blob is still there.
/// - [`Unavailable`](crate::ErrorKind::Unavailable): the storage failed or cannot be reached. After
///   a `put` or `delete`, the old or the new state is there, whole: an answer may have been lost.
/// - [`Unsupported`](crate::ErrorKind::Unsupported): the blob is larger than this storage holds.
///
/// # Security
/// A storage is not trusted. It never sees plaintext, and logs neither blobs nor ids.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Storage: Debug + Send + Sync {
    /// Returns the blob of this entry.
    fn get(&self, id: &EntryId) -> Result<Stored>;

    /// Returns the blobs of the first of these entries: one result for each, in their order.
    ///
    /// There is at least one result if there is an entry. There may be fewer results than entries,
    /// so that the blobs of a call do not fill the memory; the caller asks again for the rest.
    ///
    /// This implementation calls [`get`](Self::get), until it has [`MANY_BYTES`] of blobs. A storage
    /// for which each call is a round trip should get all of them in one.
    ///
    /// # Errors
    /// Those of the call as a whole, such as `Unavailable`; what is wrong with one entry is its
    /// result.
    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Stored>>> {
        Ok(get_each(ids, |id| self.get(id)))
    }

    /// Keeps a blob in place of the previous one.
    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision>;

    /// Removes the entry.
    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()>;

    /// Lists some of the entries.
    ///
    /// If something that cannot be an entry, such as a symbolic link, is where an entry belongs,
    /// the storage must not skip it: the caller could delete a key that the entry needs. Instead,
    /// the last page of valid entries has a cursor, and the list from that cursor returns
    /// [`Corrupt`](crate::ErrorKind::Corrupt).
    fn list(&self, query: &Query<'_>) -> Result<Page>;

    /// Removes everything that this storage keeps, and then the storage itself.
    fn destroy(&self) -> Result<()>;

    /// What this opened instance can do.
    fn abilities(&self) -> StorageAbilities<'_>;
}

/// Gets the first of these entries one by one, as [`Storage::get_many`] does if a storage has nothing
/// better.
pub fn get_each(ids: &[EntryId], get: impl Fn(&EntryId) -> Result<Stored>) -> Vec<Result<Stored>> {
    let (mut results, mut bytes) = (Vec::new(), 0);
    for id in ids {
        let result = get(id);
        bytes += result.as_ref().map_or(0, |stored| stored.blob.len());
        results.push(result);
        if bytes >= MANY_BYTES {
            break;
        }
    }
    results
}

/// The size of blobs, in bytes, after which [`Storage::get_many`] returns no further one.
pub const MANY_BYTES: usize = 1 << 20;

/// A blob and the revision it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The sealed bytes.
    pub blob: Vec<u8>,
    revision: Option<Revision>,
}

impl Stored {
    /// A blob, and the revision that the storage gave it.
    pub fn new(blob: Vec<u8>, revision: Revision) -> Self {
        Self { blob, revision: Some(revision) }
    }

    /// Makes a blob of a storage that has no revisions. Its revision is [`Revision::of_content`],
    /// which is computed only on demand.
    pub fn without_revision(blob: Vec<u8>) -> Self {
        Self { blob, revision: None }
    }

    /// Returns the revision, if the storage gave one.
    pub fn given_revision(&self) -> Option<&Revision> {
        self.revision.as_ref()
    }

    /// Returns the revision that a later [`Put`] may expect.
    pub fn revision(&self) -> Revision {
        self.revision.clone().unwrap_or_else(|| Revision::of_content(&self.blob))
    }
}

/// Identifies a state of an entry: up to 64 bytes that only the storage that made them can
/// interpret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revision(Vec<u8>);

impl Revision {
    /// The longest revision, in bytes.
    pub const MAX: usize = 64;

    /// Makes a revision of these bytes.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if there are more than [`Revision::MAX`] bytes.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > Self::MAX {
            return Err(Error::invalid("revision", "the revision is too long"));
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Returns the revision that follows from the blob: its SHA-256 (FIPS 180-4).
    pub fn of_content(blob: &[u8]) -> Self {
        Self(Sha256::digest(blob).to_vec())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A counter can be a revision.
impl From<u64> for Revision {
    fn from(counter: u64) -> Self {
        Self(counter.to_be_bytes().to_vec())
    }
}

/// The condition on an entry for a change to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expect {
    /// No condition.
    Any,
    /// The entry does not exist.
    Absent,
    /// The entry exists and has this revision.
    Revision(Revision),
}

impl Expect {
    /// Checks the condition against the entry's current state.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if it does not hold.
    pub fn check(&self, operation: &'static str, found: Option<&Revision>) -> Result<()> {
        let holds = match self {
            Self::Any => true,
            Self::Absent => found.is_none(),
            Self::Revision(expected) => found == Some(expected),
        };
        if holds { Ok(()) } else { Err(Error::new(crate::ErrorKind::Conflict, operation)) }
    }
}

/// How to keep a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Put {
    /// The condition on the entry.
    pub expect: Expect,
    /// When the storage may forget the entry by itself, if it can: then it no longer lists the entry,
    /// and the entry can be made again. A put without this keeps the entry for ever, also one that
    /// had an end. The storage's own clock decides, such as that of its server.
    pub expires: Option<Timestamp>,
}

impl Put {
    /// Keeps the blob for ever, if this condition holds.
    pub fn expecting(expect: Expect) -> Self {
        Self { expect, expires: None }
    }

    /// Returns the same with the time after which the storage may forget the entry.
    #[must_use]
    pub fn expiring(self, expires: Option<Timestamp>) -> Self {
        Self { expires, ..self }
    }
}

/// What a storage can do.
///
/// # Examples
/// ```
/// use keyward_core::{Persistence, Sharing, StorageAbilities};
///
/// let abilities = StorageAbilities::new(Persistence::Durable, Sharing::Network).largest(1 << 20);
/// assert!(abilities.lists);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StorageAbilities<'a> {
    /// How long blobs last.
    pub persistence: Persistence,
    /// Who can use the same storage at the same time.
    pub sharing: Sharing,
    /// Which conditions it can check.
    pub swaps: Swaps,
    /// Whether it can list its entries.
    pub lists: bool,
    /// The size of the largest blob, in bytes.
    pub largest: Option<usize>,
    /// Many changes at once, if that is faster.
    pub bulk: Option<&'a dyn Bulk>,
    /// Locks that other users of the storage see, if it has any.
    pub locks: Option<&'a dyn Locks>,
}

impl<'a> StorageAbilities<'a> {
    /// Makes the abilities of a storage that checks all conditions and lists its entries, without a
    /// limit to the size of a blob, without bulk and without locks.
    pub const fn new(persistence: Persistence, sharing: Sharing) -> Self {
        Self {
            persistence,
            sharing,
            swaps: Swaps::All,
            lists: true,
            largest: None,
            bulk: None,
            locks: None,
        }
    }

    /// Returns the same for a storage that checks only these conditions.
    #[must_use]
    pub const fn swaps(self, swaps: Swaps) -> Self {
        Self { swaps, ..self }
    }

    /// Returns the same for a storage that cannot list its entries.
    #[must_use]
    pub const fn without_list(self) -> Self {
        Self { lists: false, ..self }
    }

    /// Returns the same with the size of the largest blob, in bytes.
    #[must_use]
    pub const fn largest(self, largest: usize) -> Self {
        Self { largest: Some(largest), ..self }
    }

    /// Returns the same with many changes at once.
    #[must_use]
    pub const fn bulk(self, bulk: &'a dyn Bulk) -> Self {
        Self { bulk: Some(bulk), ..self }
    }

    /// Returns the same with locks.
    #[must_use]
    pub const fn locks(self, locks: &'a dyn Locks) -> Self {
        Self { locks: Some(locks), ..self }
    }
}

/// Which conditions on an entry a storage checks in one step with the change (compare-and-swap).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Swaps {
    /// None: a `put` or `delete` must expect [`Expect::Any`].
    None,
    /// Those of `put`: a `delete` must expect [`Expect::Any`].
    Puts,
    /// All.
    All,
}

/// How long blobs last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Persistence {
    /// Any blob may vanish at any time, as in a cache. Such a storage cannot hold a store's keys.
    Cache,
    /// As long as the process.
    Process,
    /// Until the machine restarts or the session ends.
    Session,
    /// For good.
    Durable,
}

/// Who can use a storage at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Sharing {
    /// The threads of one process.
    Process,
    /// The processes of one machine.
    Machine,
    /// Many machines.
    Network,
}

/// Many changes in one call.
pub trait Bulk: Debug + Send + Sync {
    /// Makes all changes or none, and returns one result for each: the revision of a put, `None` for
    /// a delete. Changes of one entry are made in their order.
    ///
    /// # Errors
    /// Those of [`Storage::put`] and [`Storage::delete`]; then no change was made, except after
    /// `Unavailable`: then all or none were made. [`Unsupported`](crate::ErrorKind::Unsupported) if
    /// the operations are beyond the [`limits`](Self::limits), or if one entry occurs twice and the
    /// storage cannot change it twice.
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>>;

    /// How much one call can do.
    fn limits(&self) -> BulkLimits {
        BulkLimits::default()
    }
}

/// How much one call of [`Bulk::apply`] can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkLimits {
    /// The greatest number of operations.
    pub operations: Option<usize>,
    /// The greatest size of all blobs together, in bytes.
    pub bytes: Option<usize>,
}

impl BulkLimits {
    /// Makes limits; `None` for no limit.
    pub const fn new(operations: Option<usize>, bytes: Option<usize>) -> Self {
        Self { operations, bytes }
    }
}

/// One of many changes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation<'a> {
    /// Keep a blob.
    Put(&'a EntryId, &'a [u8], Put),
    /// Remove an entry.
    Delete(&'a EntryId, Expect),
}

/// Locks that all users of a storage see.
///
/// They only order work. Compare-and-swap keeps the data correct when a lock is lost.
pub trait Locks: Debug + Send + Sync {
    /// Takes the lock `id`, waiting at most `wait`.
    ///
    /// If a holder can vanish without its lock being released, the lock ends after `ttl` unless it
    /// is renewed. A lock of the operating system ends with its holder and ignores `ttl`.
    ///
    /// # Errors
    /// [`Locked`](crate::ErrorKind::Locked) if the wait ends first.
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        ttl: Duration,
    ) -> Result<Box<dyn Guard>>;

    /// When a lock of this storage ends if its holder vanishes.
    fn exclusion(&self) -> Exclusion {
        Exclusion::Holder
    }
}

/// Whom a held lock excludes, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Exclusion {
    /// Only the threads of the same process.
    Process,
    /// All others, until the lock is released or its holder ends.
    Holder,
    /// All others, until the lock is released or its time to live is over. The holder must renew it,
    /// and may lose it without noticing.
    Lease,
}

/// Whom a lock excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Those who request an exclusive lock.
    Shared,
    /// All others.
    Exclusive,
}

/// A lock that is held until it is dropped.
pub trait Guard: Debug + Send {
    /// Keeps the lock for `ttl` from now on.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if it was lost.
    fn renew(&mut self, ttl: Duration) -> Result<()>;
}
