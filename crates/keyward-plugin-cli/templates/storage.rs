//! Storage `sample`: all entries of a store in one file.
//!
//! Each change writes the whole file again: that is quick for hundreds of entries and slow for many
//! thousands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::fs::{PrivateDir, report_folder_stays};
use keyward_plugin::{
    Backend, EntryId, Error, ErrorKind, Expect, Host, Info, LockMode, Page, Persistence, Put,
    Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored, options,
};

keyward_plugin::register!(storage: SampleStorage);

/// The file that holds the entries.
const FILE: &str = "entries";
const LARGEST: usize = 256 << 20;

/// How long a writer waits for another one.
const WAIT: Duration = Duration::from_secs(30);

options! {
    /// Where the entries are stored.
    pub struct Options {
        /// The folder that holds them; made when something is kept.
        pub root: PathBuf = "%data%/stores/%id%",
    }
}

/// The storage `sample`.
#[derive(Debug)]
pub struct SampleStorage {
    root: PathBuf,
    host: Arc<dyn Host>,
}

type Entries = BTreeMap<EntryId, Vec<u8>>;

impl Backend for SampleStorage {
    const INFO: Info = Info::new("sample", "All entries in one file");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        if !options.root.is_absolute() {
            return Err(Error::invalid("options", "`root` must be an absolute path"));
        }
        Ok(Self { root: options.root, host: Arc::clone(host) })
    }
}

impl Storage for SampleStorage {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let blob = self.read()?.remove(id);
        blob.map(Stored::without_revision).ok_or_else(|| Error::not_found("get"))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.change(|entries| {
            put.expect.check("put", entries.get(id).map(|it| Revision::of_content(it)).as_ref())?;
            entries.insert(id.clone(), blob.to_vec());
            Ok(())
        })?;
        Ok(Revision::of_content(blob))
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.change(|entries| {
            let blob = entries.remove(id).ok_or_else(|| Error::not_found("delete"))?;
            expect.check("delete", Some(&Revision::of_content(&blob)))
        })
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let ids = self.read()?.into_keys();
        query.page_in_order(|user, name| {
            let from = ids.skip_while(|id| (id.user(), id.name_or_empty()) < (user, name));
            Ok(from.map(Ok).collect::<Vec<_>>())
        })
    }

    fn destroy(&self) -> Result<()> {
        let Some(dir) = PrivateDir::open(&self.root)? else { return Ok(()) };
        dir.remove(Path::new(FILE))?;
        if !dir.destroy()? {
            report_folder_stays(&*self.host, &self.root);
        }
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(Persistence::Durable, Sharing::Machine)
    }
}

impl SampleStorage {
    fn read(&self) -> Result<Entries> {
        let dir = PrivateDir::open(&self.root)?;
        let content = dir.map(|dir| dir.read(Path::new(FILE), LARGEST)).transpose()?.flatten();
        decode(&content.unwrap_or_default())
    }

    /// Makes a change while no other process can make one. A change that fails changes nothing.
    fn change(&self, work: impl FnOnce(&mut Entries) -> Result<()>) -> Result<()> {
        let dir = PrivateDir::create(&self.root)?;
        let wait = self.host.remaining().map_or(WAIT, |left| left.min(WAIT));
        let _turn = dir.lock("change", LockMode::Exclusive, wait)?;
        let mut entries = self.read()?;
        work(&mut entries)?;
        let content = encode(&entries);
        if content.len() > LARGEST {
            return Err(Error::new(ErrorKind::Full, "put"));
        }
        dir.replace(Path::new(FILE), &content)
    }
}

/// Encodes one entry after the other: the length of its id, its id, the length of its blob, its
/// blob.
fn encode(entries: &Entries) -> Vec<u8> {
    let mut content = Vec::new();
    for (id, blob) in entries {
        for part in [&id.to_bytes(), blob] {
            content.extend((part.len() as u64).to_be_bytes());
            content.extend(part);
        }
    }
    content
}

fn decode(mut content: &[u8]) -> Result<Entries> {
    let mut entries = Entries::new();
    while !content.is_empty() {
        let id = EntryId::from_bytes(part(&mut content)?).map_err(|_| Error::corrupt("read"))?;
        entries.insert(id, part(&mut content)?.to_vec());
    }
    Ok(entries)
}

fn part<'a>(content: &mut &'a [u8]) -> Result<&'a [u8]> {
    let corrupt = || Error::corrupt("read");
    let (length, rest) = content.split_first_chunk().ok_or_else(corrupt)?;
    let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| corrupt())?;
    let (part, rest) = rest.split_at_checked(length).ok_or_else(corrupt)?;
    *content = rest;
    Ok(part)
}

#[cfg(test)]
keyward_testkit::storage_suite!(SampleStorage, |scratch| {
    Values::new().with("root", Value::Text(scratch.path("store")))
});

#[cfg(test)]
keyward_testkit::processes_suite!(SampleStorage, |scratch| {
    Values::new().with("root", Value::Text(scratch.path("store")))
});
