//! Properties of what reads bytes from outside.

use proptest::prelude::*;

use crate::certificate::Certificate;
use crate::krl::Revoked;
use crate::lines;
use crate::proof::Proof;

/// A key that is well-formed.
const LINE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ann";

proptest! {
    #[test]
    fn bytes_are_no_proof(bytes: Vec<u8>, text in "[ -~\n]{0,300}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            prop_assert!(Proof::of_fields(Some(bytes), bytes, Some(bytes), |_| true).is_err());
            prop_assert!(Proof::of_sshsig(bytes, bytes, |_| true).is_err());
            prop_assert!(Certificate::parse(bytes).is_none());
            let _ = (Revoked::parse(bytes), lines::parse(bytes));
            let _ = Revoked::parse(&[&b"SSHKRL\n\0\0\0\0\x01"[..], &[0; 32], bytes].concat());
        }
    }

    /// A line between others is found, whatever the others are.
    #[test]
    fn a_line_concerns_no_other(before in "[ -~\n]{0,200}", after in "[ -~\n]{0,200}") {
        let found = lines::parse(format!("{before}\n{LINE}\n{after}").as_bytes());
        prop_assert!(found.contains(&lines::parse(LINE.as_bytes())[0]));
    }

    /// A value in quotation marks is only a value.
    #[test]
    fn a_value_is_no_option(command in "[ -!#-\\[\\]-~]{0,100}", name in "[a-z-]{1,12}") {
        let found = lines::parse(format!("command=\"{command}\",restrict {LINE}").as_bytes());
        prop_assert_eq!(&found, &lines::parse(LINE.as_bytes()));
        let unknown = lines::parse(format!("x{name} {LINE}").as_bytes());
        prop_assert_eq!(unknown.len(), usize::from(name == "11-forwarding"));
    }
}
