//! One backend of each kind, or two where they do different things.

use keyward_core::{Role, SecretRef, Value, Values};
use keyward_testkit::TestHost;

use super::Backend;

pub(crate) const JSON: Backend = Backend {
    role: Role::Serializer,
    name: "json",
    values: |_| Values::new(),
    host: TestHost::new,
};

pub(crate) const POSTCARD: Backend = Backend { name: "postcard", ..JSON };

/// Its keys are the store's.
pub(crate) const AES_GCM: Backend = Backend {
    role: Role::Encryption,
    name: "aes-gcm",
    values: |_| Values::new(),
    host: TestHost::new,
};

/// It has its own keys, which it requests from its host.
pub(crate) const AGE: Backend = Backend {
    role: Role::Encryption,
    name: "age",
    values: |_| {
        let identity = SecretRef { from: "vault".into(), options: Values::new() };
        Values::new()
            .with("recipients", Value::List(vec![RECIPIENT.into()]))
            .with("identity", Value::Secret(identity))
    },
    host: || TestHost::new().secret("vault", IDENTITY),
};

const RECIPIENT: &str = "age1unpkk8r4swtcy5y00qmyv4hwjcrpmmtu47z3j8kwq07faym8xfkqcspu4r";
const IDENTITY: &str = "AGE-SECRET-KEY-14EFVLX9DA7NXQS4HXQ0KPZQ0MNCLRPEMGFZN8MA0KGS96NA4Q8ASTCFDRH";

/// It requests a variable from its host.
pub(crate) const ENV: Backend = Backend {
    role: Role::Key,
    name: "env",
    values: |_| Values::new().with("name", Value::Text("WORK_KEY".into())),
    host: || TestHost::new().variable("WORK_KEY", &b"6b".repeat(32)[..]),
};

/// It prompts the user.
pub(crate) const PASSPHRASE: Backend = Backend {
    role: Role::Key,
    name: "passphrase",
    values: |_| {
        Values::new()
            .with("memory_kib", Value::Number(8 << 10))
            .with("iterations", Value::Number(1))
    },
    host: || TestHost::new().always_answer("correct horse"),
};

/// It requests the passphrase from its host.
pub(crate) const REFERENCED_PASSPHRASE: Backend = Backend {
    values: |scratch| {
        let passphrase = SecretRef { from: "vault".into(), options: Values::new() };
        (PASSPHRASE.values)(scratch).with("passphrase", Value::Secret(passphrase))
    },
    host: || TestHost::new().secret("vault", "correct horse"),
    ..PASSPHRASE
};

/// It has locks and is durable.
pub(crate) const FILE: Backend = Backend {
    role: Role::Storage,
    name: "file",
    values: |scratch| Values::new().with("root", Value::Text(scratch.path("store"))),
    host: TestHost::new,
};

pub(crate) const MEMORY: Backend =
    Backend { role: Role::Storage, name: "memory", values: |_| Values::new(), host: TestHost::new };

/// It makes many changes at once.
pub(crate) const SQLITE: Backend = Backend {
    role: Role::Storage,
    name: "sqlite",
    values: |scratch| Values::new().with("path", Value::Text(scratch.path("store/store.db"))),
    host: TestHost::new,
};
