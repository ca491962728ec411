//! The role of a storage.

use std::sync::Arc;

use keyward_plugin::{
    EntryId, Error, Expect, MANY_BYTES, Operation, Page, Persistence, Put, Query, Result, Revision,
    Sharing, Storage, StorageAbilities, Stored, hex,
};
use redis::cmd;

use crate::connection::Server;
use crate::script::{DESTROY, GET_MANY};

/// The start of every value.
const MAGIC: &[u8] = b"kwr\x01";

/// The length of a revision, in bytes.
pub(crate) const REVISION: usize = 16;

/// The storage `redis`.
#[derive(Debug)]
pub struct Redis {
    pub(crate) server: Arc<Server>,
    pub(crate) keys: Keys,
    persistence: Persistence,
}

impl Redis {
    pub(crate) fn new(server: Server, prefix: String, persistence: Persistence) -> Self {
        Self { server: Arc::new(server), keys: Keys(prefix), persistence }
    }
}

impl Storage for Redis {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let key = self.keys.entry(id);
        let value = self.server.run("get", |connection| cmd("GET").arg(&key).query(connection))?;
        stored(value)
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Stored>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut script = GET_MANY.arg(MANY_BYTES);
        for id in ids.iter().take(MANY_KEYS) {
            script.key(self.keys.entry(id));
        }
        let values: Vec<Option<Vec<u8>>> =
            self.server.run("get", |connection| script.invoke(connection))?;
        Ok(values.into_iter().map(stored).collect())
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        let revisions = self.make("put", &[Operation::Put(id, blob, put.clone())])?;
        revisions.into_iter().next().flatten().ok_or_else(|| Error::corrupt("put"))
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.make("delete", &[Operation::Delete(id, expect.clone())]).map(drop)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        query.page_in_order(|user, name| Ok(self.entries_from(&place(user, name), query.limit)))
    }

    fn destroy(&self) -> Result<()> {
        let (index, entries) = (self.keys.index(), self.keys.entries());
        let remove = || {
            self.server.run("destroy", |connection| {
                DESTROY.key(&index).arg(&entries).invoke::<u64>(connection)
            })
        };
        while remove()? > 0 {}
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(self.persistence, Sharing::Network).bulk(self).locks(self)
    }
}

/// How many entries are requested at once.
const MANY_KEYS: usize = 1000;

/// Reads a value that `apply.lua` wrote.
fn stored(value: Option<Vec<u8>>) -> Result<Stored> {
    let value = value.ok_or_else(|| Error::not_found("get"))?;
    let read = |value: &[u8]| {
        let (revision, blob) = value.strip_prefix(MAGIC)?.split_at_checked(REVISION)?;
        Some(Stored::new(blob.to_vec(), Revision::new(revision).ok()?))
    };
    read(&value).ok_or_else(|| {
        Error::corrupt("get").because("the server has a value that this storage did not write")
    })
}

/// The names of the store's keys on the server: the prefix, and what each is.
#[derive(Debug)]
pub(crate) struct Keys(String);

impl Keys {
    pub(crate) fn index(&self) -> Vec<u8> {
        self.named("index", b"")
    }

    /// What the keys of all entries start with.
    pub(crate) fn entries(&self) -> Vec<u8> {
        self.named("entry:", b"")
    }

    pub(crate) fn entry(&self, id: &EntryId) -> Vec<u8> {
        self.named("entry:", &member(id))
    }

    pub(crate) fn lock(&self, id: &EntryId) -> Vec<u8> {
        self.named("lock:", &member(id))
    }

    /// The key that says that a call was made.
    pub(crate) fn done(&self, call: [u8; 16]) -> Vec<u8> {
        self.named("done:", hex::encode(&call).as_bytes())
    }

    fn named(&self, what: &str, name: &[u8]) -> Vec<u8> {
        [self.0.as_bytes(), what.as_bytes(), name].concat()
    }
}

/// Returns how the index contains an entry.
pub(crate) fn member(id: &EntryId) -> Vec<u8> {
    place(id.user(), id.name_or_empty())
}

/// Joins user and name with a zero byte, which neither contains: the order of the bytes is that of
/// user and name.
fn place(user: &str, name: &str) -> Vec<u8> {
    [user, "\0", name].concat().into_bytes()
}
