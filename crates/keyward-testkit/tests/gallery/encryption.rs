use keyward_testkit::core::{
    Context, Encryption, EncryptionAbilities, EntryId, Error, ErrorKind, KeyId, Keys, Result,
    Secret,
};
use keyward_testkit::encryption::CASES;
use keyward_testkit::{Scratch, Subject, TestHost};
use sha2::{Digest, Sha256};

use crate::{catches_all, failing};
use Fault::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    ForgetsTheUser,
    ForgetsTheName,
    ForgetsTheHeader,
    ForgetsTheContext,
    TakesAnyKey,
    MakesDoWithoutKey,
    TakesAlteredBlobs,
    TakesMoreBehind,
    DropsTheLastByte,
    EncryptsNothing,
    IgnoresTheSalt,
    NamesAKey,
    GivesASource,
    PanicsOnShortBlobs,
    ShowsThePlainText,
    /// Not a fault: it declares no ability and encrypts nothing.
    Clear,
    ClearThatClaimsToBind,
}

#[test]
fn correct_encryptions_pass() {
    assert_eq!(failing(CASES, || subject(None)), [].into());
    assert_eq!(failing(CASES, || subject(Some(Clear))), [].into());
}

const OPENS_ELSEWHERE: &[&str] = &[
    "another_user_opens_nothing",
    "another_name_opens_nothing",
    "another_store_opens_nothing",
    "another_salt_opens_nothing",
    "other_associated_data_opens_nothing",
];

const OPENS_CHANGED: &[&str] = &[
    "an_altered_blob_opens_nothing",
    "a_truncated_blob_opens_nothing",
    "an_extended_blob_opens_nothing",
    "garbage_does_no_harm",
];

#[test]
fn every_faulty_encryption_is_caught() {
    let all_refusals = [OPENS_ELSEWHERE, OPENS_CHANGED, &["another_key_opens_nothing"]].concat();
    let table: &[crate::Fault<'_, Fault>] = &[
        (ForgetsTheUser, &["another_user_opens_nothing"]),
        (ForgetsTheName, &["another_name_opens_nothing"]),
        (ForgetsTheHeader, &OPENS_ELSEWHERE[2..]),
        (ForgetsTheContext, OPENS_ELSEWHERE),
        (TakesAnyKey, &["another_key_opens_nothing"]),
        (MakesDoWithoutKey, &["a_missing_or_short_key_is_no_key"]),
        (TakesAlteredBlobs, &all_refusals),
        (TakesMoreBehind, &["an_extended_blob_opens_nothing"]),
        (DropsTheLastByte, &["unseal_gives_what_was_sealed"]),
        (EncryptsNothing, &["a_blob_hides_what_was_sealed", "seals_of_the_same_differ"]),
        (IgnoresTheSalt, &["seals_of_the_same_differ"]),
        (NamesAKey, &["current_key_is_there_if_the_keys_are_its_own"]),
        (GivesASource, &all_refusals),
        (PanicsOnShortBlobs, &["a_truncated_blob_opens_nothing", "garbage_does_no_harm"]),
        (ShowsThePlainText, &["debug_shows_no_key"]),
        (ClearThatClaimsToBind, OPENS_ELSEWHERE),
    ];
    catches_all(CASES, subject, table);
}

fn subject(fault: Option<Fault>) -> Subject<dyn Encryption> {
    Subject::<dyn Encryption>::new(Scratch::new(), TestHost::new(), move |_| {
        Ok(Box::new(Cipher { fault }))
    })
}

/// SHA-256 as key stream and as tag: good enough for a test, except for its fault.
struct Cipher {
    fault: Option<Fault>,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.has(ShowsThePlainText) { "canary of the plain text" } else { "Cipher" })
    }
}

impl Cipher {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn is_clear(&self) -> bool {
        matches!(self.fault, Some(Clear | ClearThatClaimsToBind))
    }

    fn key<'a>(&self, context: &Context<'a>) -> Result<&'a [u8]> {
        match context.key.map(|key| key.key.expose()) {
            Some(key) if key.len() == 32 => Ok(key),
            _ if self.has(MakesDoWithoutKey) => Ok(&[7; 32]),
            _ => Err(Error::new(ErrorKind::NoKey, "seal")),
        }
    }

    /// Combines the bytes with the key stream. The same call reverses it.
    fn cross(&self, key: &[u8], salt: &[u8; 32], bytes: &[u8]) -> Vec<u8> {
        let salt = if self.has(IgnoresTheSalt) { &[0; 32] } else { salt };
        let key = if self.has(TakesAnyKey) { &[0; 32] } else { key };
        let stream = (0_u64..).flat_map(|block| {
            Sha256::new()
                .chain_update(key)
                .chain_update(salt)
                .chain_update(block.to_be_bytes())
                .finalize()
        });
        match self.fault {
            Some(EncryptsNothing) => bytes.to_vec(),
            _ => bytes.iter().zip(stream).map(|(byte, cross)| byte ^ cross).collect(),
        }
    }

    fn tag(&self, key: &[u8], context: &Context<'_>, bytes: &[u8]) -> Vec<u8> {
        let mut tag = Sha256::new();
        if !self.has(TakesAnyKey) {
            tag.update(key);
        }
        if !self.has(ForgetsTheHeader) && !self.has(ForgetsTheContext) {
            tag.update(context.associated_data);
        }
        if !self.has(ForgetsTheUser) && !self.has(ForgetsTheContext) {
            tag.update(context.entry.user());
        }
        if !self.has(ForgetsTheName) && !self.has(ForgetsTheContext) {
            tag.update(context.entry.name_or_empty());
        }
        tag.update(bytes);
        tag.finalize().to_vec()
    }

    fn refuse(&self) -> Error {
        let error = Error::corrupt("unseal");
        if self.has(GivesASource) { error.caused_by("the tag differs") } else { error }
    }
}

impl Encryption for Cipher {
    fn abilities(&self) -> EncryptionAbilities {
        let keys = if self.is_clear() { Keys::None } else { Keys::Store };
        EncryptionAbilities::new(keys)
            .binds_context(!self.has(Clear))
            .authenticates(!self.is_clear())
    }

    fn current_key(&self, _: &EntryId) -> Result<Option<KeyId>> {
        Ok(self.has(NamesAKey).then(KeyId::default))
    }

    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>> {
        if self.is_clear() {
            return Ok(plain.expose().to_vec());
        }
        let key = self.key(context)?;
        let crossed = self.cross(key, context.salt, plain.expose());
        Ok([self.tag(key, context, &crossed), crossed].concat())
    }

    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret> {
        if self.is_clear() {
            return Ok(Secret::from(blob));
        }
        let key = self.key(context)?;
        if blob.len() < 32 && !self.has(PanicsOnShortBlobs) && !self.has(TakesAlteredBlobs) {
            return Err(self.refuse());
        }
        if self.has(TakesAlteredBlobs) {
            return Ok(Secret::new(self.cross(
                key,
                context.salt,
                blob.get(32..).unwrap_or_default(),
            )));
        }
        let (tag, crossed) = blob.split_at(32);
        let expected = |crossed| tag == self.tag(key, context, crossed);
        let cut = || {
            (1..=32).any(|more| crossed.len() > more && expected(&crossed[..crossed.len() - more]))
        };
        let sound = expected(crossed) || (self.has(TakesMoreBehind) && cut());
        if !sound {
            return Err(self.refuse());
        }
        let mut plain = self.cross(key, context.salt, crossed);
        if self.has(DropsTheLastByte) && plain.ends_with(b"\n") {
            plain.pop();
        }
        Ok(Secret::new(plain))
    }
}
