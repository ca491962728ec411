use std::sync::LazyLock;

use keyward_core::{
    Backend as _, Context, Encryption, EntryId, ErrorKind, KeyId, Secret, SecretRef, StoreId,
    StoreKey, Values,
};
use keyward_encryption_aes_gcm::AesGcm;
use keyward_encryption_age::{Age, Options};

use crate::host::Answers;

/// The plain text of every sealed file of the corpora.
const PLAIN: &[u8] = b"s3cret";

/// Only the blob that was sealed opens, and a sealed blob opens only in its own context.
pub fn blob_aes_gcm(bytes: &[u8]) {
    in_context([5; 32], |context| {
        match AesGcm.unseal(bytes, context) {
            Ok(plain) => assert_eq!(plain.expose(), PLAIN),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}"),
        }
        let sealed = AesGcm.seal(&Secret::from(bytes), context).expect("there is a key");
        let opened = AesGcm.unseal(&sealed, context).expect("it was sealed so");
        assert_eq!(opened.expose(), bytes);
        in_context([6; 32], |other| assert!(AesGcm.unseal(&sealed, other).is_err()));
    });
}

/// A blob that opens with an identity contains the text that was sealed.
pub fn blob_age(bytes: &[u8]) {
    static BY_IDENTITY: LazyLock<Age> = LazyLock::new(|| {
        let (recipients, identity) = (vec![RECIPIENT.to_owned()], Some(reference()));
        open(Options { recipients, identity, ..nothing() }, IDENTITY)
    });
    opens_as_sealed(&BY_IDENTITY, bytes);
}

/// A blob that opens with a passphrase contains the text that was sealed. This is slow: the crate
/// `age` measures the machine's speed each time.
pub fn blob_age_passphrase(bytes: &[u8]) {
    static BY_PASSPHRASE: LazyLock<Age> =
        LazyLock::new(|| open(Options { passphrase: Some(reference()), ..nothing() }, "password"));
    if asks_for_little_work(bytes) {
        opens_as_sealed(&BY_PASSPHRASE, bytes);
    }
}

/// With any bytes as identities, also one that a passphrase protects, only a blob that is sealed to
/// them opens. Any bytes as recipients are accepted or refused.
pub fn age_keys(bytes: &[u8]) {
    static SEALED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let age = open(Options { recipients: vec![RECIPIENT.to_owned()], ..nothing() }, "");
        in_context([5; 32], |context| age.seal(&Secret::from(PLAIN), context)).expect("sealed")
    });
    let recipients = vec![RECIPIENT.to_owned()];
    let options = Options { recipients, identity: Some(reference()), ..nothing() };
    if let Ok(plain) = in_context([5; 32], |context| open(options, bytes).unseal(&SEALED, context))
    {
        assert_eq!(plain.expose(), PLAIN);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let recipients = text.lines().map(str::to_owned).collect::<Vec<_>>();
    if let Ok(age) = Age::open(Options { recipients, ..nothing() }, &Answers::none()) {
        age.current_key(&EntryId::reserved("fuzz")).expect("they were read");
    }
}

/// From a vector in `tests/vectors/envelope`.
const RECIPIENT: &str = "age1ucayg2qmtkeq9m5hgehpj6url20guu67ygfpzdv0yxg5d6e6eczs6jhgca";
const IDENTITY: &str = "AGE-SECRET-KEY-1D7PSDURPMY6YUV3J67K8JPGSUMH923F69R2HU3U6KMLP8F5GKKUQKG4JPC";

fn opens_as_sealed(age: &Age, bytes: &[u8]) {
    use ErrorKind::{Corrupt, NoKey, Unsupported};
    in_context([5; 32], |context| match age.unseal(bytes, context) {
        Ok(plain) => assert_eq!(plain.expose(), PLAIN),
        Err(error) => {
            assert!(matches!(error.kind(), Corrupt | NoKey | Unsupported), "{error:?}");
        }
    });
}

/// Whether it is sealed with a passphrase whose work factor is small enough for a run, or so large
/// that it is refused. Armor hides the factor.
fn asks_for_little_work(bytes: &[u8]) -> bool {
    let asked = |line: &[u8]| {
        let factor = line.strip_prefix(b"-> scrypt ")?.rsplit(|byte| *byte == b' ').next()?;
        std::str::from_utf8(factor).ok()?.parse::<u8>().ok()
    };
    let factors: Vec<_> = bytes.split(|byte| *byte == b'\n').filter_map(asked).collect();
    let is_armored = bytes.windows(5).any(|part| part == b"-----");
    !is_armored && !factors.is_empty() && factors.iter().all(|factor| !(8..=22).contains(factor))
}

fn open(options: Options, secret: impl Into<Secret>) -> Age {
    Age::open(options, &Answers::all_with(secret)).expect("the options go together")
}

fn nothing() -> Options {
    Options {
        recipients: Vec::new(),
        recipients_file: None,
        identity: None,
        identity_file: None,
        passphrase: None,
        armor: false,
        max_work_factor: 22,
    }
}

fn reference() -> SecretRef {
    SecretRef { from: "host".into(), options: Values::new() }
}

fn in_context<T>(binding: [u8; 32], work: impl FnOnce(&Context<'_>) -> T) -> T {
    let entry = EntryId::reserved("fuzz");
    let key = StoreKey::new(KeyId::default(), Secret::from(&[8; 32][..]));
    let context = Context::new(StoreId([7; 16]), &entry).with_key(Some(&key));
    work(&context.with_salt(&[9; 32]).with_binding(b"header", &binding))
}
