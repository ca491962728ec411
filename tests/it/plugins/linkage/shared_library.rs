//! Backends that are loaded from shared libraries.

use keyward_loader::{load, verify_library};

use super::backends::*;
use super::{library, linked, loaded, pin};

parity!(|backend| loaded(&linked(backend)));

#[test]
fn every_crate_of_backends_can_be_loaded() {
    for folder in std::fs::read_dir(xtask::root().join("plugins")).unwrap() {
        let package = folder.unwrap().file_name().into_string().unwrap();
        // The table of shared libraries has no checkers.
        if package.starts_with("keyward-checker-") {
            continue;
        }
        let verified = verify_library(&pin(library(&package)), &[]).unwrap();
        let backends = load(verified).unwrap();
        assert!(backends.iter().all(|it| it.package == package), "{package}: {backends:?}");
    }
}
