//! The storage `file` as it would be without locks, for several processes.

use std::sync::Arc;

use keyward_core::{
    Backend, EntryId, Expect, Host, Info, OptionSpec, Options, Page, Put, Query, Registration,
    Registry, Result, Revision, Storage, StorageAbilities, Stored, Values,
};

/// Returns the linked backends and the storage `unlocked`.
///
/// # Errors
/// As [`Registry::linked`].
pub fn registry() -> Result<Registry> {
    let unlocked = Registration::storage::<Unlocked>("keyward-tests", "0");
    Registry::new(Registry::linked()?.iter().cloned().chain([unlocked]))
}

/// The storage `file` without locks.
#[derive(Debug)]
struct Unlocked(Box<dyn Storage>);

/// The options of the storage `file`, handed on to it.
#[derive(Debug)]
pub struct FileOptions(pub Values);

impl Options for FileOptions {
    const TABLE: &'static [OptionSpec] = <keyward_storage_file::Options as Options>::TABLE;

    fn read(values: &Values) -> Result<Self> {
        Ok(Self(values.clone()))
    }
}

impl Backend for Unlocked {
    const INFO: Info = Info::new("unlocked", "The storage `file` without locks");
    type Options = FileOptions;

    fn open(options: FileOptions, host: &Arc<dyn Host>) -> Result<Self> {
        Registry::linked()?.open("file", &options.0, host).map(Self)
    }
}

impl Storage for Unlocked {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        self.0.get(id)
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.0.put(id, blob, put)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.0.delete(id, expect)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        self.0.list(query)
    }

    fn destroy(&self) -> Result<()> {
        self.0.destroy()
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        let mut abilities = self.0.abilities();
        abilities.locks = None;
        abilities
    }
}
