use std::sync::LazyLock;

use keyward_core::{
    Created, EntryId, Expect, Key, KeyId, Loaded, Put, Result, Secret, Storage as _, StoreId,
};
use keyward_encryption_aes_gcm::AesGcm;
use keyward_plugin::{create_supplied, load_supplied};
use keyward_serializer_cbor::Cbor;
use keyward_storage_memory::Memory;
use keyward_store::{Named, Parts, Store};
use serde_json::Value;

use crate::host::Answers;

/// One of the permanent test vectors: everything that a store keeps for one entry.
pub(crate) static SAMPLE: LazyLock<Sample> = LazyLock::new(Sample::read);

const VECTOR: &str = include_str!("../../vectors/envelope/aes-gcm-cbor.json");

pub(crate) struct Sample {
    id: StoreId,
    pub(crate) entry: EntryId,
    key: Secret,
    pub(crate) keyset: Vec<u8>,
    pub(crate) blob: Vec<u8>,
}

impl Sample {
    fn read() -> Self {
        let vector: Value = serde_json::from_str(VECTOR).expect("the vector is JSON");
        let text = |name: &str| vector[name].as_str().expect("the vector has it");
        Self {
            id: StoreId::parse(text("store")).expect("an id"),
            entry: EntryId::new(text("user"), Some(text("name"))).expect("an entry"),
            key: Secret::from(text("key")),
            keyset: bytes(text("keyset")),
            blob: bytes(text("blob")),
        }
    }

    /// Makes the vector's store, with this keyset and blob in its storage.
    pub(crate) fn store(&self, keyset: &[u8], blob: &[u8]) -> Store {
        let storage = Memory::default();
        for (id, blob) in [(&EntryId::reserved("keyset"), keyset), (&self.entry, blob)] {
            storage.put(id, blob, &Put::expecting(Expect::Absent)).expect("there is room");
        }
        Store::open(Parts {
            id: self.id,
            serializer: Named::new("cbor", Box::new(Cbor)),
            encryption: Named::new("aes-gcm", Box::new(AesGcm)),
            storage: Named::new("memory", Box::new(storage)),
            key: Some(Named::new("env", Box::new(Supplied(self.key.clone())))),
            envelope: true,
            host: Answers::none(),
        })
        .expect("the parts go together")
    }
}

/// Decodes the hexadecimal digits of a vector.
fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

/// A key source like `env`, with the variable set.
#[derive(Debug)]
struct Supplied(Secret);

impl Key for Supplied {
    fn create(&self, _: &KeyId) -> Result<Created> {
        create_supplied(&self.0)
    }

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        load_supplied(self.0.clone(), parameters)
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        Ok(())
    }
}
