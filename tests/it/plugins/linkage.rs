//! A backend behaves in the same way through each door: linked, loaded, or run.
//!
//! The conformance suites are run for each door, and must have the same results, case by case.

/// Makes a test for each backend: through this door, it behaves in the same way.
macro_rules! parity {
    ($came:expr) => {
        parity! {
            $came,
            serializer_json: JSON,
            serializer_postcard: POSTCARD,
            encryption_aes_gcm: AES_GCM,
            encryption_age: AGE,
            key_env: ENV,
            key_passphrase: PASSPHRASE,
            key_passphrase_by_reference: REFERENCED_PASSPHRASE,
            storage_file: FILE,
            storage_memory: MEMORY,
            storage_sqlite: SQLITE,
        }
    };
    ($came:expr, $($test:ident: $backend:ident,)*) => {$(
        #[test]
        fn $test() {
            crate::plugins::linkage::is_the_same($backend, $came($backend));
        }
    )*};
}

mod backends;
mod c;
mod child_process;
mod host;
mod library_in_child;
mod memory;
mod panics;
mod shared_library;
mod stores;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use keyward_core::{
    Bulk, Door, Encryption, Host, Locks, Registration, Registry, Role, Storage, Values,
};
use keyward_defaults as _;
use keyward_loader::{Digest, Pin, load, verify_library};
use keyward_testkit::{Scratch, TestHost, case_names, run_case};

use crate::helpers::program::keyward;

/// A backend, with its options and its host in a test.
#[derive(Clone, Copy)]
pub(crate) struct Backend {
    pub(crate) role: Role,
    pub(crate) name: &'static str,
    pub(crate) values: fn(&Scratch) -> Values,
    pub(crate) host: fn() -> TestHost,
}

/// How each case of a suite went.
pub(crate) type Results = BTreeMap<&'static str, Outcome>;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// The case does not apply to the backend, for this reason.
    PassedOver(&'static str),
    Failed(String),
}

impl Outcome {
    pub(crate) const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// Runs the suite of a registration's role.
pub(crate) fn results(backend: Backend, registration: &Registration) -> Results {
    let run = |case| {
        let scratch = Scratch::new();
        let values = (backend.values)(&scratch);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            run_case(registration, case, values, (backend.host)(), scratch).unwrap()
        }));
        let outcome = match ran {
            Ok(None) => Outcome::Passed,
            Ok(Some(why)) => Outcome::PassedOver(why),
            Err(panic) => Outcome::Failed(complaint(&*panic)),
        };
        (case, outcome)
    };
    case_names(registration.role()).into_iter().map(run).collect()
}

fn complaint(panic: &dyn Any) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "it panics".into())
}

/// Returns the abilities of an instance, if its role has any.
fn abilities(backend: Backend, registration: &Registration) -> String {
    let scratch = Scratch::new();
    let values = (backend.values)(&scratch);
    let host: Arc<dyn Host> = Arc::new((backend.host)());
    match registration.role() {
        Role::Encryption => {
            let encryption = registration.open::<dyn Encryption>(&values, &host).unwrap();
            format!("{:?}", encryption.abilities())
        }
        Role::Storage => {
            let storage = registration.open::<dyn Storage>(&values, &host).unwrap();
            let all = storage.abilities();
            // These have another type behind each door, so only their presence is compared.
            let (bulk, locks) = (all.bulk.is_some(), all.locks.is_some());
            let limits = all.bulk.map(Bulk::limits);
            let exclusion = all.locks.map(Locks::exclusion);
            let mut rest = all;
            (rest.bulk, rest.locks) = (None, None);
            format!("bulk: {bulk} {limits:?}, locks: {locks} {exclusion:?}, {rest:?}")
        }
        _ => String::new(),
    }
}

/// The backend as it is linked into these tests.
pub(crate) fn linked(backend: Backend) -> Registration {
    Registry::linked().unwrap().find(backend.role, backend.name).unwrap().clone()
}

/// Checks that a backend behaves in the same way through another door.
#[track_caller]
pub(crate) fn is_the_same(backend: Backend, came: Registration) {
    let linked = linked(backend);
    assert_eq!(came.info, linked.info);
    assert_eq!(came.options, linked.options);
    assert_eq!((came.package, came.version), (linked.package, linked.version));
    assert_eq!(abilities(backend, &came), abilities(backend, &linked));
    let (expected, found) = (results(backend, &linked), results(backend, &came));
    assert!(!expected.values().any(Outcome::is_failure), "linked: {expected:#?}");
    assert_eq!(found, expected);
}

/// Returns the same backend, loaded from its crate's library.
pub(crate) fn loaded(linked: &Registration) -> Registration {
    let verified = verify_library(&pin(library(linked.package)), &[]).unwrap();
    let mut all = load(verified).unwrap().into_iter();
    let loaded = all.find(|it| (it.role(), it.info) == (linked.role(), linked.info)).unwrap();
    assert_eq!(loaded.door, Door::Loaded);
    loaded
}

/// The library of a crate of backends: an example of this package.
pub(crate) fn library(package: &str) -> PathBuf {
    let name = format!("examples/lib{}.so", package.replace('-', "_"));
    let path = keyward().with_file_name(name);
    let build = "cargo build --package keyward-tests --examples";
    assert!(path.exists(), "{} is missing: `{build}`", path.display());
    path.canonicalize().unwrap()
}

/// The pin of a file as it is.
pub(crate) fn pin(path: PathBuf) -> Pin {
    let digest = Digest::new(&std::fs::read(&path).unwrap());
    Pin { path, digest }
}
