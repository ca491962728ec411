use std::cmp::Ordering;
use std::fmt::Debug;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::{EntryId, Error, Result, Timestamp};

/// Keeps sealed blobs, one per entry.
///
/// Backends implement it; callers use a store.
///
/// # Contract
/// - `get` returns the blob that the last `put` kept, byte for byte, with its revision.
/// - A `put` is atomic: readers see the old blob or the new one. It is durable when it returns, as
///   far as [`abilities`](Self::abilities) promise persistence.
/// - `put` and `delete` happen only if [`Expect`] holds. Otherwise they return
///   [`Conflict`](crate::ErrorKind::Conflict) and change nothing.
/// - `delete` of a missing entry returns [`NotFound`](crate::ErrorKind::NotFound).
/// - `list` returns every entry once, in any order, and returns only ids.
/// - `destroy` removes what the storage made and nothing else.
///
/// # Errors
/// - [`NotFound`](crate::ErrorKind::NotFound): no such entry. It is returned for nothing else.
/// - [`Conflict`](crate::ErrorKind::Conflict): the entry is not as expected.
/// - [`Full`](crate::ErrorKind::Full), [`Unavailable`](crate::ErrorKind::Unavailable): the old
///   blob is still there. `Unavailable` may also mean that the new blob is there but may not survive a
///   power cut; its message says so.
/// - [`Unsupported`](crate::ErrorKind::Unsupported): the blob is larger than this storage holds.
///
/// # Security
/// A storage is not trusted. It never sees plaintext, and logs neither blobs nor ids.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Storage: Debug + Send + Sync {
    /// Returns the blob of this entry.
    fn get(&self, id: &EntryId) -> Result<Stored>;

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
pub struct Put {
    /// The condition on the entry.
    pub expect: Expect,
    /// When the storage may forget the entry by itself, if it can.
    pub expires: Option<Timestamp>,
}

impl Put {
    /// Keeps the blob for ever, if this condition holds.
    pub fn expecting(expect: Expect) -> Self {
        Self { expect, expires: None }
    }
}

/// Which entries to list.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// Only entries of this user.
    pub user: Option<&'a str>,
    /// Only entries whose name starts with this.
    pub prefix: &'a str,
    /// Where the last page ended.
    pub cursor: Option<Cursor>,
    /// The greatest number of entries on this page; at least one.
    pub limit: usize,
}

impl Query<'_> {
    /// Whether the query selects an entry.
    pub fn matches(&self, id: &EntryId) -> bool {
        self.user.is_none_or(|user| user == id.user())
            && id.name_or_empty().starts_with(self.prefix)
    }

    /// Fills the page of a storage that keeps its entries in the order of user and name.
    ///
    /// `from` gets a user and a name, and returns the entries from there on, in the order of their
    /// bytes.
    ///
    /// # Errors
    /// Those of `from` and of its entries; [`Corrupt`](crate::ErrorKind::Corrupt) if they are not
    /// in order, [`Invalid`](crate::ErrorKind::Invalid) if the cursor does not come from these
    /// pages.
    pub fn page_in_order<I: IntoIterator<Item = Result<EntryId>>>(
        &self,
        from: impl FnOnce(&str, &str) -> Result<I>,
    ) -> Result<Page> {
        // The last entry that is not on this page.
        let mut passed = self.resume()?;
        let first = (self.user.unwrap_or_default(), self.user.map_or("", |_| self.prefix));
        let after = passed.as_ref().map(|id| (id.user(), id.name_or_empty()));
        let (user, name) = after.map_or(first, |after| after.max(first));
        let mut page = Page::default();
        for (at, id) in from(user, name)?.into_iter().enumerate() {
            let id = id?;
            match passed.as_ref().max(page.entries.last()).map(|last| last.cmp(&id)) {
                Some(Ordering::Equal) if at == 0 => continue,
                // In a damaged storage, the iteration may loop.
                Some(Ordering::Equal | Ordering::Greater) => return Err(Error::corrupt("list")),
                Some(Ordering::Less) | None => {}
            }
            if !self.matches(&id) {
                // The matching entries of one user are adjacent; those of all users are not.
                if self.user.is_some() {
                    break;
                }
                passed = Some(id);
                continue;
            }
            if page.entries.len() == self.limit {
                page.next = page.entries.last().map(|last| Cursor(last.to_bytes()));
                break;
            }
            page.entries.push(id);
        }
        Ok(page)
    }

    /// The entry at which the last page ended.
    fn resume(&self) -> Result<Option<EntryId>> {
        let id = self.cursor.as_ref().map(|cursor| EntryId::from_bytes(&cursor.0)).transpose();
        id.map_err(|_| Error::invalid("list", "the cursor is not one of this storage"))
    }
}

impl Default for Query<'_> {
    fn default() -> Self {
        Self { user: None, prefix: "", cursor: None, limit: 1000 }
    }
}

/// Where a page ended. Only the storage that made it can interpret it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub Vec<u8>);

/// Some of the entries, and where the others begin.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The entries, in any order.
    pub entries: Vec<EntryId>,
    /// Where to continue, unless this is the last page.
    pub next: Option<Cursor>,
}

/// What a storage can do.
#[derive(Clone, Copy, Debug)]
pub struct StorageAbilities<'a> {
    /// How long blobs last.
    pub persistence: Persistence,
    /// Who can use the same storage at the same time.
    pub sharing: Sharing,
    /// Whether it can list its entries.
    pub lists: bool,
    /// The size of the largest blob, in bytes.
    pub largest: Option<usize>,
    /// Many changes at once, if that is faster.
    pub bulk: Option<&'a dyn Bulk>,
    /// Locks that other users of the storage see, if it has any.
    pub locks: Option<&'a dyn Locks>,
}

/// How long blobs last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Persistence {
    /// As long as the process.
    Process,
    /// Until the machine restarts or the session ends.
    Session,
    /// For good.
    Durable,
}

/// Who can use a storage at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Makes all changes or none.
    ///
    /// # Errors
    /// Those of [`Storage::put`] and [`Storage::delete`]; then no change was made.
    fn apply(&self, operations: &[Operation<'_>]) -> Result<()>;
}

/// One of many changes.
#[derive(Clone, Debug)]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &Query<'_>, names: &[&str]) -> Result<Page> {
        query.page_in_order(|user, name| {
            let ids = names.iter().map(|name| EntryId::new("ann", Some(name)));
            let (user, name) = (user.to_owned(), name.to_owned());
            Ok(ids.skip_while(move |id| {
                let id = id.as_ref().map(|id| (id.user(), id.name_or_empty()));
                id.is_ok_and(|id| id < (&user, &name))
            }))
        })
    }

    #[test]
    fn pages_in_order_show_every_entry_once() {
        let names = ["a", "b", "ba", "bb", "c"];
        for (limit, prefix, shown) in
            [(1, "", &names[..]), (2, "", &names), (5, "", &names), (1, "b", &names[1..4])]
        {
            for user in [None, Some("ann")] {
                let mut query = Query { user, prefix, limit, ..Query::default() };
                let mut found = Vec::new();
                loop {
                    let page = page(&query, &names).unwrap();
                    found.extend(page.entries.iter().map(|id| id.name_or_empty().to_owned()));
                    query.cursor = page.next;
                    if query.cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(found, shown, "{limit} of {prefix}, {user:?}");
            }
        }
    }

    #[test]
    fn an_entry_that_is_listed_twice_is_corrupt() {
        for names in [["a", "b", "a"], ["a", "b", "b"], ["c", "a", "b"]] {
            for prefix in ["", "b"] {
                let query = Query { prefix, ..Query::default() };
                let error = page(&query, &names).unwrap_err();
                assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{names:?}");
            }
        }
    }

    #[test]
    fn a_cursor_of_another_storage_is_refused() {
        for cursor in [&b""[..], b"x", b"\0\x01\n\0\0"] {
            let query = Query { cursor: Some(Cursor(cursor.into())), ..Query::default() };
            assert_eq!(page(&query, &["a"]).unwrap_err().kind(), crate::ErrorKind::Invalid);
        }
    }
}
