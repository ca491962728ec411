use std::fmt::Arguments;
use std::sync::Mutex;
use std::time::Duration;

use keyward_plugin::{ErrorKind, Level, Options as _, Secret, Timestamp, Value, Values};
use keyward_testkit::TestHost;

use super::*;

fn cheap() -> Values {
    Values::new().with("memory_kib", Value::Number(8 << 10)).with("iterations", Value::Number(1))
}

fn open(values: &Values, host: impl Host + 'static) -> Result<PassphraseKey> {
    let host: Arc<dyn Host> = Arc::new(host);
    let values = values.clone().complete(Options::TABLE)?;
    PassphraseKey::open(Options::read(&values)?, &host)
}

fn id() -> KeyId {
    KeyId::default()
}

#[test]
fn costs_out_of_bounds_do_not_open() {
    for (name, bad) in
        [("memory_kib", 8), ("memory_kib", u64::MAX), ("iterations", 0), ("lanes", 9)]
    {
        let error = open(&cheap().with(name, Value::Number(bad)), TestHost::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn without_parameters_it_is_the_passphrase_as_typed() {
    let source = open(&cheap(), TestHost::new().answer(" correct horse ")).unwrap();
    assert_eq!(source.load(&id(), &[]).unwrap().expose(), b" correct horse ");
}

#[test]
fn another_passphrase_makes_another_key() {
    let source = open(&cheap(), TestHost::new().answer("one").answer("two")).unwrap();
    let created = source.create(&id()).unwrap();
    assert_ne!(source.load(&id(), &created.parameters).unwrap().secret, created.key);
}

#[test]
fn two_keys_of_one_passphrase_differ_and_both_open() {
    let source = open(&cheap(), TestHost::new().always_answer("one")).unwrap();
    let [first, second] = [(), ()].map(|()| source.create(&id()).unwrap());
    assert_ne!(first.key, second.key);
    for created in [first, second] {
        assert_eq!(source.load(&id(), &created.parameters).unwrap().secret, created.key);
    }
}

#[test]
fn a_passphrase_from_a_reference_needs_no_prompt() {
    let reference = SecretRef { from: "file".into(), options: Values::new() };
    let values = cheap().with("passphrase", Value::Secret(reference));
    let elsewhere = open(&values, TestHost::new().secret("file", "correct horse")).unwrap();
    let typed = open(&cheap(), TestHost::new().answer("correct horse")).unwrap();
    let created = elsewhere.create(&id()).unwrap();
    assert_eq!(typed.load(&id(), &created.parameters).unwrap().secret, created.key);
}

#[test]
fn empty_and_too_long_passphrases_are_refused() {
    for bad in [String::new(), "x".repeat(MAX_PASSPHRASE + 1)] {
        let source = open(&cheap(), TestHost::new().always_answer(bad)).unwrap();
        assert_eq!(source.create(&id()).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(source.load(&id(), &[]).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn only_a_new_passphrase_is_asked_for_twice() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let source = open(&cheap(), Asked(Arc::clone(&asked))).unwrap();
    let created = source.create(&id()).unwrap();
    source.load(&id(), &created.parameters).unwrap();
    assert_eq!(*asked.lock().unwrap(), [true, false]);
}

#[test]
fn hostile_parameters_are_refused_without_a_prompt() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let source = open(&cheap(), Asked(Arc::clone(&asked))).unwrap();
    source.load(&id(), &[0xff; 29]).unwrap_err();
    assert!(asked.lock().unwrap().is_empty());
}

/// A host that records whether each prompt had to be confirmed.
#[derive(Debug)]
struct Asked(Arc<Mutex<Vec<bool>>>);

impl Host for Asked {
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        self.0.lock()?.push(prompt.confirm);
        Ok(Secret::from("correct horse"))
    }

    fn secret(&self, _: &SecretRef) -> Result<Loaded> {
        unreachable!("there is no reference")
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn log(&self, _: Level, _: Arguments<'_>) {}

    fn remaining(&self) -> Option<Duration> {
        None
    }
}

mod suite {
    use super::{PassphraseKey, cheap};

    keyward_testkit::key_suite!(
        PassphraseKey,
        |_| cheap(),
        host = |_| TestHost::new().always_answer("correct horse")
    );
}
