//! The users of a store.

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

fn home() -> Home {
    let home = Home::in_memory();
    home.init("people", "file", "aes-gcm");
    home
}

fn check(home: &Home, more: &str, user: &str, password: &str) -> Finished {
    let line = format!("auth check --auth store:people --stdin {more} {user}");
    home.keyward(&line).input(password).run()
}

#[test]
fn a_user_is_added_changed_listed_and_removed() {
    let home = home();
    let add = home.keyward("auth add ann --store people --stdin --scram --realm Staff");
    add.input("first").run().ends(0).says_nothing();
    home.keyward("auth add ann --store people --stdin").input("x").run().ends(2).says("already");
    assert_eq!(check(&home, "", "ann", "first").ends(0).text(), "ann\n");
    for (user, password) in [("ann", "second"), ("bob", "first")] {
        check(&home, "", user, password).ends(9);
    }
    let listed = home.keyward("auth list --store people --json").run().ends(0).json();
    let verifiers = serde_json::json!(["password-hash", "scram-sha-256", "ha1"]);
    assert_eq!((&listed[0]["user"], &listed[0]["verifiers"]), (&"ann".into(), &verifiers));

    // A new password replaces everything that was made from the old one.
    let before = home.keyward("get people -u ann --json --reveal").run().ends(0).json();
    home.keyward("auth passwd ann --store people --stdin").input("second").run().ends(0);
    let after = home.keyward("get people -u ann --json --reveal").run().ends(0).json();
    for field in ["password_hash", "scram_sha_256", "ha1"] {
        let (before, after) = (&before[0]["fields"][field], &after[0]["fields"][field]);
        assert!(before.is_string() && after.is_string() && before != after, "{field}");
    }
    check(&home, "", "ann", "first").ends(9);
    check(&home, "", "ann", "second").ends(0);

    home.keyward("auth remove ann --store people").run().ends(0);
    check(&home, "", "ann", "second").ends(9).says("no checker knows the user");
    home.keyward("auth remove ann --store people").run().ends(3);
}

#[test]
fn a_second_factor_is_kept_beside_the_password() {
    let home = home();
    let line = "auth add ann --store people --stdin --totp --recovery-codes";
    let made = home.keyward(line).input("pw").run().ends(0).into_text();
    let lines: Vec<_> = made.lines().collect();
    assert_eq!(lines.len(), 11, "{made}");
    let secret = lines[0].split_once("secret=").unwrap().1.split('&').next().unwrap();
    let mut oathtool = std::process::Command::new("oathtool");
    let output = oathtool.args(["--totp", "--base32", secret]).output().unwrap();
    let code = home.write("code", String::from_utf8(output.stdout).unwrap());
    let policy = ["--auth-policy", "password and one-time-password", "--code-file"];
    let check = |password: &str, code: &str| {
        let check = home.keyward("auth check ann --auth store:people --stdin").args(policy);
        check.args([code]).input(password).run()
    };
    let code = code.to_str().unwrap();
    check("pw", code).ends(0);
    check("no", code).ends(9);
    let wrong = home.write("wrong", "000000\n");
    check("pw", wrong.to_str().unwrap()).ends(9);
}

#[test]
fn the_records_of_clients_are_users_too_and_the_linter_says_what_is_weak() {
    let home = home();
    home.keyward("set people -u bob bob --stdin").input("plain").run().ends(0);
    home.keyward("set people -u note --kind note --stdin").input("no user").run().ends(0);
    assert_eq!(check(&home, "", "bob", "plain").ends(0).text(), "bob\n");
    check(&home, "", "note", "no user").ends(9);
    let found = home.keyward("auth lint --store people").run().ends(1);
    assert_eq!(found.text(), "bob: the password is stored as it is\n");
    home.keyward("auth passwd bob --store people --stdin").input("x").run().ends(2).says("set");
    home.keyward("unset people -u bob").run().ends(0);
    home.keyward("auth add ann --store people --stdin").input("pw").run().ends(0);
    home.keyward("auth lint --store people").run().ends(0);
}

#[test]
fn a_disabled_user_and_one_who_has_expired_are_refused() {
    let home = home();
    home.keyward("auth add ann --store people --stdin").input("pw").run().ends(0);
    home.keyward("set people -u ann --field denied=disabled").run().ends(0);
    check(&home, "", "ann", "pw").ends(9).says("the account is disabled");
    let token = home.keyward("set people -u robot --kind token --stdin --expires 2020-01-01");
    token.input("opaque").run().ends(0);
    let line = "auth check --auth store:people --kind token --stdin robot";
    home.keyward(line).input("opaque").run().ends(9).says("has expired");
    home.keyward("set people -u robot --expires never").run().ends(0);
    home.keyward(line).input("opaque").run().ends(0);
    home.keyward(line).input("other").run().ends(9);
}

#[test]
fn a_store_that_cannot_be_opened_is_no_refusal() {
    let home = home();
    home.keyward("auth check --auth store:missing --stdin ann").input("x").run().ends(2);
    home.write(".local/share/keyward/stores/damaged", "");
    home.keyward("auth add ann --store people --stdin").input("pw").run().ends(0);
    home.keyward("auth check --auth store --stdin ann").input("pw").run().ends(2);
}

#[test]
fn a_weak_hash_is_replaced_at_login_if_that_is_wanted() {
    let home = home();
    let weak = "auth add ann --store people --stdin --scheme sha512-crypt --cost 1000";
    home.keyward(weak).input("pw").run().ends(0);
    let file = home.path("users").display().to_string();
    let line = format!("auth add ann --file {file} --stdin --scheme apr1 --legacy");
    home.keyward(&line).input("pw").run().ends(0);
    for (auth, place) in [
        ("store:people", "--store people"),
        (&*format!("htpasswd:{file}"), &*format!("--file {file}")),
    ] {
        let lint = || home.keyward(&format!("auth lint {place}")).run();
        let check = |password: &str, more: &str| {
            let check = home.keyward(&format!("auth check ann --stdin {more}"));
            check.args(["--auth", auth]).input(password).run()
        };
        lint().ends(1);
        check("no", "--rehash").ends(9);
        check("pw", "").ends(0);
        lint().ends(1);
        check("pw", "--rehash").ends(0);
        lint().ends(0);
        check("pw", "--rehash").ends(0);
        check("no", "").ends(9);
    }
}

#[test]
fn what_has_no_effect_is_refused_and_a_generated_password_is_shown() {
    let home = home();
    let file = home.path("users").display().to_string();
    for option in ["--scram", "--totp", "--recovery-codes"] {
        let line = format!("auth add ann --file {file} --stdin {option}");
        home.keyward(&line).input("pw").run().ends(2).says("is for stores");
    }
    let places = [
        ("--store people".to_owned(), "store:people".to_owned()),
        (format!("--file {file}"), format!("htpasswd:{file}")),
    ];
    for (place, auth) in places {
        let add = home.keyward(&format!("auth add ann {place} --generate")).run().ends(0);
        let password = add.into_text();
        let check = |more: &[&str]| {
            let check = home.keyward("auth check ann --stdin").args(["--auth", &auth]);
            check.args(more).input(&password).run()
        };
        check(&[]).ends(0);
        check(&["--code-file", "/missing"]).ends(2).says("no policy needs the code");
    }
}
