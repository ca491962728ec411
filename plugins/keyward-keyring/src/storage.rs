//! The role of a storage.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::fs::{FileLock, PrivateDir, report_folder_stays};
use keyward_plugin::{
    Backend, Cursor, EntryId, Error, ErrorKind, Expect, Guard, Host, Info, LockMode, Locks, Page,
    Put, Query, Result, Revision, Sharing, Storage, StorageAbilities, StoreId, Stored, options,
    random,
};

use crate::item::{self, Address, Item};
use crate::ring::{self, Ring};

options! {
    /// The keyring, and the items in it.
    pub struct StorageOptions {
        /// The keyring; `keyutils` is the kernel's.
        #[choices("auto", "secret-service", "keyutils", "native")]
        pub service: String = "auto",
        /// The D-Bus address of the Secret Service, if it is not on the session's bus.
        pub bus: Option<String>,
        /// The id of the store, which is part of its items.
        pub store: String = "%id%",
        /// The folder of the locks, because keyrings have no locks.
        pub state: PathBuf = "%state%/keyring/%id%",
    }
}

/// The cursor after all items, if one of them is damaged. In every other cursor, a place follows
/// the byte.
const DAMAGED: &[u8] = &[1];

/// How long to wait for other writers, if the caller has that much time.
const PATIENCE: Duration = Duration::from_secs(30);

/// The storage `keyring`.
#[derive(Debug)]
pub struct Keyring {
    ring: Box<dyn Ring>,
    store: StoreId,
    state: PathBuf,
    host: Arc<dyn Host>,
}

impl Backend for Keyring {
    const INFO: Info = Info::new(crate::NAME, "The operating system's keyring, for small stores");
    type Options = StorageOptions;

    fn open(options: StorageOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let store = StoreId::parse(&options.store)
            .ok_or_else(|| Error::invalid("options", "`store` takes the id of a store"))?;
        let ring = ring::open(&options.service, options.bus, host)?;
        Ok(Self { ring, store, state: options.state, host: Arc::clone(host) })
    }
}

impl Storage for Keyring {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let item = self.item(id)?;
        Ok(Stored::new(item.blob, item.revision))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        if blob.len() > self.largest() {
            return Err(Error::new(ErrorKind::Unsupported, "put").because(format!(
                "the blob has {} bytes, and this keyring allows {}",
                blob.len(),
                self.largest()
            )));
        }
        let _lock = self.write_lock()?;
        if put.expect != Expect::Any {
            let found = match self.item(id) {
                Err(error) if error.is_miss() => None,
                found => Some(found?.revision),
            };
            put.expect.check("put", found.as_ref())?;
        }
        let revision = random()?;
        self.ring.set(&self.address(id), &item::pack(&revision, id, blob))?;
        Revision::new(&revision)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        let _lock = self.write_lock()?;
        if *expect != Expect::Any {
            expect.check("delete", Some(&self.item(id)?.revision))?;
        }
        self.ring.delete(&self.address(id))
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let (mut damaged, after) = match &query.cursor {
            None => (false, None),
            Some(cursor) if cursor.0 == DAMAGED => return Err(damaged_items()),
            Some(cursor) => {
                let (&damaged, place) = cursor.0.split_first().ok_or_else(|| {
                    Error::invalid("list", "the cursor is not one of this storage")
                })?;
                (damaged != 0, Some(place))
            }
        };
        let mut page = Page::default();
        for place in self.ring.places(&self.store.to_string())? {
            if after.is_some_and(|after| place.as_bytes() <= after) {
                continue;
            }
            let id = match self.name(&place) {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    damaged = true;
                    continue;
                }
                id => id?,
            };
            let Some(id) = id.filter(|id| query.matches(id)) else { continue };
            page.entries.push(id);
            if page.entries.len() == query.limit {
                let cursor = [&[u8::from(damaged)], place.as_bytes()].concat();
                page.next = Some(Cursor(cursor));
                return Ok(page);
            }
        }
        if damaged {
            page.next = Some(Cursor(DAMAGED.to_vec()));
        }
        Ok(page)
    }

    fn destroy(&self) -> Result<()> {
        let _lock = self.write_lock()?;
        for place in self.ring.places(&self.store.to_string())? {
            match self.ring.remove(&place) {
                Err(error) if !error.is_miss() => return Err(error),
                _ => {}
            }
        }
        if let Some(state) = PrivateDir::open(&self.state)?
            && !state.destroy()?
        {
            report_folder_stays(&*self.host, &self.state);
        }
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(self.ring.persistence(), Sharing::Machine)
            .largest(self.largest())
            .locks(self)
    }
}

impl Locks for Keyring {
    fn lock(
        &self,
        id: &EntryId,
        mode: LockMode,
        wait: Duration,
        _: Duration,
    ) -> Result<Box<dyn Guard>> {
        PrivateDir::create(&self.state)?.lock_entry(id, mode, wait)
    }
}

impl Keyring {
    fn address(&self, id: &EntryId) -> Address {
        Address::entry(self.store, id)
    }

    /// Returns the keyring's item for this entry.
    fn item(&self, id: &EntryId) -> Result<Item> {
        let item = item::unpack(self.ring.get(&self.address(id))?.expose())?;
        if item.id != *id {
            return Err(Error::corrupt("get").because("the item belongs to another entry"));
        }
        Ok(item)
    }

    /// Returns the entry of the item in this place; `None` if the item is gone.
    ///
    /// # Errors
    /// `Corrupt` if it is damaged.
    fn name(&self, place: &str) -> Result<Option<EntryId>> {
        match self.ring.read(place) {
            Err(error) if error.is_miss() => Ok(None),
            value => Ok(Some(item::unpack(value?.expose())?.id)),
        }
    }

    fn write_lock(&self) -> Result<FileLock> {
        let wait = self.host.remaining().unwrap_or(PATIENCE);
        PrivateDir::create(&self.state)?.lock("write", LockMode::Exclusive, wait)
    }

    fn largest(&self) -> usize {
        self.ring.largest() - item::MAX_HEAD
    }
}

/// Makes the error that follows all valid entries: a damaged item could be an entry whose key is
/// still needed.
fn damaged_items() -> Error {
    Error::corrupt("list")
        .because("an item of this store in the keyring is damaged")
        .hint("`keyward set` or `keyward unset` of its entry replaces or removes it")
}
