use std::fs;
use std::sync::Arc;

use keyward_plugin::{Backend, Checker, ErrorKind, Host, Options as _, Value, Values};
use keyward_testkit::{Scratch, TestHost};
use keyward_verifier::password;

use super::*;

mod plain {
    use crate::FileChecker;

    keyward_testkit::checker_suite!(
        FileChecker,
        |scratch| {
            let users = b"ann:secret-of-ann\nbob:secret-of-bob\ncarl:x\ncarl:y\n";
            Values::new().with("file", Value::Text(scratch.file("users", users)))
        },
        host = |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", "secret-of-ann")))
                .client(Client::new(Presented::password("bob", "secret-of-bob")))
                .client(Client::new(Presented::password("carl", "secret-of-carl")).disabled())
        },
    );
}

fn open(values: Values) -> Result<FileChecker> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    FileChecker::open(Options::read(&values.complete(Options::TABLE)?)?, &host)
}

fn values(file: String) -> Values {
    Values::new().with("file", Value::Text(file))
}

/// Whether a user is let in with this password.
fn lets_in(checker: &FileChecker, user: &str, secret: &str) -> bool {
    checker.stores().iter().any(|form| {
        let Some(account) = checker.account(user, *form).unwrap() else { return false };
        let name = account.identity.as_str();
        let is_right = |verifier| password(verifier, name, &secret.into()).unwrap_or_default();
        account.denied.is_none() && account.verifiers.iter().any(is_right)
    })
}

/// The layouts of Twisted's own tests, with and without cache (TW-08 and TW-10).
#[test]
fn the_layouts_of_twisted_are_read() {
    let scratch = Scratch::new();
    let layout = |delim: &str, user: u64, password: u64, case_sensitive| {
        Values::new()
            .with("delim", Value::Text(delim.into()))
            .with("user_field", Value::Number(user))
            .with("password_field", Value::Number(password))
            .with("case_sensitive", Value::Flag(case_sensitive))
    };
    for cache in [true, false] {
        for (content, layout) in [
            ("user1:pass1\nuser2:pass2\n", Values::new()),
            ("pass1 dingle dongle user1\npass2 dingle dongle user2\n", layout(" ", 3, 0, true)),
            ("zip,zap,User1,zup,pass1\nzip,zap,User2,zup,pass2\n", layout(",", 2, 4, false)),
        ] {
            let _ = fs::remove_file(scratch.path("users"));
            let file = scratch.file("users", content.as_bytes());
            let values = layout.with("file", Value::Text(file)).with("cache", Value::Flag(cache));
            let checker = open(values).unwrap();
            for (user, password, expected) in [
                ("user1", "pass1", true),
                ("user2", "pass2", true),
                ("user1", "pass2", false),
                ("user2", "pass", false),
                ("user2", "", false),
                ("user3", "pass1", false),
                ("", "", false),
            ] {
                assert_eq!(lets_in(&checker, user, password), expected, "{content} {user}");
            }
        }
    }
}

/// Whatever the client's spelling is, a user has one name (TW-07).
#[test]
fn a_name_without_case_is_in_lower_case() {
    let scratch = Scratch::new();
    let file = scratch.file("users", b"Ann:secret\n");
    let checker = open(values(file).with("case_sensitive", Value::Flag(false))).unwrap();
    let account = checker.account("ANN", VerifierForm::Plaintext).unwrap().unwrap();
    assert_eq!(account.identity.as_str(), "ann");
}

#[test]
fn a_field_can_contain_a_hash() {
    let scratch = Scratch::new();
    let hash = "$2y$05$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHrq";
    let file = scratch.file("users", format!("ann:{hash}:1:2\nbob:{{PLAIN}}secret\n").as_bytes());
    let values = values(file).with("hash", Value::Text("auto".into()));
    let checker = open(values.clone()).unwrap();
    assert!(lets_in(&checker, "ann", "secret") && !lets_in(&checker, "ann", hash));
    assert!(!lets_in(&checker, "bob", "secret"));
    assert!(!checker.stores().contains(&VerifierForm::Plaintext));
    let legacy = open(values.with("legacy", Value::Flag(true))).unwrap();
    assert!(lets_in(&legacy, "bob", "secret"));
}

/// The first or the last of two lines, depending on the cache (T2).
#[test]
fn a_user_in_two_lines_is_refused_with_and_without_cache() {
    let scratch = Scratch::new();
    let file = scratch.file("users", b"ann:first\nann:last\nbob:secret\n");
    for cache in [true, false] {
        let checker = open(values(file.clone()).with("cache", Value::Flag(cache))).unwrap();
        assert!(!lets_in(&checker, "ann", "first") && !lets_in(&checker, "ann", "last"));
        assert!(lets_in(&checker, "bob", "secret"));
    }
}

/// A refusal without cache, another error with it (T3); and a failure for all users (TW-06).
#[test]
fn a_missing_file_is_an_outage_with_and_without_cache() {
    let scratch = Scratch::new();
    for cache in [true, false] {
        let file = scratch.file("users", b"ann:secret\n");
        let checker = open(values(file.clone()).with("cache", Value::Flag(cache))).unwrap();
        assert!(lets_in(&checker, "ann", "secret"));
        fs::remove_file(&file).unwrap();
        for user in ["ann", "nobody"] {
            let error = checker.account(user, VerifierForm::Plaintext).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
    }
}

/// Names and passwords that logged in, and passwords that were cut (T4).
#[test]
fn nothing_empty_and_no_comment_logs_in_and_no_password_is_cut() {
    let scratch = Scratch::new();
    let file = scratch.file("users", b":empty\nann:\n#bob:x\ncarl:blank \ndora:a:b\n");
    let checker = open(values(file)).unwrap();
    for (user, password) in
        [("", "empty"), ("", ""), ("ann", ""), ("#bob", "x"), ("carl", "blank"), ("dora", "a")]
    {
        assert!(!lets_in(&checker, user, password), "{user} {password}");
    }
    assert!(lets_in(&checker, "carl", "blank ") && lets_in(&checker, "dora", "a:b"));
}

/// Names and passwords are bytes of UTF-8 for every server (T5).
#[test]
fn names_and_passwords_are_utf_8() {
    let scratch = Scratch::new();
    let file = scratch.file("users", "J\u{fc}rgen:Stra\u{df}e\n".as_bytes());
    let checker = open(values(file)).unwrap();
    assert!(lets_in(&checker, "J\u{fc}rgen", "Stra\u{df}e"));
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (name, value) in [
        ("delim", Value::Text(String::new())),
        ("user_field", Value::Number(1)),
        ("password_field", Value::Number(256)),
        ("hash", Value::Text("md5".into())),
    ] {
        assert!(open(values("/x".into()).with(name, value)).is_err(), "{name}");
    }
    assert!(open(Values::new()).is_err());
}
