//! DataLad's variables and settings as a source.

use serde_json::json;

use crate::helpers::home::Home;

/// A home that looks for credentials where DataLad does.
fn home() -> Home {
    let home = Home::new();
    home.run_ok(&["config", "set", "resolve.sources", "datalad"]);
    home
}

/// Sets a setting of git for the user.
fn set(home: &Home, setting: &str, value: &str) {
    home.program("git").args(["config", "--global", setting, value]).run().ends(0);
}

#[test]
fn it_is_off_by_default() {
    let home = Home::new().with("DATALAD_CREDENTIAL_x_token", "canary");
    home.keyward("resolve x").run().ends(3);
    home.run_ok(&["config", "set", "resolve.sources", "environment,stores,datalad"]);
    home.keyward("resolve x").run().ends(0).prints("canary\n");
}

#[test]
fn each_place_of_datalad_overrules_the_one_before() {
    let home = home();
    let line = "resolve my-site --field username";
    let found = |home: &Home, user: &str| {
        home.keyward(line).run().ends(0).says_nothing().prints(format!("{user}\n"));
    };
    let home =
        home.with("DATALAD_my_site_user", "older").with("DATALAD_my_site_password", "canary");
    found(&home, "older");
    set(&home, "datalad.credential.my-site.user", "of git");
    found(&home, "of git");
    let json = r#"{"datalad.credential.my-site.user": "of the json"}"#;
    let home = home.with("DATALAD_CONFIG_OVERRIDES_JSON", json);
    found(&home, "of the json");
    let home = home.with("DATALAD_CREDENTIAL_my__site_user", "newer");
    found(&home, "newer");
    home.keyward("resolve my-site").run().ends(0).prints("canary\n");
}

#[test]
fn the_layout_of_datalad_next_is_read() {
    let home = home();
    for (property, value) in [
        ("type", "aws-s3"),
        ("key-id", "AK"),
        ("secret", "canary"),
        ("session", "canary-session"),
        ("expiration", "2999-01-01T00:00:00Z"),
        ("last-used", "2026-01-01T00:00:00"),
    ] {
        set(&home, &format!("datalad.credential.Our Data é.{property}"), value);
    }
    let resolve = |more: &[&str]| {
        let line = ["resolve", "Our Data é", "--json"];
        home.run(&[&line, more].concat()).ends(0).json().remove(0)
    };
    let expected = json!({
        "name": "Our Data é", "kind": "aws", "sources": ["datalad"],
        "fields": { "access_key_id": "AK" }, "secret": ["secret_access_key", "session_token"],
    });
    assert_eq!(resolve(&[]), expected);
    assert_eq!(resolve(&["--kind", "s3"])["kind"], "s3");
    set(&home, "datalad.credential.Our Data é.expiration", "2001-01-01T00:00:00Z");
    home.run(&["resolve", "Our Data é"]).ends(3).says("the record has expired");
    assert_eq!(resolve(&["--expired"])["kind"], "aws");
}

#[test]
fn the_realm_is_the_only_place_for_the_credential() {
    let home = home();
    set(&home, "datalad.credential.x.realm", "https://data.example.org/login");
    set(&home, "datalad.credential.x.token", "canary");
    home.keyward("resolve x --url https://data.example.org/file").run().ends(0);
    home.keyward("resolve x --url https://data.example.org.evil.test").run().ends(4);
    home.keyward("resolve x --url http://data.example.org").run().ends(4);
}

#[test]
fn a_repository_and_a_dataset_have_no_influence() {
    let home = home();
    home.program("git").args(["init", "-q"]).run().ends(0);
    home.program("git").args(["config", "datalad.credential.x.token", "canary"]).run().ends(0);
    home.write(".datalad/config", "[datalad \"credential.x\"]\n\ttoken = canary\n");
    home.keyward("resolve x").run().ends(3);
    home.keyward("resolve x").env("GIT_DIR", home.path(".git")).run().ends(3);
    set(&home, "datalad.credential.x.token", "of the user");
    home.keyward("resolve x").run().ends(0).prints("of the user\n");
}

#[test]
fn explain_shows_the_variables_and_no_value() {
    let home = home().with("DATALAD_CREDENTIAL_my__x_user", "canary");
    let explained = home.keyward("explain my-x").run().ends(2);
    for place in ["DATALAD_CREDENTIAL_my__x_*", "DATALAD_my_x_*", "datalad.credential.my-x.*"] {
        assert!(explained.text().contains(&format!("  place: {place}\n")), "{}", explained.text());
    }
    assert!(explained.text().contains("  missing: password\n"), "{}", explained.text());
    assert!(!format!("{}{}", explained.text(), explained.err).contains("canary"));
}

#[test]
fn what_is_wrong_is_said_and_not_quoted() {
    for (variables, says) in [
        (&[("DATALAD_CONFIG_OVERRIDES_JSON", "{canary")][..], "is not a JSON object"),
        (
            &[("DATALAD_CREDENTIAL_x_user", "canary"), ("DATALAD_CREDENTIAL_X_user", "canary2")],
            "have different values",
        ),
        (&[("DATALAD_CREDENTIAL_x_type", "x-509")], "no kind for DataLad's type `x-509`"),
        (
            &[("DATALAD_CREDENTIAL_x_token", "t"), ("DATALAD_CREDENTIAL_x_expiration", "canary")],
            "`expiration` is not a time",
        ),
    ] {
        let home = home();
        let run = variables
            .iter()
            .fold(home.keyward("resolve x"), |run, (name, value)| run.env(name, value));
        let run = run.run().ends(2).says(says);
        assert!(!run.err.contains("canary"), "{}", run.err);
    }
    let home = home();
    home.write(".gitconfig", "[canary\n");
    let run = home.keyward("resolve x").run().ends(2).says("line 1");
    assert!(!run.err.contains("canary"), "{}", run.err);
}
