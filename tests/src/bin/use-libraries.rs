//! Loads libraries and calls every function of their backends: `use-libraries ROUNDS LIBRARY...`. The
//! memory checkers watch it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Context, Encryption, EntryId, Expect, Field, Host, Key, KeyId, LockMode, Locks, Operation, Put,
    Query, Record, Result, Role, Secret, Serializer, Storage, StoreId, StoreKey, Value, Values,
};
use keyward_loader::{Digest, Pin, load, verify_library};
use keyward_testkit::{Scratch, TestHost};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [rounds, libraries @ ..] = &arguments[..] else { return ExitCode::from(2) };
    let Ok(rounds) = rounds.parse() else { return ExitCode::from(2) };
    match libraries.iter().try_for_each(|path| use_library(path.into(), rounds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn use_library(path: PathBuf, rounds: usize) -> Result<()> {
    let digest = Digest::new(&std::fs::read(&path).unwrap_or_default());
    let registrations = load(verify_library(&Pin { path, digest }, &[])?)?;
    for _ in 0..rounds {
        for registration in &registrations {
            let scratch = Scratch::new();
            let values = options(registration.info.name, &scratch);
            let host: Arc<dyn Host> = Arc::new(TestHost::new().variable("KEY", &[b'6'; 64][..]));
            let role = registration.role();
            if role == Role::Serializer {
                encode_and_decode(&*registration.open(&values, &host)?)?;
            } else if role == Role::Encryption {
                seal_and_unseal(&*registration.open(&values, &host)?)?;
            } else if role == Role::Key {
                create_and_load(&*registration.open(&values, &host)?)?;
            } else {
                put_and_get(&*registration.open(&values, &host)?)?;
            }
        }
    }
    Ok(())
}

/// The options that a backend of this name needs.
fn options(backend: &str, scratch: &Scratch) -> Values {
    let text = |option, value| Values::new().with(option, Value::Text(value));
    match backend {
        "env" => text("name", "KEY".into()),
        "file" => text("root", scratch.path("store")),
        "sqlite" => text("path", scratch.path("store.db")),
        _ => Values::new(),
    }
}

fn encode_and_decode(serializer: &dyn Serializer) -> Result<()> {
    let record = Record::new("token")
        .with("token", Field::secret("t"))
        .with("raw", Field::open(&[0xff][..]));
    let encoded = serializer.encode(&record)?;
    assert_eq!(serializer.decode(encoded.expose())?, record);
    assert!(serializer.decode(&encoded.expose()[1..]).is_err());
    Ok(())
}

fn seal_and_unseal(encryption: &dyn Encryption) -> Result<()> {
    let entry = EntryId::new("ann", Some("work"))?;
    let key = StoreKey::new(KeyId::new(b"key")?, Secret::from(&[7; 32][..]));
    let context = Context::new(StoreId([1; 16]), &entry)
        .with_key(Some(&key))
        .with_salt(&[2; 32])
        .with_binding(&[3; 100], &[4; 32]);
    encryption.current_key(&entry)?;
    let plain = Secret::from("plain");
    let mut blob = encryption.seal(&plain, &context)?;
    assert_eq!(encryption.unseal(&blob, &context)?, plain);
    blob[0] ^= 1;
    assert!(encryption.unseal(&blob, &context).is_err());
    Ok(())
}

fn create_and_load(source: &dyn Key) -> Result<()> {
    let id = KeyId::new(b"id")?;
    let created = source.create(&id)?;
    assert_eq!(source.load(&id, &created.parameters)?.secret, created.key);
    assert!(source.load(&id, b"?").is_err());
    source.delete(&id, &created.parameters).or(Ok(()))
}

fn put_and_get(storage: &dyn Storage) -> Result<()> {
    let (ann, bob) = (EntryId::new("ann", Some("work"))?, EntryId::new("bob", None)?);
    let revision = storage.put(&ann, b"blob", &Put::expecting(Expect::Absent))?;
    storage.put(&bob, b"", &Put::expecting(Expect::Any))?;
    assert!(storage.put(&ann, b"other", &Put::expecting(Expect::Absent)).is_err());
    assert_eq!(storage.get(&ann)?.blob, b"blob");
    let first = storage.list(&Query::default().with_limit(1))?;
    let rest = storage.list(&Query::default().with_cursor(first.next))?;
    assert_eq!((first.entries.len(), rest.entries.len()), (1, 1));
    if let Some(locks) = storage.abilities().locks {
        hold(locks, &ann)?;
    }
    storage.delete(&ann, &Expect::Revision(revision))?;
    assert!(storage.get(&ann).is_err());
    if let Some(bulk) = storage.abilities().bulk {
        let put = Operation::Put(&ann, b"again", Put::expecting(Expect::Absent));
        let both = [put, Operation::Delete(&bob, Expect::Any)];
        bulk.apply(&both)?;
        assert!(bulk.apply(&both).is_err());
    }
    storage.destroy()
}

fn hold(locks: &dyn Locks, id: &EntryId) -> Result<()> {
    let long = Duration::from_secs(60);
    let lock = || locks.lock(id, LockMode::Exclusive, Duration::ZERO, long);
    let mut held = lock()?;
    held.renew(long)?;
    assert!(lock().is_err());
    drop(held);
    lock().map(drop)
}
