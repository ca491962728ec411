//! Calls of the library, beside the calls that do the same by hand.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hkdf::Hkdf;
use keyward::OpenStore;
use keyward_core::wire::Wire;
use keyward_core::{EntryId, Expect, Record};
use rusqlite::{Connection, OptionalExtension};
use sha2::Sha256;

use super::home::BenchHome;
use super::race::{Contestant, Table, race};
use super::{Plan, Result, peers};

/// How many calls are timed together: reads are over before a clock has ticked.
const READS: u32 = 50;

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let home = BenchHome::new(&plan.program)?;
    let [by_file, by_sqlite] = [RawFile::new(&home)?.into_raw(), RawSqlite::new(&home)?.into_raw()];
    let mut tables = Vec::new();
    for (storage, raw) in [("file", by_file), ("sqlite", by_sqlite)] {
        let stores = [
            home.store_of(&format!("{storage}-postcard"), "postcard", storage)?,
            home.store(storage, storage)?,
        ];
        tables.extend(beside(plan, storage, &stores, &*raw)?);
    }
    Ok(tables)
}

/// A place for one blob, used without any of our own code.
trait Raw {
    fn read(&self) -> Result<Vec<u8>>;
    fn write(&self, blob: &[u8]) -> Result;
}

/// Stores with the quickest serializer and the default one, beside the raw calls of their storage.
fn beside(
    plan: &Plan,
    storage: &str,
    [quickest, default]: &[OpenStore; 2],
    raw: &dyn Raw,
) -> Result<[Table; 2]> {
    let id = EntryId::new("ann", None)?;
    let record = Record::from(&keyward::Credentials::new("ann", peers::PASSWORD));
    for store in [quickest, default] {
        store.put(&id, &record, Expect::Any)?;
    }
    let mut plain = Vec::new();
    ciborium::into_writer(&Wire::from(&record), &mut plain)?;
    raw.write(&seal(&plain)?)?;
    let opened = || unseal(&raw.read()?);
    let get = |store: &OpenStore| {
        let found = store.get(&id)?;
        if found == record { Ok(()) } else { Err("another record".into()) }
    };
    let gets = race(
        format!("`get` by the library, storage `{storage}`"),
        plan.rounds,
        vec![
            Contestant::calls("the raw calls, and ciborium", READS, || {
                let wire: Wire<'_> = ciborium::from_reader(&opened()?[..])?;
                let found = Record::try_from(wire)?;
                if found == record { Ok(()) } else { Err("another record".into()) }
            }),
            Contestant::calls("**`Store::get`**", READS, || get(default)).within(1.25),
            Contestant::calls("the raw calls alone", READS, || {
                if opened()? == plain { Ok(()) } else { Err("another text".into()) }
            }),
            Contestant::calls("`Store::get`, serializer `postcard`", READS, || get(quickest)),
        ],
    )?;
    let puts = race(
        format!("`put` by the library, storage `{storage}`"),
        plan.rounds,
        vec![
            Contestant::calls("the raw calls, and ciborium", 1, || {
                let mut plain = Vec::new();
                ciborium::into_writer(&Wire::from(&record), &mut plain)?;
                raw.write(&seal(&plain)?)
            }),
            Contestant::calls("**`Store::put`**", 1, || {
                default.put(&id, &record, Expect::Any)?;
                Ok(())
            })
            .within(1.25),
        ],
    )?;
    Ok([gets, puts])
}

/// A file that is replaced atomically and durably.
struct RawFile {
    folder: PathBuf,
}

impl RawFile {
    fn new(home: &BenchHome) -> Result<Self> {
        let folder = home.below("raw");
        fs::create_dir(&folder)?;
        Ok(Self { folder })
    }

    fn into_raw(self) -> Box<dyn Raw> {
        Box::new(self)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Raw for RawFile {
    fn read(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.path("blob"))?)
    }

    fn write(&self, blob: &[u8]) -> Result {
        let mut new =
            File::options().write(true).create_new(true).mode(0o600).open(self.path("new"))?;
        new.write_all(blob)?;
        new.sync_all()?;
        fs::rename(self.path("new"), self.path("blob"))?;
        Ok(File::open(&self.folder)?.sync_all()?)
    }
}

/// A database with the same durability.
struct RawSqlite(Connection);

impl RawSqlite {
    fn new(home: &BenchHome) -> Result<Self> {
        let database = Connection::open(home.below("raw.db"))?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
             CREATE TABLE entry (user TEXT, name TEXT, blob BLOB, PRIMARY KEY (user, name)) WITHOUT ROWID;",
        )?;
        Ok(Self(database))
    }

    fn into_raw(self) -> Box<dyn Raw> {
        Box::new(self)
    }
}

impl Raw for RawSqlite {
    fn read(&self) -> Result<Vec<u8>> {
        let mut get =
            self.0.prepare_cached("SELECT blob FROM entry WHERE user = ?1 AND name = ?2")?;
        let found = get.query_row(["ann", ""], |row| row.get(0)).optional()?;
        found.ok_or_else(|| "no row".into())
    }

    fn write(&self, blob: &[u8]) -> Result {
        let mut put = self.0.prepare_cached("INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3)")?;
        put.execute(rusqlite::params!["ann", "", blob])?;
        Ok(())
    }
}

/// The key that a store would have in its keyset.
const KEY: [u8; 32] = [9; 32];
const SALT: usize = 32;
const TAG: usize = 16;

/// The default cipher: a salt, and AES-256-GCM under a key that HKDF derives with it.
fn seal(plain: &[u8]) -> Result<Vec<u8>> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt)?;
    let mut blob = salt.to_vec();
    blob.extend_from_slice(plain);
    let tag = cipher(&salt)?
        .encrypt_inout_detached(&Nonce::default(), &salt, (&mut blob[SALT..]).into())
        .map_err(|_| "the cipher fails")?;
    blob.extend_from_slice(&tag);
    Ok(blob)
}

fn unseal(blob: &[u8]) -> Result<Vec<u8>> {
    let (salt, sealed) = blob.split_at_checked(SALT).ok_or("too short")?;
    let (sealed, tag) = sealed.split_last_chunk::<TAG>().ok_or("too short")?;
    let mut plain = sealed.to_vec();
    cipher(salt)?
        .decrypt_inout_detached(
            &Nonce::default(),
            salt,
            plain.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| "the cipher fails")?;
    Ok(plain)
}

fn cipher(salt: &[u8]) -> Result<Aes256Gcm> {
    let mut derived = [0; 64];
    Hkdf::<Sha256>::new(Some(salt), &KEY).expand(&[1; 32], &mut derived).map_err(|_| "no key")?;
    Ok(Aes256Gcm::new_from_slice(&derived[..32])?)
}
