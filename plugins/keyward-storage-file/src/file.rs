use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keyward_plugin::fs::{
    FileLock, PrivateDir, not_enrolled, report_folder_stays, report_link_stays,
};
use keyward_plugin::{
    EntryId, Error, Expect, Guard, Host, LockMode, Locks, MAX_BLOB, Page, Persistence, Put, Query,
    Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};
use sha2::{Digest, Sha256};

use crate::{layout, walk};

/// How long a writer waits for another writer of the same entry.
const WAIT: Duration = Duration::from_secs(30);

/// The storage `file`.
#[derive(Debug)]
pub struct File {
    root: PathBuf,
    owner: Option<u32>,
    host: Arc<dyn Host>,
    /// Kept open between reads.
    opened: OnceLock<PrivateDir>,
}

impl File {
    pub(crate) fn new(root: PathBuf, owner: Option<u32>, host: &Arc<dyn Host>) -> Self {
        Self { root, owner, host: Arc::clone(host), opened: OnceLock::new() }
    }

    /// Returns the root folder, if anything was written to it.
    fn dir(&self) -> Result<Option<&PrivateDir>> {
        if self.opened.get().is_none() {
            match (self.open()?, self.owner) {
                (Some(dir), _) => drop(self.opened.set(dir)),
                (None, Some(owner)) => return Err(not_enrolled(owner)),
                (None, None) => return Ok(None),
            }
        }
        Ok(self.opened.get())
    }

    fn open(&self) -> Result<Option<PrivateDir>> {
        match self.owner {
            Some(owner) => PrivateDir::open_for(&self.root, owner),
            None => PrivateDir::open(&self.root),
        }
    }

    /// Locks out other writers of this entry. All entries share 64 locks.
    fn lock_stripe(&self, dir: &PrivateDir, id: &EntryId) -> Result<FileLock> {
        let stripe = Sha256::digest(id.to_bytes())[0] % 64;
        let wait = self.host.remaining().map_or(WAIT, |left| left.min(WAIT));
        dir.lock(&format!("{stripe:02x}"), LockMode::Exclusive, wait)
    }
}

impl Storage for File {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let blob = match self.dir()? {
            Some(dir) => dir.read(&layout::path(id), MAX_BLOB)?,
            None => None,
        };
        let blob = blob.ok_or_else(|| Error::not_found("get"))?;
        Ok(Stored::without_revision(blob))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        let dir = PrivateDir::create_for(&self.root, self.owner)?;
        let path = layout::path(id);
        let _lock = self.lock_stripe(&dir, id)?;
        expect(&dir, &path, "put", &put.expect)?;
        dir.replace(&path, blob)?;
        Ok(Revision::of_content(blob))
    }

    fn delete(&self, id: &EntryId, expected: &Expect) -> Result<()> {
        let missing = || Error::not_found("delete");
        let dir = self.open()?.ok_or_else(|| self.owner.map_or_else(missing, not_enrolled))?;
        let path = layout::path(id);
        let _lock = self.lock_stripe(&dir, id)?;
        expect(&dir, &path, "delete", expected)?;
        if dir.remove(&path)? { Ok(()) } else { Err(missing()) }
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        match self.dir()? {
            Some(dir) => walk::page(dir, query),
            None => Ok(Page::default()),
        }
    }

    fn destroy(&self) -> Result<()> {
        let Some(dir) = self.open()? else {
            report_link_stays(&*self.host, &self.root);
            return Ok(());
        };
        walk::clear(&dir, &*self.host)?;
        if !dir.destroy()? {
            report_folder_stays(&*self.host, &self.root);
        }
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(Persistence::Durable, Sharing::Machine).locks(self)
    }
}

impl Locks for File {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        _ttl: Duration,
    ) -> Result<Box<dyn Guard>> {
        let dir = PrivateDir::create_for(&self.root, self.owner)?;
        dir.lock_entry(id, mode, wait)
    }
}

/// Checks an expectation against the current file.
fn expect(dir: &PrivateDir, path: &Path, operation: &'static str, expect: &Expect) -> Result<()> {
    if *expect == Expect::Any {
        return Ok(());
    }
    let found = dir.read(path, MAX_BLOB)?.map(|blob| Revision::of_content(&blob));
    expect.check(operation, found.as_ref())
}
