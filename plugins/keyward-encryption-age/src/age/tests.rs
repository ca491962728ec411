use std::io::Read;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::*;
use crate::keys::parse_identities;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
const MAX_WORK_FACTOR: u8 = 22;

/// A file of the age project's test suite, whose README describes the format.
struct Vector {
    name: String,
    expect: String,
    payload: Option<String>,
    identities: String,
    passphrases: Vec<String>,
    file: Vec<u8>,
}

impl Vector {
    fn all() -> Vec<Self> {
        let files = std::fs::read_dir(VECTORS).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_none()).map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Self {
        let content = std::fs::read(&path).unwrap();
        let end = content.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let header = String::from_utf8(content[..end].to_vec()).unwrap();
        let values = |key: &str| {
            let lines = header.lines().filter_map(|line| line.split_once(": "));
            let found = lines.filter(|(name, _)| *name == key);
            found.map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
        };
        let mut file = content[end + 2..].to_vec();
        if !values("compressed").is_empty() {
            let compressed = std::mem::take(&mut file);
            flate2::read::ZlibDecoder::new(&compressed[..]).read_to_end(&mut file).unwrap();
        }
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            expect: values("expect").remove(0),
            payload: values("payload").pop(),
            identities: values("identity").join("\n"),
            passphrases: values("passphrase"),
            file,
        }
    }

    fn is_hybrid(&self) -> bool {
        self.identities.contains("AGE-SECRET-KEY-PQ-1")
    }

    fn open(&self) -> Result<Secret, Failure> {
        let native = match self.identities.as_str() {
            "" => Vec::new(),
            text => parse_identities(&Secret::from(text), &self.name).unwrap(),
        };
        let scrypt: Vec<_> = self.passphrases.iter().map(|text| passphrase(text)).collect();
        let mut identities: Vec<&dyn Identity> = Vec::new();
        identities.extend(native.iter().map(|identity| identity as &dyn Identity));
        identities.extend(scrypt.iter().map(|identity| identity as &dyn Identity));
        read(&self.file, &identities, MAX_WORK_FACTOR, usize::MAX)
    }
}

fn passphrase(text: &str) -> scrypt::Identity {
    let mut identity = scrypt::Identity::new(SecretString::from(text));
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    identity
}

fn class(failure: Failure) -> &'static str {
    match failure {
        Failure::Armor => "armor failure",
        Failure::Header | Failure::Work | Failure::Memory(_) => "header failure",
        Failure::NoMatch => "no match",
        Failure::Mac => "HMAC failure",
        Failure::Payload => "payload failure",
        Failure::Recipient => "unsupported recipient",
    }
}

#[test]
fn every_vector_has_the_outcome_it_expects() {
    let vectors: Vec<_> = Vector::all().into_iter().filter(|v| !v.is_hybrid()).collect();
    assert_eq!(vectors.len(), 124);
    for vector in vectors {
        match vector.open() {
            Ok(payload) => {
                assert_eq!(vector.expect, "success", "{}", vector.name);
                let digest = keyward_plugin::hex::encode(&Sha256::digest(payload.expose()));
                assert_eq!(Some(digest), vector.payload, "{}", vector.name);
            }
            Err(failure) => assert_eq!(class(failure), vector.expect, "{}", vector.name),
        }
    }
}

#[test]
fn hybrid_identities_and_recipients_are_unsupported() {
    let vectors: Vec<_> = Vector::all().into_iter().filter(Vector::is_hybrid).collect();
    assert_eq!(vectors.len(), 19);
    for vector in vectors {
        let parsed = parse_identities(&Secret::from(vector.identities.as_str()), &vector.name);
        let error = parsed.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", vector.name);
        assert!(error.message().contains("unsupported identity"), "{error}");

        let other = open(&vector.file, &[x25519::Identity::generate()], MAX_WORK_FACTOR);
        let expected = match vector.name.as_str() {
            // These two have no hybrid recipient: its type is spelled differently, or is X25519.
            "hybrid_uppercase" => Failure::NoMatch,
            "hybrid_x25519_arg" => Failure::Header,
            _ => Failure::Recipient,
        };
        assert_eq!(other.unwrap_err(), expected, "{}", vector.name);
    }
}

#[test]
fn no_failure_has_a_source_and_each_has_its_kind() {
    use std::error::Error as _;
    for (failure, kind) in [
        (Failure::Armor, ErrorKind::Corrupt),
        (Failure::Header, ErrorKind::Corrupt),
        (Failure::Recipient, ErrorKind::Unsupported),
        (Failure::Work, ErrorKind::Corrupt),
        (Failure::Memory(4096), ErrorKind::Unavailable),
        (Failure::NoMatch, ErrorKind::NoKey),
        (Failure::Mac, ErrorKind::Corrupt),
        (Failure::Payload, ErrorKind::Corrupt),
    ] {
        let error = failure.into_error("unseal");
        assert_eq!(error.kind(), kind);
        assert!(error.source().is_none());
    }
}

#[test]
fn more_than_a_blob_is_not_given_out() {
    let identity = x25519::Identity::generate();
    let seal = |length| {
        let recipient = identity.to_public();
        seal_to(&Secret::new(vec![7; length]), std::iter::once(&recipient), false).unwrap()
    };
    let open = |blob: &[u8]| open(blob, std::slice::from_ref(&identity), MAX_WORK_FACTOR);
    assert_eq!(open(&seal(MAX_BLOB)).unwrap().len(), MAX_BLOB);
    assert_eq!(open(&seal(MAX_BLOB + 1)).unwrap_err(), Failure::Payload);
}

#[test]
fn more_work_than_allowed_is_refused_before_it_is_done() {
    let blob = seal_with(&Secret::from("plain"), SecretString::from("pass"), false).unwrap();
    let open = |max| open_with(&blob, SecretString::from("pass"), max);
    assert_eq!(open(SEALING_FACTOR).unwrap().expose(), b"plain");
    assert_eq!(open(SEALING_FACTOR - 1).unwrap_err(), Failure::Work);
}

#[test]
fn what_scrypt_takes_is_known_before_it_runs() {
    assert_eq!(scrypt_bytes(18), (256 << 20) + SCRYPT_SLACK);
    assert_eq!(scrypt_bytes(22), (4 << 30) + SCRYPT_SLACK);
    assert_eq!(reserve(u64::MAX / 2), Err(Failure::Memory(u64::MAX >> 21)));
    assert_eq!(reserve(1 << 20), Ok(()));
}
