//! `resolve --confirm` and `--reject`.

use crate::helpers::home::Home;

const TOKEN: &str = "resolve mail --kind token";

fn home() -> Home {
    let home = Home::in_memory();
    home.init("s", "file", "aes-gcm");
    home
}

fn say(home: &Home, line: &str, input: impl AsRef<[u8]>, done: &str) {
    let line = format!("-v {line}");
    let ran = home.keyward(&line).input(input).run().ends(0).prints("");
    assert_eq!(ran.err, format!("info: {done}\n"), "{line}");
}

const STORED: &str = "the credential is stored in the store `s`";
const REJECTED: &str = "the credential is marked as rejected in `s`";
const NO_STORE: &str = "no store has it";

#[test]
fn a_value_is_stored_after_it_worked_and_absent_after_it_was_refused() {
    let home = home();
    home.keyward(TOKEN).run().ends(5);
    // What was never stored cannot be marked.
    say(&home, &format!("{TOKEN} --reject"), "wrong\n", NO_STORE);
    home.keyward("get s --name mail").run().ends(3);
    say(&home, &format!("{TOKEN} --confirm"), "t0ken\n", STORED);
    home.keyward("resolve mail").run().ends(0).prints("t0ken\n");
    say(&home, "resolve mail --confirm", "t0ken\n", "nothing is stored: a source already has it");

    say(&home, "resolve mail --reject", "another\n", NO_STORE);
    home.keyward("resolve mail").run().ends(0).prints("t0ken\n");
    say(&home, "resolve mail --reject", "t0ken\n", REJECTED);
    home.keyward("resolve mail").run().ends(3).says("default store: its secret was rejected on 2");
    home.keyward(TOKEN).run().ends(5).says("has to ask");
    let explained = home.keyward("explain mail --kind token").run().ends(5);
    assert!(explained.text().contains("default store: absent\n  because: its secret was rejected"));
    // The entry itself stays.
    let shown = home.keyward("get s --name mail --json --reveal").run().ends(0).json();
    assert_eq!(shown[0]["fields"]["token"], "t0ken");
    assert!(shown[0]["labels"]["keyward.rejected"].is_string(), "{shown:?}");

    say(&home, &format!("{TOKEN} --confirm"), "n3w\n", STORED);
    home.keyward("resolve mail").run().ends(0).prints("n3w\n");
    let shown = home.keyward("get s --name mail --json").run().ends(0).json();
    assert!(shown[0]["labels"].is_null(), "{shown:?}");
    for (again, value) in [("n3w", "n3w\n"), ("other", "other\n")] {
        let stored = home.keyward("resolve mail").run().ends(0).out;
        say(&home, "resolve mail --reject", stored, REJECTED);
        home.keyward("resolve mail").run().ends(3);
        home.keyward("set s --name mail --stdin").input(again).run().ends(0);
        home.keyward("resolve mail").run().ends(0).prints(value);
    }
}

#[test]
fn a_whole_credential_is_confirmed_as_json() {
    let home = home();
    let json = |password: &str, sources: &str| {
        format!(
            r#"{{"name":"mail","kind":"user-password","sources":[{sources}],"fields":{{"password":"{password}","username":"ann"}},"secret":["password"]}}"#
        )
    };
    home.keyward("resolve mail --kind user-password --confirm")
        .input("x")
        .run()
        .ends(2)
        .says("username");
    say(&home, "resolve mail --json --confirm", json("s3cret", "\"prompt\""), STORED);
    let printed = home.keyward("resolve mail --json --reveal").run().ends(0).out;
    assert_eq!(
        String::from_utf8(printed.clone()).unwrap().trim_end(),
        json("s3cret", "\"default store\"")
    );
    let from = "nothing is stored: a value comes from the source `environment`";
    say(&home, "resolve mail --json --confirm", json("other", "\"prompt\",\"environment\""), from);
    home.keyward("resolve mail").run().ends(0).prints("s3cret\n");
    // A password alone is enough for an entry that is there.
    say(&home, "resolve mail --confirm", "an0ther", STORED);
    home.keyward("resolve mail --field username").run().ends(0).prints("ann\n");
    say(&home, "resolve mail --json --reject", &printed, NO_STORE);
    say(&home, "resolve mail --json --reject", json("an0ther", ""), REJECTED);
    home.keyward("resolve mail").run().ends(3);
    for (input, says) in [
        ("", "not JSON"),
        ("{\"kind\":\"token\"}", "lacks the main secret"),
        ("{\"fields\":{}}", "no kind"),
        ("{\"kind\":\"token\",\"fields\":{\"tokn\":\"canary\"}}", "has no field `tokn`"),
    ] {
        let ran =
            home.keyward("resolve mail --json --confirm").input(input).run().ends(2).says(says);
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    }
}

#[test]
fn a_value_of_the_environment_is_not_stored() {
    let home = home().with("KEYWARD_CREDENTIAL_MAIL_TOKEN", "t0ken");
    for (word, done) in
        [("confirm", "nothing is stored: a source already has it"), ("reject", NO_STORE)]
    {
        say(&home, &format!("resolve mail --{word}"), "t0ken\n", done);
    }
    home.keyward("get s --name mail").run().ends(3);
}

#[test]
fn an_expired_value_that_works_is_valid_again() {
    let home = home();
    let set = "set s --name mail --kind token --stdin --expires 2000-01-01";
    home.keyward(set).input("t0ken").run().ends(0);
    home.keyward("resolve mail").run().ends(3);
    say(&home, &format!("{TOKEN} --confirm"), "t0ken", STORED);
    home.keyward("resolve mail").run().ends(0).prints("t0ken\n");
}

#[test]
fn a_credential_that_is_typed_for_a_url_is_bound_to_its_origin() {
    let home = home();
    let url = "--url https://mail.example.com/inbox";
    say(&home, &format!("{TOKEN} {url} --confirm"), "t0ken", STORED);
    home.keyward(&format!("{TOKEN} {url}")).run().ends(0).prints("t0ken\n");
    home.keyward("resolve mail --url https://example.org").run().ends(4);
}

#[test]
fn what_does_not_fit_is_refused() {
    let home = home();
    home.keyward("set s ann --name mail --stdin").input("s3cret").run().ends(0);
    home.keyward(&format!("{TOKEN} --confirm")).input("t").run().ends(2).says("user-password");
    home.keyward("resolve other --confirm").input("t").run().ends(2).says("--kind");
    home.keyward("resolve mail --confirm").run().ends(2).says("no value");
    home.keyward("resolve mail --confirm --reject").input("t").run().ends(2);
    home.keyward("resolve mail --confirm --force-ask").input("t").run().ends(2);
    let home = Home::new();
    home.keyward(&format!("{TOKEN} --reject")).input("t").run().ends(0);
    home.keyward(&format!("{TOKEN} --confirm")).input("t").run().ends(2).says("keyward init");
}
