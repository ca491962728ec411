use std::time::Duration;

use keyward_core::{ErrorKind, Field, Record, Timestamp};
use proptest::prelude::*;

use crate::*;

fn deploy() -> Kind {
    let kind = Kind::new("acme.deploy", "A key that deploys to Acme")
        .with_field(FieldSpec::new("project", "The project").required())
        .with_main(FieldSpec::secret("key", "The key").required().with_pattern("k[0-9]+"));
    Kind { from: "one".into(), ..kind }
}

fn fault(kind: Kind) -> String {
    let faults = Kinds::default().with([kind]).faults();
    faults.first().map(|error| error.message().to_owned()).unwrap_or_default()
}

#[test]
fn the_built_in_kinds_are_valid_and_the_internal_one_is_not_listed() {
    let kinds = Kinds::linked();
    assert!(kinds.faults().is_empty(), "{:?}", kinds.faults());
    let names: Vec<_> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "api-key",
            "aws",
            "client-certificate",
            "file",
            "generic",
            "http-authorization",
            "key-pair",
            "note",
            "oauth2",
            "s3",
            "ssh-key",
            "token",
            "totp",
            "user-password",
            "verifiers",
        ]
    );
    assert!(kinds.get(names::ACCOUNTS).is_some());
    assert_eq!(kinds.find(names::ACCOUNTS).unwrap_err().kind(), ErrorKind::Invalid);
    for kind in kinds.iter() {
        let main = kind.main_spec().unwrap();
        assert!(main.secret, "{}", kind.name);
        assert!(kind.fields.iter().all(|field| !field.help.is_empty()));
    }
}

#[test]
fn only_built_in_kinds_have_no_dot() {
    for name in ["deploy", "token", "user-password"] {
        let kinds = Kinds::linked().with([Kind { name: name.into(), ..deploy() }]);
        let faults = kinds.faults();
        assert_eq!(faults.len(), 1, "{name}");
        assert_eq!(kinds.iter().count(), 15, "no built-in kind is disabled");
    }
    for name in ["", ".", "a.", ".a", "a..b", "A.b", "a_b.c", "a.-b", "a.b-", "a/b.c", "ä.b"] {
        assert!(fault(Kind { name: name.into(), ..deploy() }).contains("name of a kind"), "{name}");
    }
    for name in ["a.b", "0.1-2", "example.com.deploy"] {
        assert_eq!(fault(Kind { name: name.into(), ..deploy() }), "");
    }
}

#[test]
fn every_built_in_kind_obeys_the_rules() {
    for kind in crate::built_in::kinds() {
        crate::rules::check(&Kind { from: "built in".into(), ..kind }, true).unwrap();
    }
}

#[test]
fn a_duplicate_disables_only_its_own_name() {
    let other = Kind { from: "two".into(), ..deploy() };
    let third = Kind { name: "acme.third".into(), ..deploy() };
    let kinds = Kinds::linked().with([deploy(), third, other]);
    let error = kinds.find("acme.deploy").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.message(), "the kind `acme.deploy` is defined more than once: one; two");
    assert!(kinds.get("acme.deploy").is_none());
    assert!(kinds.find("acme.third").is_ok());
    assert_eq!(kinds.faults().len(), 1);
    assert_eq!(kinds.iter().count(), 16);
}

#[test]
fn a_broken_table_takes_its_name_too() {
    let broken = Kind { help: "a\nb".into(), ..deploy() };
    let kinds = Kinds::default().with([broken.clone()]);
    let error = kinds.find("acme.deploy").unwrap_err();
    assert!(error.message().contains("one: the kind `acme.deploy` has a help"), "{error}");
    let kinds = kinds.with([deploy()]);
    assert_eq!(kinds.find("acme.deploy").unwrap_err().kind(), ErrorKind::Refused);
    let lost = keyward_core::Error::new(ErrorKind::Unavailable, "config").because("no folder");
    let mut kinds = Kinds::linked();
    kinds.add_broken(None, lost);
    assert_eq!(kinds.find("acme.deploy").unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(kinds.find(names::TOKEN).is_ok());
}

#[test]
fn a_table_that_makes_no_sense_is_refused() {
    let field = |field: FieldSpec| fault(Kind::new("a.b", "").with_field(field));
    let new = |name: &str| FieldSpec::new(name, "");
    for (wrong, says) in [
        (field(new("A")), "wrong name"),
        (field(new("a-b")), "wrong name"),
        (field(new("a").with_pattern("(")), "regular expression"),
        (field(new("a").with_pattern("(x{100}){100}")), "regular expression"),
        (field(new("a").with_choices(["a\u{1b}"])), "control character"),
        (field(new("a").with_choices(vec!["x"; 65])), "more than 64"),
        (field(new("a").with_choices(["b"]).with_default("c")), "not one of its values"),
        (field(FieldSpec::secret("a", "").with_default("c")), "secret and has a default"),
        (field(new("a").with_environment(["LD_PRELOAD"])), "LD_PRELOAD"),
        (field(new("a").with_environment(["a=b"])), "must not set"),
        (field(new("a").with_prompt("x".repeat(2000))), "longer than"),
        (fault(Kind::new("a.b", "").with_field(new("a")).with_field(new("a"))), "two fields `a`"),
        (fault(Kind { main: Some("x".into()), ..deploy() }), "no such field"),
        (fault(deploy().with_url("ftp://acme.example")), "has a url that is not one"),
        (fault(deploy().with_url("https://acme.example/\n")), "control character"),
        (fault(Kind { main: Some("project".into()), ..deploy() }), "not secret"),
        (field(new("a").with_max(1 << 30)), "larger than a record"),
        (
            fault(
                (0..65)
                    .fold(Kind::new("a.b", ""), |kind, i| kind.with_field(new(&format!("f{i}")))),
            ),
            "more than 64 fields",
        ),
    ] {
        assert!(wrong.contains(says), "{wrong:?}: {says}");
    }
}

#[test]
fn a_check_names_the_field_and_never_quotes_the_value() {
    for (spec, value) in [
        (FieldSpec::secret("f", "").with_max(3), "canary"),
        (FieldSpec::secret("f", ""), "canary\nx"),
        (FieldSpec::secret("f", ""), "canary\u{1b}"),
        (FieldSpec::secret("f", "").with_shape(Shape::Text), "canary\0"),
        (FieldSpec::secret("f", "").with_choices(["a", "b"]), "canary"),
        (FieldSpec::secret("f", "").with_pattern("[0-9]+"), "1canary"),
        (FieldSpec::secret("f", "").with_format(Format::Url), "https://canary@x"),
        (FieldSpec::secret("f", "").with_format(Format::OtpAuth), "otpauth://totp/canary"),
    ] {
        let error = spec.check(&value.into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("`f`") && !shown.contains("canary"), "{shown}");
    }
    assert!(FieldSpec::new("f", "").check(&vec![0xff].into()).is_err());
    for (spec, value) in [
        (FieldSpec::new("f", ""), "ü"),
        (FieldSpec::new("f", "").with_shape(Shape::Text), "a\nb\t"),
        (FieldSpec::new("f", "").with_shape(Shape::Bytes), "a\0\n"),
        (FieldSpec::new("f", "").with_choices(["a", "b"]), "b"),
        (FieldSpec::new("f", "").with_pattern("a|bc"), "bc"),
        (FieldSpec::new("f", "").with_format(Format::Url), "https://x:1/a@b"),
    ] {
        assert!(spec.check(&value.into()).is_ok(), "{value}");
    }
    for wrong in ["abc", "a\n", "xa"] {
        assert!(FieldSpec::new("f", "").with_pattern("a|bc").check(&wrong.into()).is_err());
    }
}

#[test]
fn a_whole_record_has_each_required_field_and_may_have_more() {
    let kind = deploy();
    let record = Record::new("acme.deploy").with("key", Field::secret("k1"));
    assert!(kind.check(&record).unwrap_err().message().contains("no field `project`"));
    let record = record.with("project", Field::open("p")).with("x-unknown", Field::open("y"));
    kind.check(&record).unwrap();
    let wrong = record.clone().with("key", Field::secret("canary"));
    assert_eq!(kind.check(&wrong).unwrap_err().message(), "the field `key` must match `k[0-9]+`");
    assert!(kind.check(&record.with_kind("token")).is_err());
}

#[test]
fn a_field_is_secret_if_the_record_or_the_table_says_so() {
    let kinds = Kinds::linked();
    let record = Record::new(names::TOKEN)
        .with(fields::TOKEN, Field::open("t"))
        .with(fields::USERNAME, Field::secret("u"))
        .with("other", Field::open("o"));
    assert!(kinds.is_secret(&record, fields::TOKEN));
    assert!(kinds.is_secret(&record, fields::USERNAME));
    assert!(!kinds.is_secret(&record, "other"));
    let record = record.with_kind("gone.kind");
    assert!(!kinds.is_secret(&record, fields::TOKEN));
    assert!(kinds.is_secret(&record, fields::USERNAME));
}

#[test]
fn a_new_field_is_checked_and_marked() {
    let kind = deploy();
    assert!(kind.field("key", "k1".into()).unwrap().secret);
    assert!(!kind.field("project", "p".into()).unwrap().secret);
    assert!(kind.field("key", "x".into()).is_err());
    let unknown = kind.field("kye", "k1".into()).unwrap_err();
    assert_eq!(unknown.message(), "the kind `acme.deploy` has no field `kye`");
    let kinds = Kinds::linked();
    let generic = kinds.find(names::GENERIC).unwrap();
    assert!(!generic.field("anything", "x".into()).unwrap().secret);
    assert!(generic.field("Any thing", "x".into()).is_err());
}

#[test]
fn defaults_are_added_to_what_is_missing() {
    let region = FieldSpec::new("region", "").with_choices(["eu", "us"]).with_default("eu");
    let kind = Kind::new("a.b", "").with_field(region);
    let record = kind.with_defaults(Record::new("a.b"));
    assert_eq!(record.field("region").unwrap().value.expose(), b"eu");
    let record = kind.with_defaults(Record::new("a.b").with("region", Field::open("us")));
    assert_eq!(record.field("region").unwrap().value.expose(), b"us");
}

#[test]
fn an_expiry_is_the_first_one_and_early_if_the_table_says_so() {
    let kinds = Kinds::linked();
    let at = |seconds| Some(Timestamp::from_unix(seconds));
    let key = Field::secret("x").with_expires(at(90));
    let record = Record::new(names::AWS).with(fields::SECRET_ACCESS_KEY, key);
    let aws = kinds.find(names::AWS).unwrap();
    assert_eq!(aws.expiry(&record.clone().with_expires(at(100))), at(88));
    assert_eq!(aws.expiry(&record.with_expires(at(80))), at(78));
    assert_eq!(aws.expiry(&Record::new(names::AWS)), None);
    let token = kinds.find(names::TOKEN).unwrap();
    assert_eq!(token.expiry(&Record::new(names::TOKEN).with_expires(at(80))), at(80));
    assert_eq!(aws.expires_early, Duration::from_secs(2));
}

#[test]
fn what_a_prompt_says() {
    let kinds = Kinds::linked();
    let aws = kinds.find(names::AWS).unwrap();
    assert_eq!(aws.spec(fields::ACCESS_KEY_ID).unwrap().prompt(), "Access key id");
    assert_eq!(FieldSpec::new("a", "").with_prompt("Which?").prompt(), "Which?");
    assert_eq!(FieldSpec::new("", "").prompt(), "");
}

#[test]
fn private_keys_are_pem() {
    let kinds = Kinds::linked();
    for (name, good) in
        [("OPENSSH PRIVATE", true), ("PRIVATE", true), ("EC PRIVATE", true), ("PUBLIC", false)]
    {
        let pem = format!("-----BEGIN {name} KEY-----\nAAAA\n-----END {name} KEY-----\n");
        for kind in [names::SSH_KEY, names::CLIENT_CERTIFICATE] {
            let made = kinds.find(kind).unwrap().field(fields::PRIVATE_KEY, pem.as_str().into());
            assert_eq!(made.is_ok(), good, "{kind} {name}");
        }
    }
}

proptest! {
    #[test]
    fn no_name_is_a_panic(name: String, field: String, value: Vec<u8>, pattern: String) {
        let kinds = Kinds::linked().with([Kind::new(name.clone(), field.clone())
            .with_field(FieldSpec::new(field.clone(), name.clone()).with_pattern(pattern))]);
        let _ = (kinds.find(&name).is_ok(), kinds.faults());
        for kind in kinds.iter() {
            let _ = kind.field(&field, value.clone().into());
        }
    }
}

#[test]
fn a_view_writes_into_the_record_and_keeps_the_rest() {
    let at = |seconds| Some(Timestamp::from_unix(seconds));
    let old = Record::from(&UserPassword::new("ann", "old"))
        .with(fields::REFRESH_TOKEN, Field::secret("r"))
        .with("team", Field::open("red"))
        .with_created(Timestamp::from_unix(1))
        .with_expires(at(9));
    let same = UserPassword::new("bob", "old").write(old.clone()).unwrap();
    assert_eq!(same, old.clone().with(fields::USERNAME, Field::open("bob")));

    let changed = UserPassword::new("ann", "new").write(old).unwrap();
    assert_eq!(UserPassword::try_from(&changed).unwrap(), UserPassword::new("ann", "new"));
    assert_eq!((changed.expires, changed.created), (None, Timestamp::from_unix(1)));
    assert!(changed.field("team").is_some() && changed.field(fields::REFRESH_TOKEN).is_none());
    assert!(changed.field(fields::PASSWORD).unwrap().secret);
}

#[test]
fn a_view_that_has_the_refresh_token_keeps_it() {
    let at = Some(Timestamp::from_unix(7));
    let refresh = Field::secret("r").with_expires(at);
    let old = Record::new(names::OAUTH2)
        .with(fields::CLIENT_ID, Field::secret("id"))
        .with(fields::ACCESS_TOKEN, Field::secret("old").with_expires(at))
        .with(fields::REFRESH_TOKEN, refresh.clone());
    let view = OAuth2::try_from(&old).unwrap();
    assert_eq!(view.write(old.clone()).unwrap(), old);
    let new =
        OAuth2 { access_token: Some("new".into()), ..view.clone() }.write(old.clone()).unwrap();
    assert_eq!(new.field(fields::REFRESH_TOKEN), Some(&refresh));
    assert_eq!(new.field(fields::ACCESS_TOKEN), Some(&Field::secret("new")));
    assert!(new.field(fields::CLIENT_ID).unwrap().secret, "the record says so");
    let none = OAuth2 { refresh_token: None, ..view }.write(old).unwrap();
    assert!(none.field(fields::REFRESH_TOKEN).is_none());
}

#[test]
fn a_view_refuses_other_kinds_and_records_without_its_fields() {
    let token = Token { username: None, token: "canary".into() };
    let record = Record::from(&token);
    assert_eq!(UserPassword::try_from(&record).unwrap_err().kind(), ErrorKind::Unsupported);
    let error = UserPassword::new("a", "b").write(record.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    assert!(token.write(Record::new("")).unwrap() == record);
    let without = Token::try_from(&Record::new(names::TOKEN)).unwrap_err();
    assert_eq!(without.message(), "the record has no field `token`");
    let bytes = record.with(fields::USERNAME, Field::open(vec![0xff]));
    assert!(Token::try_from(&bytes).unwrap_err().message().contains("is not text"));
    let list = Record::new(names::ACCOUNTS);
    assert!(
        UserPassword::new("a", "b")
            .write(list)
            .unwrap_err()
            .message()
            .contains("lists the accounts")
    );
}

/// Each view reads what the table says, and marks as secret what the table says.
#[test]
fn views_and_tables_agree() {
    fn records() -> Vec<Record> {
        let text = || Some("x".to_owned());
        let secret = || Some(keyward_core::Secret::from("x"));
        vec![
            (&UserPassword::new("x", "x")).into(),
            (&Token { username: text(), token: "x".into() }).into(),
            (&ApiKey { key_id: text(), key: "x".into() }).into(),
            (&OAuth2 {
                issuer: text(),
                authorization_url: text(),
                token_url: text(),
                device_url: text(),
                revocation_url: text(),
                introspection_url: text(),
                callback_issuer: text(),
                grant: text(),
                client_id: "x".into(),
                client_secret: secret(),
                client_authentication: text(),
                private_key: secret(),
                key_id: text(),
                assertion_audience: text(),
                request_format: text(),
                parameters: text(),
                username: text(),
                scope: text(),
                granted_scope: text(),
                audience: text(),
                resource: text(),
                access_token: secret(),
                token_type: text(),
                git_scheme: text(),
                refresh_token: secret(),
                id_token: secret(),
                subject_token: secret(),
                subject_token_type: text(),
                actor_token: secret(),
                actor_token_type: text(),
                requested_token_type: text(),
                developer_token: secret(),
                developer_token_url: text(),
                issued_for: text(),
                refresh_state: text(),
            })
                .into(),
            (&Aws {
                access_key_id: "x".into(),
                secret_access_key: "x".into(),
                session_token: secret(),
            })
                .into(),
            (&S3 {
                access_key_id: "x".into(),
                secret_access_key: "x".into(),
                session_token: secret(),
                endpoint: text(),
                region: text(),
            })
                .into(),
            (&KeyPair { public_key: text(), private_key: "x".into(), passphrase: secret() }).into(),
            (&SshKey {
                username: text(),
                public_key: text(),
                private_key: "x".into(),
                passphrase: secret(),
                certificate: text(),
            })
                .into(),
            (&ClientCertificate {
                certificate: "x".into(),
                private_key: "x".into(),
                passphrase: secret(),
            })
                .into(),
            (&Totp { uri: "x".into() }).into(),
            (&Note { text: "x".into() }).into(),
            (&File { file_name: text(), content: "x".into() }).into(),
            (&HttpAuthorization {
                username: text(),
                scheme: "x".into(),
                credential: "x".into(),
                refresh_token: secret(),
            })
                .into(),
        ]
    }
    let kinds = Kinds::linked();
    for record in records() {
        let kind = kinds.find(&record.kind).unwrap();
        for (name, field) in &record.fields {
            let spec = kind.spec(name).unwrap_or_else(|| panic!("{}: {name}", kind.name));
            assert_eq!(spec.secret, field.secret, "{}: {name}", kind.name);
        }
        for spec in kind.fields.iter().filter(|spec| spec.name != fields::REFRESH_TOKEN) {
            assert!(record.field(&spec.name).is_some(), "{}: {}", kind.name, spec.name);
        }
    }
}
