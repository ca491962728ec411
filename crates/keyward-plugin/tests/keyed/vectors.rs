//! Keys and values that an earlier version wrote can be read for ever.

use std::sync::Arc;

use keyward_plugin::hex;
use keyward_plugin::keyed::{KeyValue, Keyed};
use keyward_plugin::{EntryId, Host, Storage};
use serde_json::Value;

use super::service::{PLAIN, SHORT_KEYS};
use super::{Fixture, any};

fn vectors() -> Vec<Value> {
    let file = include_str!("../../../../tests/vectors/keyed/values.json");
    serde_json::from_str(file).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    let mut bytes = vec![0; digits.len() / 2];
    hex::decode(digits.as_bytes(), &mut bytes).unwrap();
    bytes
}

fn id(vector: &Value) -> EntryId {
    EntryId::restore(vector["user"].as_str().unwrap(), vector["name"].as_str().unwrap()).unwrap()
}

#[test]
fn old_values_are_read() {
    for vector in vectors() {
        let Fixture { map, storage, .. } = Fixture::<SHORT_KEYS>::new();
        map.set(vector["key"].as_str().unwrap(), &bytes(&vector["value"]));
        let stored = storage.get(&id(&vector));
        if vector["deleted"] == true {
            assert!(stored.unwrap_err().is_miss(), "{vector}");
            continue;
        }
        let stored = stored.unwrap();
        assert_eq!(stored.blob, bytes(&vector["blob"]), "{vector}");
        assert_eq!(stored.revision().as_bytes(), bytes(&vector["revision"]), "{vector}");
    }
}

#[test]
fn a_new_value_is_as_the_old_ones() {
    for vector in vectors().iter().filter(|vector| vector["deleted"] != true) {
        let Fixture { map, storage, .. } = Fixture::<SHORT_KEYS>::new();
        let expires = vector["expires"].as_u64().map(keyward_plugin::Timestamp::from_unix);
        let blob = bytes(&vector["blob"]);
        let revision = storage.put(&id(vector), &blob, &any().expiring(expires)).unwrap();
        assert_eq!(map.keys(), [vector["key"].as_str().unwrap()]);
        let mut expected = bytes(&vector["value"]);
        expected[9..25].copy_from_slice(revision.as_bytes());
        assert_eq!(map.value(&map.keys()[0]).unwrap(), expected, "{vector}");
    }
}

#[test]
fn keys_are_short_enough_without_a_digest_where_the_service_allows_it() {
    let Fixture { map, storage, host, .. } = Fixture::<PLAIN>::new();
    let host: Arc<dyn Host> = host;
    assert_eq!(map.service().longest_key, 4096);
    Keyed::new(map.clone(), &host).unwrap();
    let long = EntryId::new(&"u".repeat(255), Some(&"N".repeat(1024))).unwrap();
    storage.put(&long, b"", &any()).unwrap();
    assert_eq!(map.keys()[0].len(), "keyward-1-".len() + 255 + 2 + 3 * 1024);
}
