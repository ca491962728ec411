//! Only a storage's look-up of an entry may return `NotFound`. From any other call of a backend it
//! is a fault of that backend. If it were reported as a missing entry, it would hide a source that
//! is damaged or unreachable.

use std::fmt::Arguments;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Context, Created, Encryption, EncryptionAbilities, EntryId, Error, ErrorKind, Expect, Host,
    Key, KeyId, Keys, Level, Loaded, Page, Persistence, Prompt, Put, Query, Record, Result,
    Revision, Secret, SecretRef, Serializer, Sharing, Storage, StorageAbilities, StoreId, Stored,
    Timestamp,
};
use keyward_store::{Named, Parts, Store};

/// A backend of every role whose calls return `NotFound`, except those that are named in `works`.
#[derive(Clone, Copy, Debug)]
struct Absent {
    works: &'static [&'static str],
    keys: Keys,
}

impl Absent {
    fn answer<T>(self, call: &'static str, value: T) -> Result<T> {
        if self.works.contains(&call) { Ok(value) } else { Err(Error::not_found(call)) }
    }
}

impl Serializer for Absent {
    fn encode(&self, _: &Record) -> Result<Secret> {
        self.answer("encode", Secret::from("record"))
    }

    fn decode(&self, _: &[u8]) -> Result<Record> {
        self.answer("decode", record())
    }
}

impl Encryption for Absent {
    fn abilities(&self) -> EncryptionAbilities {
        EncryptionAbilities::new(self.keys).binds_context(true).authenticates(true)
    }

    fn current_key(&self, _: &EntryId) -> Result<Option<KeyId>> {
        self.answer("current_key", None)
    }

    fn seal(&self, _: &Secret, _: &Context<'_>) -> Result<Vec<u8>> {
        self.answer("seal", b"sealed".to_vec())
    }

    fn unseal(&self, _: &[u8], _: &Context<'_>) -> Result<Secret> {
        self.answer("unseal", Secret::from("record"))
    }
}

impl Key for Absent {
    fn create(&self, _: &KeyId) -> Result<Created> {
        let key = Secret::from(&[7; 32][..]);
        self.answer("create", Created::made(key, Vec::new()))
    }

    fn load(&self, _: &KeyId, _: &[u8]) -> Result<Loaded> {
        self.answer("load", Secret::from(&[7; 32][..]).into())
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        self.answer("delete", ())
    }
}

impl Storage for Absent {
    fn get(&self, _: &EntryId) -> Result<Stored> {
        self.answer("get", Stored::without_revision(b"blob".to_vec()))
    }

    fn put(&self, _: &EntryId, _: &[u8], _: &Put) -> Result<Revision> {
        self.answer("put", Revision::from(1))
    }

    fn delete(&self, _: &EntryId, _: &Expect) -> Result<()> {
        self.answer("remove", ())
    }

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        let entries = if self.works.contains(&"list nothing") { vec![] } else { vec![ann()] };
        let page = Page::new(entries, None);
        self.answer("list", page.clone()).or_else(|_| self.answer("list nothing", page))
    }

    fn destroy(&self) -> Result<()> {
        self.answer("destroy", ())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(Persistence::Durable, Sharing::Machine)
    }
}

#[derive(Debug)]
struct NoHost;

impl Host for NoHost {
    fn secret(&self, _: &SecretRef) -> Result<Loaded> {
        Err(Error::new(ErrorKind::Locked, "secret"))
    }

    fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
        Err(Error::new(ErrorKind::Locked, "prompt"))
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix(0)
    }

    fn log(&self, _: Level, _: Arguments<'_>) {}

    fn remaining(&self) -> Option<Duration> {
        None
    }
}

fn record() -> Record {
    Record::new("token")
}

fn ann() -> EntryId {
    EntryId::new("ann", None).expect("a good name")
}

/// A store without envelopes whose backends return `NotFound` for all calls but these.
fn bare_store(works: &'static [&'static str]) -> Store {
    let parts = Absent { works, keys: Keys::None };
    open(parts, None, false)
}

fn open(parts: Absent, key: Option<Absent>, envelope: bool) -> Store {
    Store::open(Parts {
        id: StoreId([7; 16]),
        serializer: Named::new("serializer", Box::new(parts)),
        encryption: Named::new("encryption", Box::new(parts)),
        storage: Named::new("storage", Box::new(parts)),
        key: key.map(|key| Named::new("key", Box::new(key) as _)),
        envelope,
        host: Arc::new(NoHost),
    })
    .expect("the parts go together")
}

#[track_caller]
fn is_unavailable<T>(result: Result<T>, backend: &str) {
    let error = result.err().expect("the call fails");
    assert_eq!((error.kind(), error.backend()), (ErrorKind::Unavailable, backend), "{error}");
}

#[test]
fn a_read_reports_no_existing_entry_as_missing() {
    is_unavailable(bare_store(&["get"]).get(&ann()), "encryption");
    is_unavailable(bare_store(&["get", "unseal"]).get(&ann()), "serializer");
    assert!(bare_store(&[]).get(&ann()).unwrap_err().is_miss());
    assert!(bare_store(&[]).delete(&ann(), &Expect::Any).unwrap_err().is_miss());
}

#[test]
fn a_write_never_returns_not_found() {
    let put = |works| bare_store(works).put(&ann(), &record(), Expect::Any);
    is_unavailable(put(&["get"]), "serializer");
    is_unavailable(put(&["get", "encode"]), "encryption");
    is_unavailable(put(&["get", "encode", "seal"]), "storage");
    is_unavailable(bare_store(&[]).list(&Query::default()), "storage");
    is_unavailable(bare_store(&[]).entries(None).next().unwrap(), "storage");
}

#[test]
fn verify_passes_over_no_entry_that_fails_to_open() {
    let verify = |works| bare_store(works).verify(None, |_, _| {});
    is_unavailable(verify(&["get"]), "storage");
    is_unavailable(verify(&["get", "list"]), "encryption");
    is_unavailable(verify(&["get", "list", "unseal"]), "serializer");
}

#[test]
fn a_key_source_never_returns_not_found() {
    let parts = Absent { works: &["list nothing", "put", "seal"], keys: Keys::Store };
    let source = Absent { works: &[], keys: Keys::None };
    is_unavailable(open(parts, Some(source), true).create(), "key");
}
