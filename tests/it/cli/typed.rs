//! `set` and `get` with kinds of credentials other than a username and a password.

use serde_json::json;

use crate::helpers::home::{Home, me};

fn home() -> Home {
    Home::with_store("--option key.from=file")
}

const AWS: &str = "set s --name deploy --kind aws --field access_key_id=AKIA --stdin";

#[test]
fn each_kind_is_set_and_printed() {
    let home = home();
    let pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n";
    let uri = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8";
    for (line, input, kept) in [
        ("--kind token", "t0ken\n", "t0ken"),
        ("--kind api-key --field key_id=k", "s3cret\n", "s3cret"),
        ("--kind aws --field access_key_id=AKIA", "s3cret\n", "s3cret"),
        ("--kind ssh-key", pem, pem),
        ("--kind note", "two\nlines\n", "two\nlines\n"),
        ("--kind file --field file_name=x.bin", "\u{0}\n\n", "\u{0}\n\n"),
        ("--kind totp", uri, uri),
        ("--kind generic --field place=here", "s3cret\n", "s3cret"),
        ("--kind http-authorization --field scheme=Bearer", "abc\n", "abc"),
        ("ann --kind token", "t0ken", "t0ken"),
    ] {
        home.keyward(&format!("set s {line} --stdin")).input(input).run().ends(0).says_nothing();
        home.keyward("get s -p --raw").run().ends(0).prints(kept);
        home.keyward("unset s").run().ends(0);
    }
}

#[test]
fn what_set_does_not_name_stays() {
    let home = home();
    home.keyward(&format!("{AWS} --label team=web --expires 2099-01-31"))
        .input("s3cret")
        .run()
        .ends(0);
    home.write("session", "a session\n");
    let more = "set s --name deploy --secret-file session_token=session --label stage=test";
    home.keyward(more).run().ends(0).says_nothing();
    let shown = home.keyward("get s --name deploy --json").run().ends(0).json().remove(0);
    assert_eq!(shown["fields"], json!({ "access_key_id": "AKIA" }));
    assert_eq!(shown["labels"], json!({ "team": "web", "stage": "test" }));
    assert_eq!(shown["expires"], "2099-01-31T00:00:00Z");
    assert_eq!((&shown["user"], &shown["kind"]), (&json!(me()), &json!("aws")));
    let all = home.keyward("get s --name deploy --json --reveal").run().ends(0).json().remove(0);
    let fields = json!({
        "access_key_id": "AKIA", "secret_access_key": "s3cret", "session_token": "a session",
    });
    assert_eq!(all["fields"], fields);
    let remove = "set s --name deploy --remove session_token --label team= --expires never";
    home.keyward(remove).run().ends(0);
    home.keyward("get s --name deploy --field session_token").run().ends(3).prints("");
    home.keyward("get s --name deploy --field secret_access_key").run().ends(0).prints("s3cret\n");
    let shown = home.keyward("get s --name deploy --json").run().ends(0).json().remove(0);
    assert_eq!((&shown["labels"], &shown["expires"]), (&json!({ "stage": "test" }), &json!(null)));
}

#[test]
fn a_secret_field_is_not_taken_from_the_command_line() {
    let home = home();
    let set = home.keyward("set s --kind aws --field access_key_id=AKIA");
    let refused = set.arg("--field").arg("secret_access_key=hunter2").run().ends(2);
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    refused.says("--stdin");
    let set = home.keyward(AWS).arg("--field").arg("session_token=hunter2").input("x");
    let refused = set.run().ends(2).says("--secret session_token");
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    home.keyward("get s --name deploy").run().ends(3);
}

#[test]
fn a_record_that_is_not_complete_is_not_stored() {
    let home = home();
    for (line, why) in [
        ("set s --stdin", "a new entry needs a USERNAME, or --kind"),
        ("set s --kind nope --stdin", "there is no kind `nope`"),
        ("set s --kind accounts --stdin", "internal"),
        ("set s ann --kind note --stdin", "the kind `note` has no username"),
        ("set s --kind aws --stdin", "the record has no field `access_key_id`"),
        ("set s --kind user-password --stdin", "the record has no field `username`"),
        ("set s --kind token --field colour=red --stdin", "the kind `token` has no field `colour`"),
        ("set s --kind token --remove username --stdin", "the record has no field `username`"),
        ("set s --kind token --expires soon --stdin", "--expires: this is not a time"),
        (
            "set s --kind token --expires 2027-01-31T12:00:00 --stdin",
            "--expires: this is not a time",
        ),
        ("set s --kind token --field x --stdin", "--field needs a name"),
        ("set s --kind token --secret-file token=missing", "missing: No such file"),
        ("set s --kind totp --stdin", "otpauth"),
        ("set s --kind ssh-key", "the field `private_key` is not one line"),
        ("set s --origin https://x.example --stdin", "--origin needs a USERNAME"),
    ] {
        home.keyward(line).input("s3cret").run().ends(2).says(why);
        home.keyward("get s").run().ends(3);
    }
}

#[test]
fn a_record_of_another_kind_needs_replace() {
    let home = home();
    home.keyward("set s --kind token --stdin").input("t0ken").run().ends(0);
    home.keyward("set s ann --stdin").input("x").run().ends(2).says("--replace");
    home.keyward("get s -p").run().ends(0).prints("t0ken\n");
    home.keyward("set s --stdin").input("other").run().ends(0);
    home.keyward("get s -p").run().ends(0).prints("other\n");
    home.keyward("set s ann --replace --stdin").input("x").run().ends(0);
    home.keyward("get s -n").run().ends(0).prints("ann\n");
    home.keyward("get s --field token").run().ends(3);
}

#[test]
fn an_expired_record_counts_as_absent() {
    let home = home();
    home.keyward("set s --kind token --expires 2020-01-01 --stdin").input("t").run().ends(0);
    home.keyward("get s").run().ends(3).says("the credential has expired");
    home.keyward("get s -p").run().ends(3).prints("");
    home.keyward("get s -p --expired").run().ends(0).prints("t\n");
    home.keyward("set s --expires 90d").run().ends(0);
    home.keyward("get s -p").run().ends(0).prints("t\n");
    // Another token has another life.
    home.keyward("set s --expires 2020-01-01").run().ends(0);
    home.keyward("set s --stdin").input("new").run().ends(0);
    home.keyward("get s -p").run().ends(0).prints("new\n");
}

#[test]
fn a_code_has_as_many_digits_as_the_uri_says() {
    let home = home();
    let uri = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8";
    home.keyward("set s --kind totp --stdin").input(uri).run().ends(0);
    let code = home.keyward("get s --code").run().ends(0).into_text();
    assert!(code.trim_end().len() == 8 && code.trim_end().bytes().all(|b| b.is_ascii_digit()));
    home.keyward("set s ann --replace --stdin").input("x").run().ends(0);
    home.keyward("get s --code").run().ends(2);
}

#[test]
fn a_time_of_expiry_keeps_its_zone() {
    let home = home();
    for (given, kept) in [
        ("2099-01-31", "2099-01-31T00:00:00Z"),
        ("2099-01-31T12:00:00Z", "2099-01-31T12:00:00Z"),
        ("2099-01-31T12:00:00+02:00", "2099-01-31T10:00:00Z"),
    ] {
        let line = format!("set s --kind token --expires {given} --stdin");
        home.keyward(&line).input("t").run().ends(0);
        assert_eq!(home.keyward("get s --json").run().ends(0).json()[0]["expires"], kept);
    }
}

#[test]
fn a_field_that_the_record_calls_secret_is_secret() {
    let home = home();
    home.write("pin", "1234\n");
    home.keyward("set s --kind generic --secret-file pin=pin --stdin").input("x").run().ends(0);
    home.keyward("set s --field pin=9999").run().ends(2).says("--secret pin");
    home.keyward("get s --field pin").run().ends(0).prints("1234\n");
}
