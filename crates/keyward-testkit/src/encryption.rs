//! The contract of every encryption.

use keyward_core::{
    Context, Encryption, EntryId, ErrorKind, KeyId, Keys, Result, Secret, StoreId, StoreKey,
};
use sha2::{Digest, Sha256};

use crate::check::{fails, hides};
use crate::{Subject, vectors};

cases! {
    $
    /// Tests an encryption: `encryption_suite!(AesGcm, |scratch| Values::new()…)`.
    encryption_suite for Encryption in encryption:
    unseal_gives_what_was_sealed,
    a_blob_hides_what_was_sealed,
    seals_of_the_same_differ,
    another_user_opens_nothing,
    another_name_opens_nothing,
    another_store_opens_nothing,
    another_salt_opens_nothing,
    other_associated_data_opens_nothing,
    another_key_opens_nothing,
    an_altered_blob_opens_nothing,
    a_truncated_blob_opens_nothing,
    an_extended_blob_opens_nothing,
    a_missing_or_short_key_is_no_key,
    current_key_is_there_if_the_keys_are_its_own,
    garbage_does_no_harm,
    debug_shows_no_key,
}

/// Nothing has to be removed after a case.
pub(crate) const CLEAN_UP: Option<fn(&dyn Encryption)> = None;

const NONE: &str = "it encrypts nothing";

const PLAIN: &[u8] = b"canary of the plain text";

/// What a blob is sealed for, with the values that a store uses.
#[derive(Clone)]
struct Scene {
    store: StoreId,
    entry: EntryId,
    key: Option<StoreKey>,
    salt: [u8; 32],
    header: Vec<u8>,
}

impl Scene {
    fn new(encryption: &dyn Encryption) -> Self {
        let key = (encryption.abilities().keys == Keys::Store)
            .then(|| StoreKey::new(KeyId::new(b"key id").unwrap(), Secret::from(&[0x5a; 32][..])));
        Self {
            store: StoreId([7; 16]),
            entry: EntryId::new("ann", Some("work")).unwrap(),
            key,
            salt: [9; 32],
            header: b"header".to_vec(),
        }
    }

    fn with<T>(&self, run: impl FnOnce(&Context<'_>) -> T) -> T {
        let mut associated_data = self.header.clone();
        associated_data.extend(self.store.0);
        associated_data.extend(self.salt);
        let binding =
            Sha256::new().chain_update(&associated_data).chain_update(self.entry.to_bytes());
        let binding = binding.finalize().into();
        let context = Context::new(self.store, &self.entry).with_key(self.key.as_ref());
        run(&context.with_salt(&self.salt).with_binding(&associated_data, &binding))
    }

    fn seal(&self, encryption: &dyn Encryption, plain: &[u8]) -> Vec<u8> {
        self.with(|context| encryption.seal(&Secret::from(plain), context)).unwrap()
    }

    fn unseal(&self, encryption: &dyn Encryption, blob: &[u8]) -> Result<Secret> {
        self.with(|context| encryption.unseal(blob, context))
    }
}

/// Every value opens again, byte for byte, also in another instance.
pub fn unseal_gives_what_was_sealed(subject: &Subject<dyn Encryption>) {
    let (encryption, other) = (subject.open(), subject.open());
    let scene = Scene::new(&*encryption);
    for plain in vectors::secrets() {
        let blob = scene.seal(&*encryption, &plain);
        let opened = scene.unseal(&*other, &blob).unwrap();
        assert!(opened.expose() == plain, "{} bytes are changed", plain.len());
    }
}

/// A blob contains plain text only if the encryption encrypts nothing.
pub fn a_blob_hides_what_was_sealed(subject: &Subject<dyn Encryption>) {
    let encryption = subject.open();
    if encryption.abilities().keys == Keys::None {
        return subject.pass_over(NONE);
    }
    let blob = Scene::new(&*encryption).seal(&*encryption, PLAIN);
    let quarter = PLAIN.len() / 4;
    for part in PLAIN.windows(quarter) {
        assert!(
            !blob.windows(quarter).any(|window| window == part),
            "the blob contains plain text"
        );
    }
}

/// Two seals of the same bytes, with different salts, differ in all of the blob.
pub fn seals_of_the_same_differ(subject: &Subject<dyn Encryption>) {
    let encryption = subject.open();
    if encryption.abilities().keys == Keys::None {
        return subject.pass_over(NONE);
    }
    let scene = Scene::new(&*encryption);
    let other = Scene { salt: [10; 32], ..scene.clone() };
    let tail = |blob: Vec<u8>| blob[blob.len().saturating_sub(PLAIN.len())..].to_vec();
    assert_ne!(
        tail(scene.seal(&*encryption, PLAIN)),
        tail(other.seal(&*encryption, PLAIN)),
        "two seals are the same"
    );
}

/// A blob does not open for another user.
pub fn another_user_opens_nothing(subject: &Subject<dyn Encryption>) {
    elsewhere(subject, |scene| scene.entry = EntryId::new("bob", Some("work")).unwrap());
}

/// A blob does not open under another name.
pub fn another_name_opens_nothing(subject: &Subject<dyn Encryption>) {
    elsewhere(subject, |scene| scene.entry = EntryId::new("ann", None).unwrap());
}

/// A blob does not open in another store.
pub fn another_store_opens_nothing(subject: &Subject<dyn Encryption>) {
    elsewhere(subject, |scene| scene.store = StoreId([8; 16]));
}

/// A blob does not open with another salt.
pub fn another_salt_opens_nothing(subject: &Subject<dyn Encryption>) {
    elsewhere(subject, |scene| scene.salt[31] ^= 1);
}

/// A blob does not open with other associated data.
pub fn other_associated_data_opens_nothing(subject: &Subject<dyn Encryption>) {
    elsewhere(subject, |scene| scene.header.push(0));
}

/// Opens a blob in a changed scene. An encryption that binds the context refuses it; any other
/// ignores the change.
#[track_caller]
fn elsewhere(subject: &Subject<dyn Encryption>, change: fn(&mut Scene)) {
    let encryption = subject.open();
    let mut scene = Scene::new(&*encryption);
    let blob = scene.seal(&*encryption, PLAIN);
    change(&mut scene);
    let opened = scene.unseal(&*encryption, &blob);
    if encryption.abilities().binds_context {
        refused(opened);
    } else if let Ok(opened) = opened {
        assert!(opened.expose() == PLAIN, "the context changes the plain text");
    }
}

/// Checks the error of a blob that does not open: it does not say why.
#[track_caller]
fn refused(opened: Result<Secret>) {
    let error = fails(opened, &[ErrorKind::Corrupt, ErrorKind::NoKey]);
    assert!(
        std::error::Error::source(&error).is_none(),
        "the error has a source, which may say why"
    );
}

/// A blob does not open with another key.
pub fn another_key_opens_nothing(subject: &Subject<dyn Encryption>) {
    let encryption = subject.open();
    let mut scene = Scene::new(&*encryption);
    let blob = scene.seal(&*encryption, PLAIN);
    if let Some(key) = &mut scene.key {
        key.key = Secret::from(&[0xa5; 32][..]);
        refused(scene.unseal(&*encryption, &blob));
    }
}

/// A blob with any one bit changed does not open.
pub fn an_altered_blob_opens_nothing(subject: &Subject<dyn Encryption>) {
    changed(subject, |blob| {
        (0..blob.len() * 8)
            .map(|bit| {
                let mut altered = blob.to_vec();
                altered[bit / 8] ^= 1 << (bit % 8);
                altered
            })
            .collect()
    });
}

/// The beginning of a blob does not open, nor does its end.
pub fn a_truncated_blob_opens_nothing(subject: &Subject<dyn Encryption>) {
    changed(subject, |blob| {
        let beginnings = (0..blob.len()).map(|at| blob[..at].to_vec());
        beginnings.chain((1..blob.len()).map(|at| blob[at..].to_vec())).collect()
    });
}

/// A blob with more bytes after or before it does not open.
pub fn an_extended_blob_opens_nothing(subject: &Subject<dyn Encryption>) {
    changed(subject, |blob| {
        vec![[blob, &[0]].concat(), [blob, b"\n"].concat(), [&[0], blob].concat(), blob.repeat(2)]
    });
}

/// Opens changed blobs. An encryption that authenticates refuses them; any other must not panic.
#[track_caller]
fn changed(subject: &Subject<dyn Encryption>, change: fn(&[u8]) -> Vec<Vec<u8>>) {
    let encryption = subject.open();
    let scene = Scene::new(&*encryption);
    for blob in change(&scene.seal(&*encryption, PLAIN)) {
        let opened = scene.unseal(&*encryption, &blob);
        if encryption.abilities().authenticates {
            refused(opened);
        }
    }
}

/// An encryption that needs the store's key returns `NoKey` if there is none, or not one of 32
/// bytes.
pub fn a_missing_or_short_key_is_no_key(subject: &Subject<dyn Encryption>) {
    let encryption = subject.open();
    if encryption.abilities().keys != Keys::Store {
        return subject.pass_over("it does not use the store's key");
    }
    let scene = Scene::new(&*encryption);
    let blob = scene.seal(&*encryption, PLAIN);
    let id = KeyId::default();
    for key in [None, Some(Secret::default()), Some(Secret::from(&[0x5a; 31][..]))] {
        let key = key.map(|key| StoreKey::new(id.clone(), key));
        let scene = Scene { key, ..scene.clone() };
        let sealed = scene.with(|context| encryption.seal(&Secret::from(PLAIN), context));
        fails(sealed, &[ErrorKind::NoKey]);
        fails(scene.unseal(&*encryption, &blob), &[ErrorKind::NoKey]);
    }
}

/// `current_key` names a key exactly if the encryption has its own keys.
pub fn current_key_is_there_if_the_keys_are_its_own(subject: &Subject<dyn Encryption>) {
    let encryption = subject.open();
    let key = encryption.current_key(&EntryId::new("ann", None).unwrap()).unwrap();
    assert_eq!(key.is_some(), encryption.abilities().keys == Keys::Own, "{key:?}");
}

/// Bytes that were never sealed do not cause a panic. An encryption that authenticates refuses
/// them.
pub fn garbage_does_no_harm(subject: &Subject<dyn Encryption>) {
    let encryption = subject.open();
    let scene = Scene::new(&*encryption);
    for length in (0..256).chain([4095, 1 << 16]) {
        let random = (0_u64..).flat_map(|block| Sha256::digest(block.to_be_bytes()));
        let garbage: Vec<u8> = random.skip(length).take(length).collect();
        let opened = scene.unseal(&*encryption, &garbage);
        if encryption.abilities().authenticates {
            refused(opened);
        }
    }
}

/// Neither `Debug` nor the log shows a key, a secret from the host, or the plain text.
pub fn debug_shows_no_key(subject: &Subject<dyn Encryption>) {
    let encryption = subject.open();
    let scene = Scene::new(&*encryption);
    let blob = scene.seal(&*encryption, PLAIN);
    let _ = scene.unseal(&*encryption, &blob);
    let shown = format!("{encryption:?} {:?}", subject.host().log());
    hides(&shown, PLAIN);
    for secret in subject.host().given().iter().chain(scene.key.iter().map(|key| &key.key)) {
        hides(&shown, secret.expose());
    }
}
