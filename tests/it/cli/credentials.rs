//! `set`, `get`, `unset` and `list`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::helpers::home::{Home, me};

fn home() -> Home {
    Home::with_store("--option key.from=file")
}

#[test]
fn one_credential_per_user_until_names_ask_for_more() {
    let home = home();
    for (line, password) in [
        ("set s ann --stdin", "of me"),
        ("set s bob -u b --stdin", "of b"),
        ("set s bobby --user b --name https://example.com --stdin", "of b there"),
        ("set s anna --stdin", "of me, anew"),
    ] {
        home.keyward(line).input(password).run().ends(0).says_nothing().prints("");
    }
    for (line, printed) in [
        ("get s", ""),
        ("get s -n", "anna\n"),
        ("get s -p", "of me, anew\n"),
        ("get s -p -n", "anna\nof me, anew\n"),
        ("get s --password --username --user b", "bob\nof b\n"),
        ("get s -np -u b --name https://example.com", "bobby\nof b there\n"),
        ("get s --raw", "of me, anew"),
        ("get s --raw -p", "of me, anew"),
        ("get s --raw -n", "anna"),
    ] {
        home.keyward(line).run().ends(0).says_nothing().prints(printed);
    }
    home.keyward("get s --raw -n -p").run().ends(2).prints("").says("leave out");
    let listed = home.keyward("list s -u b").run().ends(0);
    let lines: BTreeSet<_> = listed.text().lines().collect();
    assert_eq!(lines, BTreeSet::from(["b", "b\thttps://example.com"]));
    home.keyward("unset s -u b").run().ends(0).says_nothing().prints("");
    home.keyward("list s -u b").run().ends(0).prints("b\thttps://example.com\n");
    home.keyward("get s -u b").run().ends(3);
    home.keyward("get s -u b --name https://example.com").run().ends(0);
}

#[test]
fn json_forms_are_as_documented() {
    let home = home();
    let kind = "user-password";
    home.keyward("set s ann --stdin").input("pässword\"").run().ends(0);
    home.keyward("set s bob -u b --name n --stdin --raw").input(b"\xff\n").run().ends(0);
    for (line, printed) in [
        ("get s --json -n", json!({ "user": me(), "kind": kind, "username": "ann" })),
        (
            "get s --json -np",
            json!({ "user": me(), "kind": kind, "username": "ann", "password": "pässword\"" }),
        ),
        (
            "get s --json -p -u b --name n",
            json!({ "user": "b", "name": "n", "kind": kind, "password_base64": "/wo=" }),
        ),
        ("list s -u b --json", json!({ "user": "b", "name": "n" })),
        ("list --json", json!({ "store": "s" })),
        ("store verify s --json", json!({ "good": 2, "closed": 0, "corrupt": 0 })),
    ] {
        assert_eq!(home.keyward(line).run().ends(0).json(), [printed], "{line}");
    }
    let mut listed = home.keyward("list s --json").run().ends(0).json();
    listed.sort_by_key(ToString::to_string);
    let mut expected = [json!({ "user": "b", "name": "n" }), json!({ "user": me(), "name": null })];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(listed, expected);
}

#[test]
fn what_is_missing_is_exit_3_and_says_so() {
    let home = home();
    home.keyward("set s ann --user there --stdin").input("x").run().ends(0);
    for command in ["get", "unset"] {
        let says = |line: &str, words: &str| {
            home.keyward(&format!("{command} s {line}")).run().ends(3).prints("").says(words);
        };
        says("-u bob", "error: user `bob` has no credentials in store `s`\n");
        says("-u there --name n", "error: user `there` has no entry `n` in store `s`\n");
    }
    home.keyward("unset s -u there").run().ends(0);
    home.keyward("unset s -u there").run().ends(3);
}

#[test]
fn verbosity_goes_to_standard_error() {
    let home = home();
    for (line, log) in [
        ("set s ann -u b --stdin", None),
        ("-v unset s -u b", Some("info: unsetting credentials for user `b` in store `s`\n")),
        ("set s ann -u b --stdin", None),
        ("unset s -u b", None),
        ("-vvvv rm --yes s", Some("info: deleting store `s`\n")),
    ] {
        let ran = home.keyward(line).input("x").run().ends(0).prints("");
        match log {
            Some(log) => drop(ran.says(log)),
            None => drop(ran.says_nothing()),
        }
    }
}

#[test]
fn an_older_record_is_overwritten_whole() {
    let home = home();
    home.keyward("set s ann --stdin").input("a long password indeed").run().ends(0);
    home.keyward("set s a --stdin").input("b").run().ends(0);
    home.keyward("get s -np").run().ends(0).prints("a\nb\n");
    home.keyward("list s").run().ends(0).prints(format!("{}\n", me()));
}
