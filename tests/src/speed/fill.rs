//! Large stores, quickly made: sealed as ever, but without waiting for the disk after each entry.

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use keyward::{OpenStore, Silent};
use keyward_config::StoreHost;
use keyward_core::{
    EntryId, Error, ErrorKind, Expect, Host, Operation, Page, Put, Query, Record, Registry, Result,
    Revision, Role, Source, Storage, StorageAbilities, Stored, Stores, Values, escape, segments,
};
use keyward_store::{Named, Parts, Store};

use super::home::BenchHome;
use super::peers;

/// How many entries are written at once.
const BATCH: usize = 10_000;

/// The entry of this number. Every user has a hundred.
pub(super) fn entry(n: usize) -> EntryId {
    let (user, name) = (format!("user-{}", n / 100), format!("https://example.com/{n}"));
    EntryId::new(&user, Some(&name)).expect("such names are canonical")
}

/// Puts the entries into a store that was made in this home.
pub(super) fn fill(
    home: &BenchHome,
    store: &OpenStore,
    entries: impl Iterator<Item = EntryId>,
) -> super::Result {
    let keyward = home.keyward()?;
    let (file, registry) = (&store.file, Arc::new(Registry::linked()?));
    let expander = keyward.config().expander(file, None);
    let host: Arc<dyn Host> = Arc::new(StoreHost::new(
        Arc::clone(&registry),
        Arc::new(keyward.config().clone()),
        expander.clone(),
        Arc::new(Silent),
        Arc::new(NoStores),
    ));
    let values = |role, name: &str, options: &Values| -> Result<Values> {
        expander.values(options, registry.find(role, name)?.options, Error::from)
    };
    let (serializer, encryption) = (&file.serializer.name, &file.encryption.name);
    let storage = values(Role::Storage, &file.storage.name, &file.storage.options)?;
    let storage = registry.open::<dyn Storage>(&file.storage.name, &storage, &host)?;
    let root = home.below(&format!(".local/share/keyward/stores/{}", file.id));
    let filling = Arc::new(Filling::new(storage, root)?);
    let key = file.key.as_ref().ok_or("a default store has a key")?;
    let key_values = values(Role::Key, &key.from, &key.options)?;
    let store = Store::open(Parts {
        id: file.id,
        serializer: Named::new(serializer, registry.open(serializer, &Values::new(), &host)?),
        encryption: Named::new(encryption, registry.open(encryption, &Values::new(), &host)?),
        storage: Named::new("filling", Box::new(Gate(Arc::clone(&filling)))),
        key: Some(Named::new(&key.from, registry.open(&key.from, &key_values, &host)?)),
        envelope: true,
        host,
    })?;
    let record = Record::from(&keyward::Credentials::new("ann", peers::PASSWORD));
    for id in entries {
        store.put(&id, &record, Expect::Any)?;
    }
    Ok(filling.flush()?)
}

/// Gathers entries, and puts many at once where the storage would have put each.
#[derive(Debug)]
struct Filling {
    storage: Box<dyn Storage>,
    /// Where the storage `file` has its files.
    root: PathBuf,
    keyset: Stored,
    gathered: Mutex<Vec<(EntryId, Vec<u8>)>>,
}

impl Filling {
    fn new(storage: Box<dyn Storage>, root: PathBuf) -> Result<Self> {
        let keyset = storage.get(&EntryId::reserved("keyset"))?;
        Ok(Self { storage, root, keyset, gathered: Mutex::new(Vec::new()) })
    }

    fn flush(&self) -> Result<()> {
        let gathered = std::mem::take(&mut *self.gathered.lock()?);
        let put = |(id, blob)| Operation::Put(id, blob, Put::expecting(Expect::Any));
        match self.storage.abilities().bulk {
            Some(bulk) => bulk
                .apply(&gathered.iter().map(|(id, blob)| put((id, blob))).collect::<Vec<_>>())
                .map(drop),
            None => gathered.iter().try_for_each(|(id, blob)| self.write(id, blob)),
        }
    }

    /// As the storage `file` does it, but for the waiting.
    fn write(&self, id: &EntryId, blob: &[u8]) -> Result<()> {
        let path = |name: &str| segments(&escape(name)).map(Cow::into_owned).collect::<PathBuf>();
        let folder = self.root.join(path(id.user()));
        let file = folder.join(path(id.name_or_empty()));
        let write = || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            fs::File::options().write(true).create_new(true).mode(0o600).open(file)?.write_all(blob)
        };
        write().map_err(|error| Error::io("fill", error))
    }
}

/// What the sealing store takes for its storage.
#[derive(Debug)]
struct Gate(Arc<Filling>);

impl Storage for Gate {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        if id.is_reserved() { Ok(self.0.keyset.clone()) } else { Err(Error::not_found("get")) }
    }

    fn put(&self, id: &EntryId, blob: &[u8], _: &Put) -> Result<Revision> {
        let gathered = {
            let mut gathered = self.0.gathered.lock()?;
            gathered.push((id.clone(), blob.to_vec()));
            gathered.len()
        };
        if gathered == BATCH {
            self.0.flush()?;
        }
        Ok(Revision::from(0))
    }

    fn delete(&self, _: &EntryId, _: &Expect) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "fill"))
    }

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        Err(Error::new(ErrorKind::Unsupported, "fill"))
    }

    fn destroy(&self) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "fill"))
    }

    /// No locks, because no other process uses the store.
    fn abilities(&self) -> StorageAbilities<'_> {
        let mut abilities = self.0.storage.abilities();
        (abilities.locks, abilities.bulk) = (None, None);
        abilities
    }
}

/// The backends that are measured need no other store.
#[derive(Debug)]
struct NoStores;

impl Stores for NoStores {
    fn open(&self, _: &str) -> Result<Arc<dyn Source>> {
        Err(Error::not_found("open").not_a_miss())
    }
}
