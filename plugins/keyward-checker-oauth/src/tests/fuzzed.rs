//! Properties of what reads bytes from outside.

use proptest::prelude::*;
use serde_json::json;

use super::server::Signer;
use crate::jwk::{Keys, Verdict};
use crate::jwt::Jwt;

proptest! {
    #[test]
    fn any_bytes_can_be_read(bytes: Vec<u8>, text in "[A-Za-z0-9_.-]{0,200}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            let _ = Jwt::parse(bytes);
        }
    }

    /// A token in which a byte is changed is another token, or none.
    #[test]
    fn a_changed_token_is_not_signed(at in 0_usize..150, byte in "[A-Za-z0-9_.-]") {
        let signer = Signer::new(1, "one");
        let keys = Keys::parse(&json!({"keys": [signer.jwk()]})).unwrap();
        let token = signer.sign(&json!({"sub": "ann", "iss": "https://login.example"}));
        prop_assert_eq!(keys.verify(&Jwt::parse(token.as_bytes()).unwrap()), Verdict::Right);
        let mut changed = token.clone().into_bytes();
        changed[at] = byte.as_bytes()[0];
        if changed != token.as_bytes() && let Some(token) = Jwt::parse(&changed) {
            prop_assert_ne!(keys.verify(&token), Verdict::Right);
        }
    }
}
