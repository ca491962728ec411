//! Security keys. There is none here, so the tests compute what one signs.

use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;
use crate::wire::put;

const KIND: &[u8] = b"sk-ssh-ed25519@openssh.com";

struct Device(Ed25519KeyPair);

impl Device {
    fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap())
    }

    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        for part in [KIND, self.0.public_key().as_ref(), b"ssh:"] {
            put(&mut blob, part);
        }
        blob
    }

    fn sign(&self, message: &[u8], flags: u8) -> Vec<u8> {
        let state = [flags, 0, 0, 0, 9];
        let hash = |bytes| digest(&SHA256, bytes);
        let signed = [hash(b"ssh:").as_ref(), &state, hash(message).as_ref()].concat();
        let mut signature = Vec::new();
        put(&mut signature, KIND);
        put(&mut signature, self.0.sign(&signed).as_ref());
        [signature, state.to_vec()].concat()
    }
}

#[test]
fn a_security_key_must_have_been_touched() {
    use base64::Engine as _;
    let device = Device::new();
    let encoded = base64::engine::general_purpose::STANDARD.encode(device.blob());
    let keys = Keys::new();
    let checker = keys.checker(|_| {});
    let restricted = Round::wrong(Denial::Restricted);
    for (options, flags, expected) in [
        ("", 1, &accepted("ann")),
        ("", 0, &restricted),
        ("no-touch-required ", 0, &accepted("ann")),
        ("verify-required ", 1, &restricted),
        ("verify-required ", 5, &accepted("ann")),
        ("verify-required,no-touch-required ", 4, &accepted("ann")),
    ] {
        let line = format!("{options}sk-ssh-ed25519@openssh.com {encoded} ann\n");
        let path = keys.0.file("ann", line.as_bytes());
        let presented = signed("ann", b"data", device.sign(b"data", flags));
        let presented = presented.with("key", device.blob());
        let round = checker.check(&presented, &Attempt::default()).unwrap();
        assert_eq!(&round, expected, "{options}{flags}");
        let mut changed = device.sign(b"data", flags);
        // Who changes the flags needs another signature.
        let at = changed.len() - 5;
        changed[at] ^= 1;
        let presented = signed("ann", b"data", changed).with("key", device.blob());
        assert_eq!(checker.check(&presented, &Attempt::default()).unwrap(), WRONG);
        fs::remove_file(path).unwrap();
    }
}
