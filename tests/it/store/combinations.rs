//! Every serializer with every encryption on every storage keeps every value, byte for byte: all linked,
//! and linked ones mixed with loaded ones.

use std::collections::BTreeSet;
use std::process::Command;

use keyward::{Credentials, Environment, ErrorKind, Keyward, NewStore, OpenStore, Secret, Silent};
use keyward_core::{Door, Registration, Registry, Role, SecretRef, Value, Values};
use keyward_defaults as _;
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::helpers::home::Home;
use crate::helpers::hostile_values::secrets;
use crate::helpers::secret_service::Session;
use crate::plugins::linkage::loaded;

macro_rules! serializers {
    ($($serializer:ident)*) => {
        const SERIALIZERS: &[&str] = &[$(stringify!($serializer)),*];
        $(mod $serializer { encryptions!($serializer: clear aes_gcm age); })*
    };
}

macro_rules! encryptions {
    ($serializer:ident: $($encryption:ident)*) => {
        $(mod $encryption {
            storages!($serializer $encryption: memory file sqlite redb keyring);
        })*
    };
}

macro_rules! storages {
    ($serializer:ident $encryption:ident: $($storage:ident)*) => {
        $(mod $storage {
            use crate::store::combinations::{keeps_every_value, mixed};
            use keyward_core::Registry;

            const NAMES: [&str; 3] =
                [stringify!($serializer), stringify!($encryption), stringify!($storage)];

            #[test]
            fn linked() {
                keeps_every_value(NAMES, || Registry::linked().unwrap());
            }

            #[test]
            fn with_loaded_ones() {
                keeps_every_value(NAMES, || mixed(NAMES));
            }
        })*
    };
}

serializers!(json cbor bincode postcard);

const ENCRYPTIONS: &[&str] = &["clear", "aes-gcm", "age"];
pub(crate) const STORAGES: &[&str] = &["memory", "file", "sqlite", "redb", "keyring"];

#[test]
fn the_tests_cover_every_combination() {
    let keyward = Keyward::with(Environment::new([("HOME", "/")]), Silent).unwrap();
    for (role, names) in [
        (Role::Serializer, SERIALIZERS),
        (Role::Encryption, ENCRYPTIONS),
        (Role::Storage, STORAGES),
    ] {
        let backends = keyward.registry().iter().filter(|entry| entry.role() == role);
        let backends: BTreeSet<_> = backends.map(|entry| entry.info.name).collect();
        assert_eq!(backends, names.iter().copied().collect(), "{role}");
    }
}

/// Returns all linked backends, but one or three of these are loaded instead. Over all
/// combinations, each of them is linked and loaded, beside linked and loaded ones.
fn mixed(names: [&str; 3]) -> Registry {
    let places = [SERIALIZERS, ENCRYPTIONS, STORAGES].map(|all| {
        let name = |name: &&str| names.contains(&name.replace('-', "_").as_str());
        all.iter().position(name).unwrap()
    });
    let [serializer, encryption, storage] = places;
    let is_loaded = |it: &Registration| {
        names.contains(&it.info.name.replace('-', "_").as_str())
            && [
                (Role::Serializer, (serializer + encryption) % 2 == 1),
                (Role::Encryption, (encryption + storage) % 2 == 1),
                (Role::Storage, (serializer + storage) % 2 == 0),
            ]
            .contains(&(it.role(), true))
    };
    let linked = Registry::linked().unwrap();
    let all = linked.iter().map(|it| if is_loaded(it) { loaded(it) } else { it.clone() });
    let all: Vec<_> = all.collect();
    assert!(
        all.iter().any(|it| it.door == Door::Loaded)
            && all.iter().any(|it| it.door == Door::Linked)
    );
    Registry::new(all).unwrap()
}

fn keeps_every_value([serializer, encryption, storage]: [&str; 3], backends: fn() -> Registry) {
    let home = StorageHome { backends, ..StorageHome::new(storage) };
    home.init("s", Some(serializer), Some(&encryption.replace('_', "-")));
    let writer = home.open("s");
    // Only the process itself can read a storage in its memory.
    let reader = if storage == "memory" { None } else { Some(home.open("s")) };
    let reader = reader.as_ref().unwrap_or(&writer);
    for (id, value) in secrets() {
        assert!(keeps(&writer, reader, storage, &value), "{id} came back changed");
    }
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let random = |value: Vec<u8>| -> Result<(), TestCaseError> {
        prop_assert!(keeps(&writer, reader, storage, &value));
        Ok(())
    };
    TestRunner::new(config).run(&vec(any::<u8>(), 0..5000), random).unwrap();
}

/// Whether the value is kept, as password and, if it is text, as username. A keyring may refuse it,
/// as its documentation says; then the previous value must stay.
fn keeps(writer: &OpenStore, reader: &OpenStore, storage: &str, value: &[u8]) -> bool {
    let id = writer.entry(Some("ann"), None).unwrap();
    let before = reader.credentials(&id).unwrap();
    let username =
        std::str::from_utf8(value).ok().filter(|text| text.len() < 5000).unwrap_or("ann");
    let credentials = Credentials::new(username, Secret::from(value));
    match writer.set_credentials(&id, &credentials) {
        Ok(()) => reader.credentials(&id).unwrap() == Some(credentials),
        Err(error) => {
            let allowed = storage == "keyring" && value.len() > LARGEST_CERTAIN;
            assert!(allowed && error.kind() == ErrorKind::Unsupported, "{error}");
            reader.credentials(&id).unwrap() == before
        }
    }
}

/// The size of a value that every keyring can keep.
const LARGEST_CERTAIN: usize = 256 << 10;

/// A home for stores of one storage, with all that the backends beside it need.
pub(crate) struct StorageHome {
    pub(crate) home: Home,
    storage: &'static str,
    recipient: String,
    session: Option<Session>,
    backends: fn() -> Registry,
}

impl StorageHome {
    pub(crate) fn new(storage: &str) -> Self {
        let (identity, recipient) = identity();
        let home = Home::nested("some/where/home");
        let home = home.with("KEY", "6b".repeat(32)).with("IDENTITY", identity);
        let storage = STORAGES.iter().find(|known| **known == storage).unwrap();
        let session = (*storage == "keyring").then(Session::unlocked);
        let backends = || Registry::linked().unwrap();
        Self { home, storage, recipient, session, backends }
    }

    pub(crate) fn keyward(&self) -> Keyward {
        self.home.library().with_backends((self.backends)())
    }

    pub(crate) fn open(&self, store: &str) -> OpenStore {
        self.keyward().store(store).unwrap()
    }

    /// Makes a store; what is left out is the default.
    pub(crate) fn init(&self, store: &str, serializer: Option<&str>, encryption: Option<&str>) {
        self.keyward().init_store(&self.describe(store, serializer, encryption).unwrap()).unwrap();
    }

    /// Returns the description of a store of this name, if the name is valid.
    pub(crate) fn describe(
        &self,
        store: &str,
        serializer: Option<&str>,
        encryption: Option<&str>,
    ) -> keyward::Result<NewStore> {
        let mut options = Vec::new();
        if let Some(session) = &self.session {
            let bus = Value::Text(session.bus.clone());
            options.push((Role::Storage, Values::new().with("bus", bus)));
        }
        if encryption == Some("age") {
            let values = Values::new()
                .with("recipients", Value::List(vec![self.recipient.clone()]))
                .with("identity", Value::Secret(variable("IDENTITY")));
            options.push((Role::Encryption, values));
        }
        Ok(NewStore {
            serializer: serializer.map(str::to_owned),
            encryption: encryption.map(str::to_owned),
            storage: Some(self.storage.to_owned()),
            key: [None, Some("aes-gcm")].contains(&encryption).then(|| variable("KEY")),
            options,
            ..NewStore::named(store)?
        })
    }
}

fn variable(name: &str) -> SecretRef {
    let options = Values::new().with("name", Value::Text(name.to_owned()));
    SecretRef { from: "env".to_owned(), options }
}

/// Makes a new identity of age, and returns it with its recipient.
fn identity() -> (String, String) {
    let output = Command::new("age-keygen").output().expect("age-keygen is installed (age)");
    let text = String::from_utf8(output.stdout).unwrap();
    let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    (text.clone(), recipient.to_owned())
}
