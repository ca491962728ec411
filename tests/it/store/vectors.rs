//! A blob that was sealed once always opens, and an altered one never does.
//!
//! The vectors in `tests/vectors/envelope` are permanent: they are added to, never changed. With
//! `KEYWARD_MAKE_VECTORS=1` the missing ones among those that [`make`] knows are made.

mod book;
mod make;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_core::wire::Wire;
use keyward_core::{
    Encryption, EntryId, Expect, Host, Put, Record, Registry, Result, SecretRef, Serializer,
    Storage, StoreId, Value, Values,
};
use keyward_defaults as _;
use keyward_store::{Named, Parts, Store};
use keyward_testkit::{Scratch, TestHost};
use serde::{Deserialize, Serialize};
use xtask::root;

/// The variable that a vector's wrapping key is in, and the key source that has its identity.
const KEY: &str = "KEYWARD_VECTOR_KEY";
const IDENTITY: &str = "identity";

/// A sealed record, all that opens it, and changes after which it must not open.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Vector {
    about: String,
    #[serde(flatten)]
    sealed: Sealed,
    /// What the blob holds, as the serializer `json` writes it.
    record: serde_json::Value,
    refused: Vec<Refused>,
}

/// Bytes are in hexadecimal.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sealed {
    store: String,
    user: String,
    name: Option<String>,
    serializer: String,
    encryption: String,
    envelope: bool,
    /// The fields of the blob's header, for people who read the file.
    header: Option<book::Header>,
    /// Where the key comes from that wraps the keyset: `env` or `passphrase`.
    key_source: Option<String>,
    /// The key in base64, or the passphrase.
    key: Option<String>,
    keyset: Option<String>,
    recipients: Vec<String>,
    identity: Option<String>,
    armor: bool,
    blob: String,
}

/// Changes to a vector, and the kind of the error that they cause.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    about: String,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keyset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
}

#[test]
fn every_vector_opens() {
    make::missing();
    for (path, vector) in all() {
        let record = vector.sealed.open().unwrap_or_else(|e| panic!("{path:?}: {e:?}"));
        assert_eq!(json(&record), vector.record, "{path:?}");
    }
}

#[test]
fn every_altered_vector_is_refused() {
    let mut refused = 0;
    for (path, vector) in all() {
        for change in &vector.refused {
            let kind = match vector.sealed.changed(change).open() {
                Ok(_) => "none: it opens".to_owned(),
                Err(error) => format!("{:?}", error.kind()),
            };
            assert_eq!(kind, change.error, "{path:?}: {}", change.about);
            refused += 1;
        }
    }
    assert!(refused > 100, "only {refused} altered vectors");
}

#[test]
fn the_vectors_cover_every_backend() {
    let vectors = all();
    let has = |encryption: &str, serializer: &str| {
        vectors.iter().any(|(_, vector)| {
            (vector.sealed.encryption.as_str(), vector.sealed.serializer.as_str())
                == (encryption, serializer)
        })
    };
    for encryption in ["aes-gcm", "age", "clear"] {
        for serializer in ["bincode", "cbor", "json", "postcard"] {
            assert!(has(encryption, serializer), "{encryption} + {serializer}");
        }
    }
}

/// `docs/envelope.md` says enough: a reader that was written from it alone reads the same.
#[test]
fn the_page_is_enough_to_open_them() {
    let registry = Registry::linked().unwrap();
    for (path, vector) in all() {
        let sealed = &vector.sealed;
        if !sealed.envelope {
            continue;
        }
        assert_eq!(Some(book::Header::read(&unhex(&sealed.blob)).0), sealed.header, "{path:?}");
        let plain = book::open(sealed, |blob| sealed.unseal_age(blob));
        let serializer = registry
            .open::<dyn Serializer>(&sealed.serializer, &Values::new(), &sealed.host())
            .unwrap();
        assert_eq!(json(&serializer.decode(&plain).unwrap()), vector.record, "{path:?}");
    }
}

/// The example at the end of `docs/envelope.md`, step by step.
pub(crate) fn worked_example() -> String {
    let (_, vector) =
        all().into_iter().find(|(path, _)| path.ends_with("aes-gcm-json.json")).unwrap();
    let steps = book::steps(&vector.sealed).into_iter().map(|(name, value)| {
        let lines = value.as_bytes().chunks(96).map(|line| String::from_utf8_lossy(line));
        lines.fold(format!("{name}:\n"), |text, line| text + "  " + &line + "\n")
    });
    format!("```text\n{}```\n", steps.collect::<String>())
}

fn all() -> Vec<(PathBuf, Vector)> {
    let mut paths: Vec<_> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let vector = serde_json::from_slice(&fs::read(&path).unwrap());
        (path.clone(), vector.unwrap_or_else(|e| panic!("{path:?}: {e}")))
    };
    paths.into_iter().map(read).collect()
}

fn folder() -> PathBuf {
    root().join("tests/vectors/envelope")
}

impl Sealed {
    fn changed(&self, change: &Refused) -> Self {
        let or = |new: &Option<String>, old: &String| new.as_ref().unwrap_or(old).clone();
        Self {
            store: or(&change.store, &self.store),
            user: or(&change.user, &self.user),
            name: change.name.clone().or_else(|| self.name.clone()),
            key: change.key.clone().or_else(|| self.key.clone()),
            keyset: change.keyset.clone().or_else(|| self.keyset.clone()),
            blob: or(&change.blob, &self.blob),
            ..self.clone()
        }
    }

    fn id(&self) -> EntryId {
        EntryId::new(&self.user, self.name.as_deref()).unwrap()
    }

    /// Reads the record with Keyward's crates, from a storage that contains the blobs.
    fn open(&self) -> Result<Record> {
        let scratch = Scratch::new();
        let storage = self.storage(scratch.folder());
        let any = Put::expecting(Expect::Any);
        if let Some(keyset) = &self.keyset {
            storage.put(&EntryId::reserved("keyset"), &unhex(keyset), &any)?;
        }
        storage.put(&self.id(), &unhex(&self.blob), &any)?;
        self.store(scratch.folder()).get(&self.id())
    }

    fn store(&self, folder: &Path) -> Store {
        let (registry, host) = (Registry::linked().unwrap(), self.host());
        let key = self.key_source.as_deref().map(|source| {
            let values = match source {
                "env" => Values::new().with("name", Value::Text(KEY.into())),
                _ => Values::new().with("memory_kib", Value::Number(8192)),
            };
            Named::new(source, registry.open(source, &values, &host).unwrap())
        });
        let serializer =
            registry.open::<dyn Serializer>(&self.serializer, &Values::new(), &host).unwrap();
        let encryption =
            registry.open::<dyn Encryption>(&self.encryption, &self.options(), &host).unwrap();
        let parts = Parts {
            id: StoreId::parse(&self.store).unwrap(),
            serializer: Named::new(&self.serializer, serializer),
            encryption: Named::new(&self.encryption, encryption),
            storage: Named::new("file", self.storage(folder)),
            key,
            envelope: self.envelope,
            host,
        };
        Store::open(parts).unwrap()
    }

    fn storage(&self, folder: &Path) -> Box<dyn Storage> {
        let root = Value::Text(folder.join("store").to_str().unwrap().into());
        let values = Values::new().with("root", root);
        Registry::linked().unwrap().open("file", &values, &self.host()).unwrap()
    }

    fn options(&self) -> Values {
        let Some(_) = &self.identity else { return Values::new() };
        let from = SecretRef { from: IDENTITY.into(), options: Values::new() };
        Values::new()
            .with("recipients", Value::List(self.recipients.clone()))
            .with("identity", Value::Secret(from))
            .with("armor", Value::Flag(self.armor))
    }

    fn host(&self) -> Arc<dyn Host> {
        let key = self.key.clone().unwrap_or_default();
        let identity = self.identity.clone().unwrap_or_default();
        let host = TestHost::new().variable(KEY, key.clone()).always_answer(key);
        Arc::new(host.secret(IDENTITY, identity))
    }

    /// age is specified elsewhere, so that the page need not say how to open its files.
    fn unseal_age(&self, blob: &[u8]) -> Vec<u8> {
        let encryption = Registry::linked().unwrap();
        let encryption =
            encryption.open::<dyn Encryption>("age", &self.options(), &self.host()).unwrap();
        let id = self.id();
        let context = keyward_core::Context::new(StoreId([0; 16]), &id);
        encryption.unseal(blob, &context).unwrap().expose().to_vec()
    }
}

fn json(record: &Record) -> serde_json::Value {
    serde_json::to_value(Wire::from(record)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    keyward_core::hex::encode(bytes)
}

fn unhex(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; text.len() / 2];
    keyward_core::hex::decode(text.as_bytes(), &mut bytes).unwrap();
    bytes
}
