//! Backends that are loaded from shared libraries.

use keyward_core::{Door, Registration};
use keyward_loader::{load, verify_library};

use super::backends::*;
use super::{Backend, is_the_same, library, pin};

macro_rules! parity {
    ($($test:ident: $backend:ident;)*) => {$(
        #[test]
        fn $test() {
            is_the_same($backend, loaded($backend));
        }
    )*};
}

parity! {
    serializer_json: JSON;
    serializer_postcard: POSTCARD;
    encryption_aes_gcm: AES_GCM;
    encryption_age: AGE;
    key_env: ENV;
    key_passphrase: PASSPHRASE;
    storage_file: FILE;
    storage_memory: MEMORY;
    storage_sqlite: SQLITE;
}

/// A backend as it comes out of its library.
pub(crate) fn loaded(backend: Backend) -> Registration {
    let verified = verify_library(&pin(library(backend.package)), &[]).unwrap();
    let mut all = load(verified).unwrap().into_iter();
    let found = all.find(|it| (it.role(), it.info.name) == (backend.role, backend.name)).unwrap();
    assert_eq!(found.door, Door::Loaded);
    found
}

#[test]
fn every_crate_of_backends_can_be_loaded() {
    for folder in std::fs::read_dir(xtask::root().join("plugins")).unwrap() {
        let package = folder.unwrap().file_name().into_string().unwrap();
        let verified = verify_library(&pin(library(&package)), &[]).unwrap();
        let brought = load(verified).unwrap();
        assert!(brought.iter().all(|it| it.package == package), "{package}: {brought:?}");
    }
}
