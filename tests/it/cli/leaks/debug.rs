//! `{:?}` of a value that contains a secret does not show the secret.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write;

use keyward::{Credentials, Environment, Record, Secret};
use keyward_core::wire::Wire;
use keyward_core::{Context, Created, EntryId, Field, KeyId, SecretWriter, StoreId, StoreKey};

use super::canary::Canary;
use crate::store::combinations::StorageHome;

#[test]
fn values_are_redacted() {
    let canary = Canary::new();
    let secret = || Secret::from(canary.text.as_str());
    let credentials = Credentials::new("ann", secret());
    let record = Record::from(&credentials).with("token", Field::secret(secret()));
    let key = StoreKey::new(KeyId::new(&[1; 16]).unwrap(), secret());
    let mut writer = SecretWriter::new();
    writer.write_all(canary.text.as_bytes()).unwrap();
    let entry = EntryId::new("ann", None).unwrap();
    let context = Context::new(StoreId([0; 16]), &entry).with_key(Some(&key));
    let shown: BTreeMap<&str, String> = BTreeMap::from([
        ("Secret", text(&secret())),
        ("SecretWriter", text(&writer)),
        ("Field", text(&Field::secret(secret()))),
        ("Record", text(&record)),
        ("Credentials", text(&credentials)),
        ("StoreKey", text(&key)),
        ("Context", text(&context)),
        ("Created", text(&Created::made(secret(), vec![]))),
        ("Wire", text(&Wire::from(&record))),
        ("Environment", text(&Environment::new([("KEY", &canary.text)]))),
    ]);
    for (name, shown) in shown {
        assert!(!canary.is_in(shown.as_bytes()), "{name} shows {shown}");
        assert!(!shown.contains(&bytes(&canary)), "{name} shows {shown}");
    }
}

#[test]
fn open_stores_are_redacted() {
    for encryption in ["clear", "aes-gcm", "age"] {
        let canary = Canary::new();
        for storage in ["memory", "file", "sqlite", "redb"] {
            let home = StorageHome::new(storage);
            home.init("s", None, Some(encryption));
            let store = home.open("s");
            let id = store.entry(None, None).unwrap();
            store.set_credentials(&id, &Credentials::new("ann", canary.text.as_str())).unwrap();
            assert!(store.credentials(&id).unwrap().is_some());
            let shown = text(&store) + &text(&home.keyward());
            for secret in
                [bytes(&canary), "AGE-SECRET-KEY".into(), "6b6b6b6b".into(), "107, 107".into()]
            {
                assert!(!shown.contains(&secret), "{encryption} on {storage} shows {shown}");
            }
            assert!(!canary.is_in(shown.as_bytes()), "{encryption} on {storage} shows {shown}");
        }
    }
}

fn text(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

/// Returns the text that `{:?}` writes for the canary as a list of bytes.
fn bytes(canary: &Canary) -> String {
    let bytes = format!("{:?}", canary.text.as_bytes());
    bytes.trim_matches(['[', ']']).to_owned()
}
