use keyward_config::{Environment, Silent};
use keyward_core::{Expect, Origin, Timestamp};
use keyward_defaults as _;
use keyward_resolver::Outcome;

use super::*;
use crate::NewStore;

/// A home whose configuration contains this text, with the store `s`.
fn keyward(text: &str) -> (tempfile::TempDir, Keyward) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    #[expect(clippy::disallowed_methods, reason = "a test writes a file that need not survive")]
    std::fs::write(&file, format!("version = 1\n{text}\n")).unwrap();
    let environment = Environment::new([("HOME", home.path())])
        .with("KEYWARD_CONFIG_FILE", file)
        .with("TOKEN", "canary-token");
    let keyward = Keyward::with(environment, Silent).unwrap();
    let store = NewStore { storage: Some("file".into()), ..NewStore::named("s").unwrap() };
    keyward.init_store(&store).unwrap();
    (home, keyward)
}

fn put(keyward: &Keyward, name: &str, record: &Record) {
    let store = keyward.store("s").unwrap();
    store.put(&store.entry(None, Some(name)).unwrap(), record, Expect::Any).unwrap();
}

fn token(value: &str) -> Record {
    Record::new("token").with("token", Field::secret(value))
}

fn origin(host: &str) -> Origin {
    Origin { scheme: "https".into(), host: host.into(), port: 443 }
}

fn explain(keyward: &Keyward, name: &str) -> (Outcome, Result<Record>) {
    let resolver = keyward.resolver().unwrap();
    let explained = resolver.explain(&Query::new(name, None).unwrap());
    let step = explained.steps.iter().find(|step| step.source == "configuration").unwrap();
    assert!(!format!("{:?}", explained.steps).contains("canary"), "{:?}", explained.steps);
    (step.outcome, explained.result.map(|found| found.record))
}

#[test]
fn a_field_is_text_a_key_source_or_a_reference() {
    let (_home, keyward) = keyward(
        "[credentials.a]\nusername = 'ann'\ntoken = { from = 'env', name = 'TOKEN' }\n\
         [credentials.\"b.c\"]\nkind = 'user-password'\nusername = 'keyward:///a/username'\n\
         password = 'keyward://s/mail/token'",
    );
    put(&keyward, "mail", &token("stored"));
    assert!(keyward.check_resolver().is_empty(), "{:?}", keyward.check_resolver());
    let (outcome, record) = explain(&keyward, "a");
    let record = record.unwrap();
    assert_eq!((outcome, &*record.kind), (Outcome::Found, "token"));
    assert_eq!(record.field("token"), Some(&Field::secret("canary-token")));
    assert_eq!(record.field("username"), Some(&Field::open("ann")));
    let record = explain(&keyward, "b.c").1.unwrap();
    assert_eq!(record.field("username"), Some(&Field::open("ann")));
    assert_eq!(record.field("password"), Some(&Field::secret("stored")));
    assert_eq!(explain(&keyward, "b").0, Outcome::Absent);
}

#[test]
fn what_cannot_be_used_is_named_with_its_line_and_not_quoted() {
    for (text, why, is_found_by_check) in [
        ("token = 'canary'", ":3: the field `token` is secret, so it cannot be plain text", true),
        ("kind = 'note'\ntext = 'canary'", ":4: the field `text` is secret", true),
        ("colour = 'canary'", ":3: the field `colour` may be secret", true),
        ("kind = 'tokn'\ntoken = 'canary'", ":3: there is no kind `tokn`", true),
        ("kind = 'accounts'\ndefault = 'canary'", ":3: the kind `accounts` is internal", true),
        ("kind = 'token'\ntokn = 'canary'", ":4: the kind `token` has no field `tokn`", true),
        ("kind = 'generic'\nA = 'canary'", ":4: `A` cannot be the name of a field", true),
        ("token = 'keyward://canary'", ":3: the reference has no `/`", true),
        ("token = { from = 'nope' }", ":3: there is no key called `nope`", true),
        ("token = { from = 'env' }", ":3: `name` is missing", true),
        ("token = { from = 'file' }", ":3: `%id%` can only be used in the file of a store", true),
        ("token = { from = 'env', name = 'UNSET' }", ":3: the environment variable UNSET", false),
        ("token = 'keyward://s/none'", ":3: keyward://s/none", false),
        ("token = 'keyward://s/mail/none'", ":3: keyward://s/mail/none: ", false),
        ("token = 'keyward:///none'", ":3: keyward:///none: ", false),
        ("token = 'keyward://none/x'", ":3: there is no store `none`", false),
        ("token = 'keyward:///a'", "a credential needs itself: `a` needs `a`", false),
        ("token = 'keyward:///b'", "`a` needs `b` needs `a`", false),
        ("username = 'keyward:///two'\ntoken = 'x'", ":4: the field `token` is secret", true),
    ] {
        let (_home, keyward) = keyward(&format!(
            "[credentials.a]\n{text}\n[credentials.b]\nusername = 'b'\npassword = 'keyward:///a/token'"
        ));
        put(&keyward, "mail", &token("canary"));
        let (outcome, result) = explain(&keyward, "a");
        let error = result.unwrap_err();
        assert_eq!((outcome, error.kind()), (Outcome::Misconfigured, ErrorKind::Invalid), "{text}");
        assert!(error.message().contains(why), "{text}: {error}");
        let checked: Vec<_> = keyward.check_resolver().iter().map(Error::report).collect();
        assert_eq!(!checked.is_empty(), is_found_by_check, "{text}: {checked:?}");
        let shown = format!("{error:?}{}{checked:?}", error.report());
        assert!(!shown.contains("canary"), "{text}: {shown}");
    }
}

#[test]
fn a_long_chain_of_references_is_refused() {
    let link = |at| format!("[credentials.c{at}]\ntoken = 'keyward:///c{}'\n", at + 1);
    let chain: String = (0..2000).map(link).collect();
    let (_home, keyward) = keyward(&format!("{chain}[credentials.c2000]\ntoken = 'keyward://s/x'"));
    put(&keyward, "x", &token("t"));
    let error = explain(&keyward, "c0").1.unwrap_err();
    assert!(error.message().contains("too many references: `c0` needs `c1`"), "{error}");
    // A failure leaves nothing behind that would make the next look-up fail.
    for _ in 0..2 {
        let at = 2000 - MAX_DEPTH + 1;
        let record = explain(&keyward, &format!("c{at}")).1.unwrap();
        assert_eq!(record.field("token"), Some(&Field::secret("t")));
    }
}

#[test]
fn a_credential_goes_only_where_each_of_its_parts_may_go() {
    let (_home, keyward) = keyward(
        "[credentials.a]\nusername = 'keyward://s/x/username'\npassword = 'keyward://s/y/token'\n\
         [credentials.b]\nusername = 'keyward://s/x/username'\npassword = 'keyward://s/z/token'\n\
         [credentials.c]\nusername = 'ann'\npassword = 'keyward://s/z/token'",
    );
    let x = token("1").with("username", Field::open("ann"));
    put(&keyward, "x", &x.with_origins(vec![origin("a"), origin("b")]));
    let later = Some(Timestamp::from_unix(u64::MAX));
    put(&keyward, "y", &token("2").with_origins(vec![origin("b")]).with_expires(later));
    put(&keyward, "z", &token("3").with_origins(vec![origin("c")]));
    let a = explain(&keyward, "a").1.unwrap();
    assert_eq!((a.origins, a.expires), (vec![origin("b")], later));
    let (outcome, error) = explain(&keyward, "b");
    assert_eq!((outcome, error.unwrap_err().kind()), (Outcome::Denied, ErrorKind::Refused));
    assert_eq!(explain(&keyward, "c").1.unwrap().origins, [origin("c")]);
}

#[test]
fn a_secret_in_a_public_field_stays_secret() {
    let (_home, keyward) =
        keyward("[credentials.a]\nusername = 'keyward://s/x'\ntoken = 'keyward://s/x'");
    put(&keyward, "x", &token("canary"));
    let record = explain(&keyward, "a").1.unwrap();
    assert_eq!(record.field("username"), Some(&Field::secret("canary")));
}
