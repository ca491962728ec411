//! Nonces that a server recognizes without remembering them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use keyward_core::{Secret, Timestamp};
use subtle::ConstantTimeEq;

use super::{Freshness, mac};
use crate::Malformed;

/// How far the clocks of two processes may differ, in seconds.
const SKEW: u64 = 60;

/// Makes and recognizes nonces: the time, random bytes, and a code over both and the realm.
#[derive(Clone, Debug)]
pub(super) struct Nonces {
    realm: String,
    key: Secret,
    /// For how many seconds a nonce is valid.
    pub(super) lifetime: u64,
}

impl Nonces {
    pub(super) fn new(realm: &str, key: Secret) -> Self {
        Self { realm: realm.to_owned(), key, lifetime: 300 }
    }

    pub(super) fn make(&self, now: Timestamp, random: [u8; 12]) -> String {
        let mut nonce = now.as_unix().to_be_bytes().to_vec();
        nonce.extend(random);
        nonce.extend(self.code(&nonce));
        URL_SAFE_NO_PAD.encode(nonce)
    }

    pub(super) fn freshness(&self, nonce: &str, now: Timestamp) -> Result<Freshness, Malformed> {
        const FOREIGN: Malformed = Malformed::new("the nonce is not from this server");
        let bytes = URL_SAFE_NO_PAD.decode(nonce).map_err(|_| FOREIGN)?;
        let bytes: [u8; 36] = bytes.try_into().map_err(|_| FOREIGN)?;
        let (signed, code) = bytes.split_at(20);
        if !bool::from(self.code(signed).ct_eq(code)) {
            return Err(FOREIGN);
        }
        let made = signed.first_chunk().map_or(0, |time| u64::from_be_bytes(*time));
        let valid = made.saturating_sub(SKEW)..=made.saturating_add(self.lifetime);
        let is_fresh = valid.contains(&now.as_unix());
        Ok(if is_fresh { Freshness::Fresh } else { Freshness::Stale })
    }

    fn code(&self, signed: &[u8]) -> [u8; 16] {
        let mut mac = mac(&self.key);
        mac.update(b"digest nonce\0");
        mac.update(signed);
        mac.update(self.realm.as_bytes());
        let code = mac.finalize().into_bytes();
        std::array::from_fn(|index| code[index])
    }
}
