//! Backends that are loaded from shared libraries.

use keyward_loader::{load, verify_library};

use super::backends::*;
use super::{library, linked, loaded, pin};

parity!(|backend| loaded(&linked(backend)));

#[test]
fn every_crate_of_backends_can_be_loaded() {
    for folder in std::fs::read_dir(xtask::root().join("plugins")).unwrap() {
        let package = folder.unwrap().file_name().into_string().unwrap();
        let verified = verify_library(&pin(library(&package)), &[]).unwrap();
        let brought = load(verified).unwrap();
        assert!(brought.iter().all(|it| it.package == package), "{package}: {brought:?}");
    }
}
