//! Backends that are loaded from shared libraries.

use keyward_loader::{load, verify_library};

use super::backends::*;
use super::{is_the_same, library, linked, loaded, pin};

macro_rules! parity {
    ($($test:ident: $backend:ident;)*) => {$(
        #[test]
        fn $test() {
            is_the_same($backend, loaded(&linked($backend)));
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

#[test]
fn every_crate_of_backends_can_be_loaded() {
    for folder in std::fs::read_dir(xtask::root().join("plugins")).unwrap() {
        let package = folder.unwrap().file_name().into_string().unwrap();
        let verified = verify_library(&pin(library(&package)), &[]).unwrap();
        let brought = load(verified).unwrap();
        assert!(brought.iter().all(|it| it.package == package), "{package}: {brought:?}");
    }
}
