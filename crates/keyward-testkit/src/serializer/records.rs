use keyward_core::{Derivation, EntryId, Field, Form, Origin, Record, Revision, Secret, Timestamp};
use proptest::prelude::{Strategy, any, prop};

/// Makes two records: one in which every part is set except the last use, and one in which that is
/// set too. Their encodings have different versions.
pub(super) fn full() -> [Record; 2] {
    let mut record = Record::new("user-password")
        .with("username", Field::open("ann"))
        .with("password", Field::secret("p\u{e4}ss\n\"word\""))
        .with("key", Field::secret(vec![0, 0xff, 0x80]));
    let expiring = Field::open("").with_expires(Some(Timestamp::from_unix(u64::MAX)));
    record.fields.insert(String::new(), expiring);
    record.origins = ["https", "ssh"].map(origin).to_vec();
    record.created = Timestamp::from_unix(1);
    record.updated = Timestamp::from_unix(1_767_225_600);
    record.expires = Some(Timestamp::from_unix(0));
    record.labels.insert("team".into(), "r\u{f6}d".into());
    record.labels.insert("a.b \"c\"".into(), String::new());
    record.derived_from = Some(Derivation::new(
        EntryId::new("ann", Some("https://example.com")).unwrap(),
        Revision::new(&[0xfe; 64]).unwrap(),
    ));
    let mut used = record.clone();
    used.used = Some(Timestamp::from_unix(1_767_312_000));
    [record, used]
}

pub(super) fn origin(scheme: &str) -> Origin {
    Origin { scheme: scheme.into(), host: "example.com".into(), port: 65535 }
}

/// Makes random records.
pub(super) fn record() -> impl Strategy<Value = Record> {
    let fields = prop::collection::btree_map(text(), field(), 0..6);
    let labels = prop::collection::btree_map(text(), text(), 0..4);
    let origins = prop::collection::vec((text(), text(), any::<u16>()), 0..4);
    let origins = origins.prop_map(|origins| {
        origins.into_iter().map(|(scheme, host, port)| Origin { scheme, host, port }).collect()
    });
    let times = (time(), time(), prop::option::of(time()), prop::option::of(time()));
    (text(), fields, origins, labels, times, prop::option::of(derivation())).prop_map(
        |(kind, fields, origins, labels, (created, updated, expires, used), derived_from)| {
            let mut record = Record::new(kind).with_origins(origins);
            (record.fields, record.labels) = (fields, labels);
            (record.created, record.updated) = (created, updated);
            (record.expires, record.used) = (expires, used);
            record.derived_from = derived_from;
            record
        },
    )
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..20).prop_map(|text| text.into_iter().collect())
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_unix)
}

fn field() -> impl Strategy<Value = Field> {
    let value = prop::collection::vec(any::<u8>(), 0..60);
    (value, text(), any::<bool>(), any::<bool>(), prop::option::of(time())).prop_map(
        |(bytes, text, is_text, secret, expires)| {
            let (value, form) = match is_text {
                true => (Secret::from(text), Form::Text),
                false => (Secret::from(bytes), Form::Bytes),
            };
            let field = if secret { Field::secret(value) } else { Field::open(value) };
            field.with_form(form).with_expires(expires)
        },
    )
}

fn derivation() -> impl Strategy<Value = Derivation> {
    let revision = prop::collection::vec(any::<u8>(), 0..Revision::MAX);
    ("[a-zA-Z]{1,9}", "[a-z./:]{0,20}", revision).prop_map(|(user, name, revision)| {
        let entry = EntryId::restore(&user, &name).unwrap();
        Derivation::new(entry, Revision::new(&revision).unwrap())
    })
}
