use std::sync::LazyLock;

use keyward_core::{Backend as _, ErrorKind, Key as _, KeyId, Secret};
use keyward_key_passphrase::{Options, PassphraseKey};
use keyward_plugin::{KEY_LENGTH, decode_key, encode_key};

use crate::host::Answers;

/// Parameters of a passphrase are accepted, and the passphrase is prompted for, only if they are
/// within the bounds of `docs/envelope.md`. The prompt fails here, so no key is derived.
pub fn key_passphrase(bytes: &[u8]) {
    static KEY: LazyLock<PassphraseKey> = LazyLock::new(|| {
        let options = Options { passphrase: None, memory_kib: 8192, iterations: 1, lanes: 1 };
        PassphraseKey::open(options, &Answers::none()).expect("the costs are within bounds")
    });
    let refused = KEY.load(&KeyId::default(), bytes).expect_err("the prompt fails");
    let expected = match costs(bytes) {
        _ if bytes.is_empty() => ErrorKind::Locked,
        None => ErrorKind::Corrupt,
        Some((8192..=1_048_576, 1..=16, 1..=8)) => ErrorKind::Locked,
        Some(_) => ErrorKind::Refused,
    };
    assert_eq!(refused.kind(), expected, "{refused:?}");
}

/// Returns memory in KiB, iterations and lanes.
fn costs(parameters: &[u8]) -> Option<(u32, u32, u32)> {
    let number = |at: usize| {
        let digits = parameters[at..at + 4].try_into().expect("four bytes");
        u32::from_be_bytes(digits)
    };
    (parameters.len() == 29 && parameters[0] == 1).then(|| (number(1), number(5), number(9)))
}

/// A supplied key is 32 bytes in every encoding, and the same key after it is encoded again.
pub fn key_supplied(bytes: &[u8]) {
    match decode_key(&Secret::from(bytes)) {
        Ok(key) => {
            assert_eq!(key.len(), KEY_LENGTH);
            let again = decode_key(&encode_key(key.expose())).expect("it was written so");
            assert!(again == key, "it is decoded as another key");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::NoKey, "{error:?}"),
    }
}
