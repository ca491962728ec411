//! Makes vectors. An existing vector is never made again.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Derivation, EntryId, Expect, Field, Origin, Record, Revision, Timestamp};
use keyward_testkit::Scratch;

use super::book::{self, Header};
use super::{Refused, Sealed, Vector, folder, hex, json, unhex};

/// An identity that nothing but these vectors is sealed to.
const IDENTITY: &str = "AGE-SECRET-KEY-1D7PSDURPMY6YUV3J67K8JPGSUMH923F69R2HU3U6KMLP8F5GKKUQKG4JPC";
const RECIPIENT: &str = "age1ucayg2qmtkeq9m5hgehpj6url20guu67ygfpzdv0yxg5d6e6eczs6jhgca";

/// The plan of a vector.
struct Plan {
    file: &'static str,
    about: &'static str,
    sealed: Sealed,
    record: Record,
    /// Whether the keyset gets another key after the record was sealed.
    rotated: bool,
    /// Whether the vector comes with changes after which it must not open.
    altered: bool,
}

/// Makes the missing vectors, if the variable requests that.
pub(super) fn missing() {
    if std::env::var_os("KEYWARD_MAKE_VECTORS").is_none() {
        return;
    }
    fs::create_dir_all(folder()).unwrap();
    for plan in plans() {
        let path = folder().join(format!("{}.json", plan.file));
        if !path.exists() {
            fs::write(path, serde_json::to_string_pretty(&plan.make()).unwrap() + "\n").unwrap();
        }
    }
}

fn plans() -> Vec<Plan> {
    let full = |file, encryption, serializer| Plan {
        file,
        about: "a record with everything that a record of version 1 can have",
        sealed: sealed(encryption, serializer),
        record: full(),
        rotated: false,
        altered: false,
    };
    let used = |file, encryption, serializer| {
        let mut plan = Plan {
            about: "a record with the time of its last use: version 2",
            ..full(file, encryption, serializer)
        };
        plan.record.used = Some(Timestamp::from_unix(1_767_398_400));
        plan
    };
    let plain = |file, encryption, serializer, about| Plan {
        about,
        record: user_password(),
        ..full(file, encryption, serializer)
    };
    let altered = |plan| Plan { altered: true, ..plan };
    let with = |plan: Plan, change: fn(&mut Sealed)| {
        let mut sealed = plan.sealed.clone();
        change(&mut sealed);
        Plan { sealed, ..plan }
    };
    let rotated =
        "the defaults; the keyset was rotated later, so that the record is under its old key";
    vec![
        Plan { rotated: true, ..altered(plain("aes-gcm-cbor", "aes-gcm", "cbor", rotated)) },
        plain("aes-gcm-json", "aes-gcm", "json", "the worked example of docs/envelope.md"),
        full("aes-gcm-bincode", "aes-gcm", "bincode"),
        full("aes-gcm-postcard", "aes-gcm", "postcard"),
        full("aes-gcm-cbor-full", "aes-gcm", "cbor"),
        used("aes-gcm-cbor-used", "aes-gcm", "cbor"),
        with(
            plain("aes-gcm-passphrase", "aes-gcm", "cbor", "a keyset that a passphrase opens"),
            |it| {
                it.key_source = Some("passphrase".into());
                it.key = Some("correct horse battery staple".into());
            },
        ),
        with(
            plain("aes-gcm-no-name", "aes-gcm", "cbor", "no name, and a user beyond ASCII"),
            |it| {
                it.user = "J\u{fc}rgen \u{1f511}".into();
                it.name = None;
            },
        ),
        altered(plain("clear-cbor", "clear", "cbor", "no encryption")),
        full("clear-json", "clear", "json"),
        full("clear-bincode", "clear", "bincode"),
        full("clear-postcard", "clear", "postcard"),
        used("clear-json-used", "clear", "json"),
        used("clear-cbor-used", "clear", "cbor"),
        used("clear-bincode-used", "clear", "bincode"),
        used("clear-postcard-used", "clear", "postcard"),
        altered(plain("age-cbor", "age", "cbor", "sealed to an X25519 recipient")),
        full("age-json", "age", "json"),
        full("age-bincode", "age", "bincode"),
        full("age-postcard", "age", "postcard"),
        with(plain("age-armor", "age", "json", "sealed to an X25519 recipient, as text"), |it| {
            it.armor = true;
        }),
        with(
            plain("age-no-envelope", "age", "json", "envelope = false: an age file alone"),
            |it| {
                it.envelope = false;
            },
        ),
    ]
}

/// What ann's blob for a website will be made with.
fn sealed(encryption: &str, serializer: &str) -> Sealed {
    let (keyset, age) = (encryption == "aes-gcm", encryption == "age");
    Sealed {
        store: hex(&random::<16>()),
        user: "ann".into(),
        name: Some("https://example.com".into()),
        serializer: serializer.into(),
        encryption: encryption.into(),
        envelope: true,
        header: None,
        key_source: keyset.then(|| "env".into()),
        key: keyset.then(|| STANDARD.encode(random::<32>())),
        keyset: None,
        recipients: if age { vec![RECIPIENT.into()] } else { Vec::new() },
        identity: age.then(|| IDENTITY.into()),
        armor: false,
        blob: String::new(),
    }
}

fn user_password() -> Record {
    let mut record = Record::new("user-password")
        .with("username", Field::open("ann@example.com"))
        .with("password", Field::secret("s3cret"));
    record.created = Timestamp::from_unix(1_767_225_600);
    record.updated = record.created;
    record
}

fn full() -> Record {
    let mut record = user_password()
        .with("key", Field::secret(vec![0xff, 0x00, 0x0a]))
        .with("empty", Field::open(""))
        .with("note", Field::open("Gr\u{fc}\u{df}e \u{1f511}"));
    record.fields.get_mut("key").unwrap().expires = Some(Timestamp::from_unix(1_800_000_000));
    record.origins = vec![
        Origin { scheme: "https".into(), host: "example.com".into(), port: 443 },
        Origin { scheme: "http".into(), host: "[::1]".into(), port: 8080 },
    ];
    record.updated = Timestamp::from_unix(1_767_312_000);
    record.expires = Some(Timestamp::from_unix(4_102_444_800));
    record.labels.insert("team".into(), "blue".into());
    record.derived_from =
        Some(Derivation::new(EntryId::new("ann", Some("refresh")).unwrap(), Revision::from(7)));
    record
}

impl Plan {
    fn make(mut self) -> Vector {
        let scratch = Scratch::new();
        let store = self.sealed.store(scratch.folder());
        let storage = self.sealed.storage(scratch.folder());
        let id = self.sealed.id();
        store.create().unwrap();
        store.put(&id, &self.record, Expect::Absent).unwrap();
        store.put(&id, &self.record, Expect::Any).unwrap();
        let blob = storage.get(&id).unwrap().blob;
        if self.rotated {
            store.rotate(|_| {}).unwrap();
        }
        let keyset = storage.get(&EntryId::reserved("keyset"));
        self.sealed.keyset = keyset.ok().map(|stored| hex(&stored.blob));
        self.sealed.header = self.sealed.envelope.then(|| Header::read(&blob).0);
        self.sealed.blob = hex(&blob);
        let refused = if self.altered { self.refused() } else { Vec::new() };
        let record = json(&self.record);
        Vector { about: self.about.into(), sealed: self.sealed, record, refused }
    }

    /// Returns the vector with one change at a time. The crates determine the kind of error here;
    /// the person who adds the vector checks it.
    fn refused(&self) -> Vec<Refused> {
        let mut all = [self.moved(), self.headers(), self.bodies()].concat();
        if let Some(keyset) = &self.sealed.keyset {
            all.extend(keysets(&unhex(keyset)));
        }
        for change in &mut all {
            let error = self.sealed.changed(change).open().expect_err(&change.about);
            change.error = format!("{:?}", error.kind());
        }
        all
    }

    fn moved(&self) -> Vec<Refused> {
        let mut elsewhere = Refused { store: Some("11".repeat(16)), ..Refused::default() };
        if self.sealed.keyset.is_some() {
            let scratch = Scratch::new();
            let changed = self.sealed.changed(&elsewhere);
            changed.store(scratch.folder()).create().unwrap();
            let keyset = changed.storage(scratch.folder()).get(&EntryId::reserved("keyset"));
            elsewhere.keyset = Some(hex(&keyset.unwrap().blob));
        }
        let (mut header, body) = self.parts();
        header.store = "11".repeat(16);
        let renamed = "moved to another store, whose id was put into the header";
        vec![
            Refused { user: Some("bob".into()), ..about("moved to another user") },
            Refused { name: Some("https://example.org".into()), ..about("moved to another name") },
            Refused { about: "moved to another store".into(), ..elsewhere.clone() },
            Refused {
                about: renamed.into(),
                blob: Some(hex(&[header.write(), body].concat())),
                ..elsewhere
            },
        ]
    }

    /// Returns the vector with another value in each field of the header.
    fn headers(&self) -> Vec<Refused> {
        let (header, body) = self.parts();
        let altered = |what: &str, header: Header| {
            blob(&format!("header: {what}"), &[header.write(), body.clone()].concat())
        };
        let other_key = format!("{}00", header.key);
        let mut all = vec![
            altered("store id", Header { store: "22".repeat(16), ..header.clone() }),
            altered("serializer", Header { serializer: "json".into(), ..header.clone() }),
            altered("encryption", Header { encryption: "none".into(), ..header.clone() }),
            altered("key id", Header { key: other_key, ..header.clone() }),
            altered("generation", Header { generation: header.generation + 1, ..header.clone() }),
            altered("salt", Header { salt: "33".repeat(32), ..header.clone() }),
        ];
        if self.rotated {
            // The keyset's newest key is its last 40 bytes.
            let plain = book::keyset_plain(&self.sealed);
            let newest = hex(&plain[plain.len() - 40..plain.len() - 32]);
            all.push(altered("another key of the keyset", Header { key: newest, ..header }));
        }
        let bytes = unhex(&self.sealed.blob);
        for (what, at) in [("magic", 0), ("version", 7), ("length of a name", 24)] {
            all.push(blob(&format!("header: {what}"), &flipped(&bytes, at)));
        }
        all
    }

    fn bodies(&self) -> Vec<Refused> {
        let bytes = unhex(&self.sealed.blob);
        let (_, at) = Header::read(&bytes);
        let end = bytes.len();
        let mut all = vec![
            blob("nothing", &[]),
            blob("without its first byte", &bytes[1..]),
            blob("with one byte more", &[&bytes[..], &[0]].concat()),
        ];
        for cut in [7, 8, 24, at - 1, at, at + 1, at + 32, end - 16, end - 1] {
            all.push(blob(&format!("cut to {cut} bytes"), &bytes[..cut]));
        }
        for place in [at, at + 16, at + 32, (at + end) / 2, end - 17, end - 1] {
            all.push(blob(&format!("byte {place} flipped"), &flipped(&bytes, place)));
        }
        all
    }

    fn parts(&self) -> (Header, Vec<u8>) {
        let bytes = unhex(&self.sealed.blob);
        let (header, at) = Header::read(&bytes);
        (header, bytes[at..].to_vec())
    }
}

fn keysets(keyset: &[u8]) -> Vec<Refused> {
    let end = keyset.len();
    let changed = |what: &str, bytes: &[u8]| Refused {
        keyset: Some(hex(bytes)),
        ..about(&format!("keyset: {what}"))
    };
    // The positions of these fields in a header whose encryption is `aes-gcm` and whose key source
    // is `env`.
    let fields = [
        ("magic", 0),
        ("version", 10),
        ("store id", 11),
        ("encryption", 28),
        ("key source", 36),
        ("parameters", 41),
        ("salt", 60),
        ("sealed keys", end - 40),
        ("last byte", end - 1),
    ];
    let mut all: Vec<_> =
        fields.iter().map(|(what, at)| changed(what, &flipped(keyset, *at))).collect();
    all.push(changed("cut", &keyset[..end - 1]));
    all.push(changed("one byte more", &[keyset, &[0]].concat()));
    all.push(Refused {
        key: Some(STANDARD.encode([7; 32])),
        ..about("keyset: another wrapping key")
    });
    all
}

fn blob(what: &str, bytes: &[u8]) -> Refused {
    Refused { blob: Some(hex(bytes)), ..about(what) }
}

fn about(what: &str) -> Refused {
    Refused { about: what.into(), ..Refused::default() }
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
