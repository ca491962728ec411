use keyward_plugin::{ErrorKind, Field, Presented, Value, Values};
use keyward_testkit::{Client, MemorySource, TestHost};
use keyward_verifier::{fingerprint, hash};

use super::*;

fn put(source: &MemorySource, user: &str, name: Option<&str>, record: &Record) {
    source.put(&EntryId::new(user, name).unwrap(), record).unwrap();
}

fn with_hash(password: &str) -> Record {
    let hash = hash::make(hash::Scheme::Bcrypt, &password.into(), Some(4)).unwrap();
    record::with_verifiers(Record::new("verifiers"), VerifierForm::PasswordHash, &[hash])
}

fn users() -> Arc<MemorySource> {
    let source = MemorySource::listing();
    put(&source, "ann", None, &with_hash("made-up-password"));
    let disabled = with_hash("other-password").with("denied", Field::open("disabled"));
    put(&source, "bob", None, &disabled);
    let plain = Record::new("user-password").with("password", Field::secret("third-password"));
    put(&source, "cid", None, &plain);
    put(&source, "cid", Some("web"), &with_hash("web-password"));
    put(&source, "dan", None, &Record::new("note").with("text", Field::secret("a long note")));
    let mark = fingerprint(b"an opaque token");
    let token = record::with_verifiers(
        Record::new("verifiers"),
        VerifierForm::Token,
        std::slice::from_ref(&mark),
    )
    .with("username", Field::open("robot"));
    put(&source, mark.expose_str().unwrap(), None, &token);
    Arc::new(source)
}

fn host() -> TestHost {
    TestHost::new()
        .source("people", users())
        .client(Client::new(Presented::password("ann", "made-up-password")))
        .client(Client::new(Presented::password("cid", "third-password")))
        .client(Client::new(Presented::password("bob", "other-password")).disabled())
}

fn values() -> Values {
    Values::new().with("store", Value::Text("people".into()))
}

keyward_testkit::checker_suite!(StoreChecker, |_| super::values(), host = |_| super::host());

fn open(values: &Values) -> StoreChecker {
    let values = values.clone().complete(<Options as keyward_plugin::Options>::TABLE).unwrap();
    let options = <Options as keyward_plugin::Options>::read(&values).unwrap();
    let host: Arc<dyn Host> = Arc::new(host());
    StoreChecker::open(options, &host).unwrap()
}

#[test]
fn an_entry_with_a_name_can_be_meant() {
    let checker = open(&values().with("entry", Value::Text("web".into())));
    let account = checker.account("cid", VerifierForm::PasswordHash).unwrap().unwrap();
    assert_eq!(account.verifiers.len(), 1);
    assert_eq!(checker.account("ann", VerifierForm::PasswordHash).unwrap(), None);
    assert!(checker.example(7, VerifierForm::PasswordHash).unwrap().is_some());
    assert!(checker.example(7, VerifierForm::Plaintext).unwrap().is_none());
}

#[test]
fn a_token_finds_its_owner() {
    let mark = fingerprint(b"an opaque token");
    let checker = open(&values());
    let account =
        checker.account(mark.expose_str().unwrap(), VerifierForm::Token).unwrap().unwrap();
    assert_eq!((account.identity.as_str(), account.verifiers.len()), ("robot", 1));
}

#[test]
fn a_user_with_another_record_is_unknown_and_a_disabled_one_is_known() {
    let checker = open(&values());
    assert_eq!(checker.account("dan", VerifierForm::Plaintext).unwrap(), None);
    let bob = checker.account("bob", VerifierForm::PasswordHash).unwrap().unwrap();
    assert_eq!(bob.denied, Some(Denial::Disabled));
}

#[test]
fn a_store_that_fails_is_no_unknown_user() {
    let source = Arc::new(MemorySource::listing());
    source.fail_after(Some(0));
    let host: Arc<dyn Host> = Arc::new(TestHost::new().source("people", source.clone()));
    let options = Options { store: StoreRef("people".into()), entry: None };
    let checker = StoreChecker::open(options, &host).unwrap();
    let _ = source.put(&EntryId::new("x", None).unwrap(), &with_hash("p"));
    let error = checker.account("ann", VerifierForm::PasswordHash).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let options = Options { store: StoreRef("other".into()), entry: None };
    assert!(StoreChecker::open(options, &host).is_err());
}

#[test]
fn another_name_of_a_disabled_user_does_not_help() {
    let source = users();
    let alias = with_hash("alias-password").with("username", Field::open("bob"));
    put(&source, "robert", None, &alias);
    let host: Arc<dyn Host> = Arc::new(TestHost::new().source("people", source));
    let options = Options { store: StoreRef("people".into()), entry: None };
    let checker = StoreChecker::open(options, &host).unwrap();
    let account = checker.account("robert", VerifierForm::PasswordHash).unwrap().unwrap();
    assert_eq!((account.identity.as_str(), account.denied), ("bob", Some(Denial::Disabled)));
}
