use keyward_core::{ErrorKind, Record, Result, Secret};
use keyward_store::fuzz;

use crate::sample::SAMPLE;

/// The encoding of a header is canonical, and only the blob that was sealed opens.
pub fn envelope(bytes: &[u8]) {
    if let Ok(written) = fuzz::rewrite_blob(bytes) {
        assert_eq!(written, bytes);
    }
    let opened = SAMPLE.store(&SAMPLE.keyset, bytes).get(&SAMPLE.entry);
    opens_only(opened, bytes == SAMPLE.blob);
}

/// The same for a keyset, wrapped and unwrapped.
pub fn keyset(bytes: &[u8]) {
    let plain = Secret::from(bytes);
    if let Ok(written) = fuzz::rewrite_keyset(&plain) {
        assert!(written == plain, "the keyset is encoded differently than it was read");
    }
    let opened = SAMPLE.store(bytes, &SAMPLE.blob).get(&SAMPLE.entry);
    opens_only(opened, bytes == SAMPLE.keyset);
}

fn opens_only(opened: Result<Record>, is_genuine: bool) {
    match opened {
        Ok(_) => assert!(is_genuine, "a blob that was not sealed opens"),
        Err(error) => {
            assert!(!is_genuine, "{error:?}");
            assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NoKey), "{error:?}");
        }
    }
}
