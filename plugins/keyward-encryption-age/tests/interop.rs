//! The real programs `age` and `age-keygen` open what the backend sealed, and the reverse.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::process::{Command, Output};
use std::sync::Arc;

use keyward_encryption_age::{Age, Options};
use keyward_plugin::{
    Backend, Context, Encryption, EntryId, Host, Options as _, Secret, SecretRef, StoreId, Value,
    Values,
};
use keyward_testkit::{Scratch, TestHost};

const PLAIN: &[u8] = b"user = \"ann\"\npassword = \"\xc3\xa9\x00\xff\"\n";
const PASSPHRASE: &str = "correct horse";

/// A key pair that `age-keygen` made: the path of the identity, and the recipient.
fn key_pair(scratch: &Scratch, name: &str) -> (String, String) {
    let path = scratch.path(name);
    run(Command::new("age-keygen").args(["-o", &path]));
    let shown = run(Command::new("age-keygen").args(["-y", &path]));
    (path, String::from_utf8(shown.stdout).unwrap().trim().to_owned())
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {told}");
    output
}

/// Runs `age` on a terminal and types the passphrase whenever it asks for one.
fn age_on_a_terminal(arguments: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/age.exp");
    run(Command::new("expect").args([script, PASSPHRASE]).args(arguments));
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn reference() -> Value {
    Value::Secret(SecretRef { from: "vault".to_owned(), options: Values::new() })
}

fn open(values: Values) -> Age {
    let host: Arc<dyn Host> = Arc::new(TestHost::new().secret("vault", PASSPHRASE));
    Age::open(Options::read(&values.complete(Options::TABLE).unwrap()).unwrap(), &host).unwrap()
}

fn with_context<T>(run: impl FnOnce(&Context<'_>) -> T) -> T {
    run(&Context::new(StoreId([1; 16]), &EntryId::new("ann", None).unwrap()))
}

fn seal(age: &Age) -> Vec<u8> {
    with_context(|context| age.seal(&Secret::from(PLAIN), context)).unwrap()
}

fn unseal(age: &Age, path: &str) -> Secret {
    let blob = std::fs::read(path).unwrap();
    with_context(|context| age.unseal(&blob, context)).unwrap()
}

#[test]
fn age_opens_what_was_sealed_to_a_recipient() {
    let scratch = Scratch::new();
    let (ann, recipient) = key_pair(&scratch, "ann.key");
    let (spare, spare_recipient) = key_pair(&scratch, "spare.key");
    scratch.file("ann.pub", recipient.as_bytes());
    for armor in [false, true] {
        let blob = seal(&open(
            Values::new()
                .with("recipients", Value::List(vec![spare_recipient.clone()]))
                .with("recipients_file", text(&scratch.path("%user%.pub")))
                .with("armor", Value::Flag(armor)),
        ));
        let sealed = scratch.file(if armor { "armored" } else { "binary" }, &blob);
        assert_eq!(blob.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----\n"), armor);
        for identity in [&ann, &spare] {
            let opened = run(Command::new("age").args(["-d", "-i", identity, &sealed]));
            assert_eq!(opened.stdout, PLAIN);
        }
    }
}

#[test]
fn what_age_sealed_to_a_recipient_opens() {
    let scratch = Scratch::new();
    let (identity, recipient) = key_pair(&scratch, "keys.txt");
    let plain = scratch.file("plain", PLAIN);
    let age = open(
        Values::new()
            .with("recipients", Value::List(vec![recipient.clone()]))
            .with("identity_file", text(&identity)),
    );
    for (name, armor) in [("binary", None), ("armored", Some("-a"))] {
        let sealed = scratch.path(name);
        run(Command::new("age").args(armor).args(["-r", &recipient, "-o", &sealed, &plain]));
        assert_eq!(unseal(&age, &sealed).expose(), PLAIN);
    }
}

#[test]
fn an_identity_that_age_protected_with_a_passphrase_opens_records() {
    let scratch = Scratch::new();
    let (identity, recipient) = key_pair(&scratch, "keys.txt");
    // Its permissions stay while age writes into it.
    let protected = scratch.file("keys.age", b"");
    age_on_a_terminal(&["-p", "-a", "-o", &protected, &identity]);
    let age = open(
        Values::new()
            .with("recipients", Value::List(vec![recipient]))
            .with("identity_file", text(&protected))
            .with("passphrase", reference()),
    );
    let sealed = scratch.file("sealed", &seal(&age));
    assert_eq!(unseal(&age, &sealed).expose(), PLAIN);
}

#[test]
fn a_passphrase_opens_records_on_either_side() {
    let scratch = Scratch::new();
    let age = open(Values::new().with("passphrase", reference()));
    let blob = seal(&age);
    let header = String::from_utf8_lossy(&blob[..100]).into_owned();
    let stanza = header.lines().nth(1).unwrap();
    assert!(stanza.starts_with("-> scrypt ") && stanza.ends_with(" 18"), "{stanza}");

    let (sealed, opened) = (scratch.file("sealed", &blob), scratch.path("opened"));
    age_on_a_terminal(&["-d", "-o", &opened, &sealed]);
    assert_eq!(std::fs::read(&opened).unwrap(), PLAIN);

    let again = scratch.path("again");
    age_on_a_terminal(&["-p", "-o", &again, &opened]);
    assert_eq!(unseal(&age, &again).expose(), PLAIN);
}
