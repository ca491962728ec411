//! Records of every kind, and of kinds without a table, through every serializer and storage.

use keyward_core::{Expect, Field, Record, Timestamp};
use keyward_kinds::{Changes, FieldSpec, Format, Kind, Kinds, Shape};

use crate::helpers::home::Home;

const SERIALIZERS: [&str; 4] = ["cbor", "bincode", "json", "postcard"];

#[test]
fn files_keep_every_kind() {
    keeps_every_kind("file");
}

#[test]
fn sqlite_keeps_every_kind() {
    keeps_every_kind("sqlite");
}

#[test]
fn redb_keeps_every_kind() {
    keeps_every_kind("redb");
}

fn keeps_every_kind(storage: &str) {
    let kinds = Kinds::linked();
    let unknown = Kind::new("acme.unknown", "A kind without a table here")
        .with_field(FieldSpec::new("colour", "The colour"))
        .with_main(FieldSpec::secret("pin", "The pin").with_shape(Shape::Bytes));
    let home = Home::in_memory();
    for serializer in SERIALIZERS {
        let store = format!("{serializer}-{storage}");
        let made = ["init", &store, "--storage", storage, "--serializer", serializer];
        home.run_ok(&[&made[..], &["--option", "key.from=file"]].concat());
        let store = home.store(&store);
        for kind in kinds.iter().chain([&unknown]) {
            let id = store.entry(Some("ann"), Some(&kind.name)).unwrap();
            store.put(&id, &record(kind), Expect::Absent).unwrap();
        }
        store.rotate(|_| {}).unwrap();
        for kind in kinds.iter().chain([&unknown]) {
            let id = store.entry(Some("ann"), Some(&kind.name)).unwrap();
            assert_eq!(store.get(&id).unwrap(), record(kind), "{serializer}: {}", kind.name);
            let label = Changes::default().with_label("team", "red");
            store.change(&id, kind, &label).unwrap();
            let changed = store.get(&id).unwrap();
            assert_eq!(changed.fields, record(kind).fields, "{serializer}: {}", kind.name);
            assert_eq!(changed.labels["team"], "red");
        }
    }
}

/// A record with every field of its kind, and one more.
fn record(kind: &Kind) -> Record {
    let mut record = Record::new(kind.name.as_str())
        .with_created(Timestamp::from_unix(1))
        .with_updated(Timestamp::from_unix(2))
        .with_expires(Some(Timestamp::from_unix(4_102_444_800)))
        .with("x_more", Field::secret("of another program"));
    for spec in &kind.fields {
        let value = sample(spec);
        let field = kind.field(&spec.name, value.as_slice().into());
        record = record.with(spec.name.as_str(), field.unwrap());
    }
    kind.check(&record).unwrap();
    record
}

/// A value that the field can have.
fn sample(spec: &FieldSpec) -> Vec<u8> {
    if let Some(choice) = spec.choices.first() {
        return choice.clone().into();
    }
    let text = match (spec.format, spec.name.as_str()) {
        (Some(Format::OtpAuth), _) => "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        (Some(Format::Url), _) => "https://x.example/path",
        (_, "private_key") => "-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n",
        (_, "certificate") => "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n",
        _ if spec.shape == Shape::Bytes => return b"\xff\0\n bytes".to_vec(),
        _ if spec.shape == Shape::Text => "two\nlines \u{e9}\n",
        _ => "avalue",
    };
    match spec.shape {
        Shape::Line => text.replace('\n', " ").trim().into(),
        _ => text.into(),
    }
}
