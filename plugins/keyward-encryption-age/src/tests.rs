use keyward_plugin::{Options as _, Value, Values};
use keyward_testkit::TestHost;

use super::*;

const RECIPIENT: &str = "age1unpkk8r4swtcy5y00qmyv4hwjcrpmmtu47z3j8kwq07faym8xfkqcspu4r";
const IDENTITY: &str = "AGE-SECRET-KEY-14EFVLX9DA7NXQS4HXQ0KPZQ0MNCLRPEMGFZN8MA0KGS96NA4Q8ASTCFDRH";
const OTHER_IDENTITY: &str =
    "AGE-SECRET-KEY-177TRL9LE4JCZQD0V64S59XGW7C3KMMZJVDQQCGD9N9TPULRPGECSE5H825";

fn list(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(|&text| text.to_owned()).collect())
}

fn reference(from: &str) -> Value {
    Value::Secret(SecretRef { from: from.to_owned(), options: Values::new() })
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// The files of each user contain another key.
mod a_key_per_user {
    use super::*;

    keyward_testkit::encryption_suite!(Age, |scratch| {
        scratch.file("ann.pub", RECIPIENT.as_bytes());
        scratch.file("ann.key", IDENTITY.as_bytes());
        scratch.file("bob.key", OTHER_IDENTITY.as_bytes());
        Values::new()
            .with("recipients_file", text(&scratch.path("%user%.pub")))
            .with("identity_file", text(&scratch.path("%user%.key")))
    });
}

mod a_referenced_identity {
    use super::*;

    keyward_testkit::encryption_suite!(
        Age,
        |_| Values::new()
            .with("recipients", list(&[RECIPIENT]))
            .with("identity", reference("vault")),
        host = |_| TestHost::new().secret("vault", IDENTITY),
    );
}

mod a_passphrase {
    use super::*;

    keyward_testkit::encryption_suite!(
        Age,
        |_| Values::new().with("passphrase", reference("env")),
        host = |_| TestHost::new().secret("env", "canary of the passphrase"),
    );
}

fn open(values: Values) -> Result<Age> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    Age::open(Options::read(&values.complete(Options::TABLE)?)?, &host)
}

#[test]
fn invalid_combinations_are_refused() {
    let (recipients, passphrase) = (list(&[RECIPIENT]), reference("env"));
    let path = text("/nowhere/keys.txt");
    let all = Values::new();
    for values in [
        all.clone(),
        all.clone().with("recipients", list(&[])),
        all.clone().with("identity_file", path.clone()),
        all.clone().with("identity", passphrase.clone()),
        all.clone().with("identity_file", path.clone()).with("passphrase", passphrase.clone()),
        all.clone().with("recipients", recipients.clone()).with("passphrase", passphrase.clone()),
        all.clone()
            .with("recipients", recipients.clone())
            .with("identity", passphrase.clone())
            .with("identity_file", path.clone()),
        all.clone()
            .with("recipients", recipients.clone())
            .with("max_work_factor", Value::Number(17)),
        all.clone()
            .with("recipients", recipients.clone())
            .with("max_work_factor", Value::Number(23)),
        all.clone().with("recipients", recipients).with("max_work_factor", Value::Number(256 + 20)),
    ] {
        let error = open(values.clone()).unwrap_err();
        assert_eq!(error.kind(), keyward_plugin::ErrorKind::Invalid, "{values:?}");
        assert!(!error.message().is_empty());
    }
}

#[test]
fn nothing_is_asked_for_before_it_is_used() {
    let values = Values::new()
        .with("recipients", list(&[RECIPIENT]))
        .with("recipients_file", text("/nowhere/%user%"))
        .with("identity", reference("nowhere"))
        .with("passphrase", reference("nowhere"));
    assert!(open(values).is_ok());
}

#[test]
fn only_a_passphrase_authenticates() {
    let sealed_to = open(Values::new().with("recipients", list(&[RECIPIENT]))).unwrap();
    let sealed_with = open(Values::new().with("passphrase", reference("env"))).unwrap();
    assert!(!sealed_to.abilities().authenticates);
    assert!(sealed_with.abilities().authenticates);
}
