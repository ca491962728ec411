use keyward_core::{Record, Timestamp};
use keyward_kinds::{Kind, Kinds, Totp};

/// A file that is read as a kind defines one that can be used: its defaults are valid, and any bytes
/// can be checked.
pub fn kind_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(kind) = Kind::parse(text, "acme.deploy", "acme.deploy.toml") else { return };
    let kinds = Kinds::default().with([kind]);
    let kind = kinds.find("acme.deploy").expect("it is valid, and the only one");
    let record = kind.with_defaults(Record::new("acme.deploy"));
    for spec in &kind.fields {
        if let Some(field) = record.field(&spec.name) {
            spec.check(&field.value).expect("a default is valid");
        }
        if let Ok(field) = kind.field(&spec.name, bytes.into()) {
            assert_eq!(field.secret, spec.secret);
        }
    }
}

/// A URI that is read makes codes of six to eight digits.
pub fn otpauth(bytes: &[u8]) {
    let totp = Totp { uri: bytes.into() };
    for time in [0, 59, u64::MAX] {
        let Ok(code) = totp.code(Timestamp::from_unix(time)) else { return };
        let digits = code.code.expose();
        assert!((6..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit));
    }
}
