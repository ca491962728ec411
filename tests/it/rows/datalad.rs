//! Rows A1 to A10 and F1 to F16: DataLad's credentials, and the manager of DataLad-next.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::{home, home_with_answers, questions};
use crate::helpers::home::Home;

const USER: &str = "KEYWARD_CREDENTIAL_SITE_USERNAME";
const PASSWORD: &str = "KEYWARD_CREDENTIAL_SITE_PASSWORD";

#[test]
fn a1_a_new_credential_is_asked_for_in_the_order_of_its_fields_and_stored() {
    let home = home_with_answers();
    let typed = home.keyward("resolve site --kind user-password --json --reveal").run().ends(0);
    assert_eq!(questions(&home), "Username, Password, Repeat for confirmation");
    home.keyward("resolve site --json --confirm").input(typed.text()).run().ends(0);
    home.keyward("resolve site --field username").run().ends(0).prints("ann\n");
    home.keyward("resolve site").run().ends(0).prints("typed\n");
    assert_eq!(questions(&home), "");
}

#[test]
fn a2_a_field_that_is_given_is_not_asked_for() {
    let home = home_with_answers().with(USER, "given");
    let line = "resolve site --kind user-password --merge --json";
    let found = home.keyward(line).run().ends(0).json();
    assert_eq!(found[0]["fields"], json!({ "username": "given" }));
    assert_eq!(found[0]["sources"], json!(["environment", "prompt"]));
    assert_eq!(questions(&home), "Password, Repeat for confirmation");
}

#[test]
fn a3_a_field_that_the_kind_does_not_have_is_an_error_that_names_it() {
    let home = home_with_answers().with("KEYWARD_CREDENTIAL_SITE_PASWORD", "canary");
    let run = home.keyward("resolve site --kind user-password").run().ends(2).says("`pasword`");
    assert!(!run.err.contains("canary"));
    let set = home.keyward("set s --name site --kind token --field colour=red --stdin").input("t");
    set.run().ends(2).says("`colour`");
    assert_eq!(questions(&home), "");
}

#[test]
fn a4_only_what_is_missing_is_asked_for_and_later_nothing() {
    let home = home_with_answers();
    home.keyward("resolve site --kind token").run().ends(0).prints("typed\n");
    assert_eq!(questions(&home), "Token");
    home.keyward("resolve site --kind token --confirm").input("typed\n").run().ends(0);
    for _ in 0..2 {
        home.keyward("resolve site --kind token").run().ends(0).prints("typed\n");
    }
    assert_eq!(questions(&home), "");
}

#[test]
fn a5_force_ask_asks_again() {
    let home = home_with_answers();
    home.keyward("set s --name site --kind token --stdin").input("stored").run().ends(0);
    home.keyward("resolve site --kind token").run().ends(0).prints("stored\n");
    home.keyward("resolve site --kind token --force-ask").run().ends(0).prints("typed\n");
    assert_eq!(questions(&home), "Token");
    home.keyward("set s --name site --kind token --stdin").input("typed").run().ends(0);
    home.keyward("resolve site --kind token").run().ends(0).prints("typed\n");
}

#[test]
fn a7_both_environment_forms_work_and_a_part_of_a_credential_is_not_known() {
    let home = home();
    home.run_ok(&["config", "set", "resolve.sources", "datalad"]);
    for (user, password) in [
        ("DATALAD_CREDENTIAL_my__site_user", "DATALAD_CREDENTIAL_my__site_password"),
        ("DATALAD_my_site_user", "DATALAD_my_site_password"),
    ] {
        let resolve = || home.keyward("resolve my-site").env(user, "u");
        resolve().env(password, "p").run().ends(0).prints("p\n");
        resolve().run().ends(2).says("no field `password`").prints("");
        home.keyward("resolve my-site").run().ends(3);
    }
}

#[test]
fn a8_what_is_half_deleted_is_deleted_without_an_error() {
    let home = home();
    home.write(".gitconfig", "[datalad \"credential.x\"]\n\tuser = ann\n");
    let file = ".local/share/python_keyring/keyring_pass.cfg";
    let path = home.write(file, "[datalad_2Dx]\nsecret = cw==\npassword = cA==\n");
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    for removed in [json!(["x: password"]), json!([])] {
        let run = home.keyward("import datalad s --clean-up --json").run().ends(0);
        assert_eq!(run.json()[0]["removed"], removed);
    }
    // An entry is one record, so there is no half of it: it is there, or it is not.
    home.keyward("unset s --name x").run().ends(0);
    home.keyward("unset s --name x").run().ends(3);
}

/// A home in which git's `store` helper has an account.
fn home_with_git() -> Home {
    let home = home();
    home.write(".gitconfig", "[credential]\n\thelper = store\n");
    let account = "protocol=https\nhost=x.example\nusername=ann\npassword=of git\n";
    home.program("git").args(["credential", "approve"]).input(account).run().ends(0);
    home
}

#[test]
fn a9_git_is_read_for_a_url_and_one_field_can_be_overruled() {
    let home = home_with_git();
    let line = "resolve site --url https://x.example/a.git --json --reveal";
    let found = home.keyward(line).run().ends(0).json();
    assert_eq!(found[0]["fields"], json!({ "username": "ann", "password": "of git" }));
    let merged = home.keyward(&format!("{line} --merge")).env(PASSWORD, "p").env(USER, "");
    assert_eq!(
        merged.run().ends(0).json()[0]["fields"],
        json!({ "username": "ann", "password": "p" })
    );
    home.keyward(line).env(PASSWORD, "p").run().ends(2).says("no field `username`");
    home.keyward("resolve site --url https://y.example").run().ends(3);
    home.keyward("resolve site").run().ends(3);
}

#[test]
fn a10_git_has_it_under_any_name_until_it_is_deleted() {
    let home = home_with_git();
    for name in ["site", "another.name", "x"] {
        let line = format!("resolve {name} --url https://x.example");
        home.keyward(&line).run().ends(0).prints("of git\n");
    }
    for _ in 0..2 {
        let git = home.program("git").args(["credential", "reject"]);
        git.input("protocol=https\nhost=x.example\n").run().ends(0);
        home.keyward("resolve site --url https://x.example").run().ends(3);
    }
}

#[test]
fn f1_without_a_name_nothing_is_looked_for() {
    let home = home();
    home.run(&["resolve"]).ends(2);
    home.run(&["resolve", ""]).ends(2);
    home.run(&["resolve", "--url", "https://x.example"]).ends(2);
}

#[test]
fn f4_a_secret_is_read_from_an_override() {
    let home = home();
    home.run_ok(&["config", "set", "resolve.sources", "datalad"]);
    home.write(".gitconfig", "[datalad \"credential.x\"]\n\ttype = token\n\tsecret = old\n");
    home.keyward("resolve x").run().ends(0).prints("old\n");
    let json = r#"{"datalad.credential.x.secret": "new"}"#;
    let resolve = home.keyward("resolve x").env("DATALAD_CONFIG_OVERRIDES_JSON", json);
    resolve.run().ends(0).prints("new\n");
    home.keyward("resolve x").env("DATALAD_CREDENTIAL_x_secret", "newest").run().prints("newest\n");
}

#[test]
fn f5_a_property_is_removed_and_an_absent_one_is_an_error() {
    let home = home();
    let line = "set s --name x --kind token --field username=ann --stdin";
    home.keyward(line).input("t").run().ends(0);
    home.keyward("set s --name x --remove username").run().ends(0);
    let shown = home.keyward("get s --name x --json").run().ends(0).json();
    assert_eq!(shown[0]["fields"], json!({}));
    home.keyward("set s --name x --remove username").run().ends(2).says("no field `username`");
    home.keyward("get s --name x --field token").run().ends(0).prints("t\n");
}

#[test]
fn f6_a_property_cannot_have_any_name() {
    let home = home();
    for name in ["Bad=x", "b d=x", "=x", "-=x", "\u{e9}=x"] {
        let line = ["set", "s", "--name", "x", "--kind", "generic", "--stdin", "--field", name];
        home.program(crate::helpers::program::keyward()).args(line).input("s").run().ends(2);
    }
    assert_eq!(home.run_ok(&["list", "s"]), "");
}

#[test]
fn f7_what_a_dataset_commits_is_no_credential() {
    let home = home();
    home.program("git").args(["init", "-q"]).run().ends(0);
    home.write(".datalad/config", "[datalad \"credential.x\"]\n\tsecret = canary\n");
    home.program("git").args(["config", "datalad.credential.x.secret", "canary"]).run().ends(0);
    home.keyward("import datalad s").run().ends(0).prints("0 credentials imported\n");
    let resolve = home.keyward("resolve x").env("KEYWARD_RESOLVE_SOURCES", "datalad");
    resolve.run().ends(3).prints("");
}

/// Stores tokens with labels, and with an expiry if there is one.
fn store(home: &Home, name: &str, labels: &[&str], expires: Option<&str>) {
    let labels = labels.iter().flat_map(|label| ["--label", label]);
    let expires = expires.into_iter().flat_map(|expires| ["--expires", expires]);
    let set = home.keyward("set s --kind token --stdin --name").arg(name);
    set.args(labels.chain(expires)).input("t").run().ends(0);
}

#[test]
fn f8_credentials_are_found_by_their_properties() {
    let home = home();
    store(&home, "a", &["realm=r", "team=web"], None);
    store(&home, "b", &["realm=r"], None);
    store(&home, "c", &["realm=other"], None);
    let list = |line: &str| {
        let listed =
            home.keyward(&format!("list s {line} --sort name --json")).run().ends(0).json();
        let names = listed.iter().map(|entry| entry["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(list("--where realm=r"), ["a", "b"]);
    assert_eq!(list("--where realm=r --where team=web"), ["a"]);
    assert_eq!(list("--where realm=r --kind note"), [""; 0]);
    assert_eq!(list("--where realm"), ["a", "b", "c"]);
}

#[test]
fn f9_what_lacks_a_property_is_sorted_last() {
    let home = home();
    store(&home, "never", &[], None);
    store(&home, "later", &[], Some("2999-02-01"));
    store(&home, "soon", &[], Some("2999-01-01"));
    let listed = home.keyward("list s --sort expires --json").run().ends(0).json();
    let names: Vec<_> = listed.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["soon", "later", "never"]);
}

#[test]
fn f11_without_a_terminal_it_is_an_error_that_says_what_is_missing() {
    let home = home();
    let run = home.keyward("resolve site --kind user-password").run().ends(5);
    assert!(run.err.contains("`username`") && run.err.contains("`password`"), "{}", run.err);
}

#[test]
fn f12_a_credential_is_obtained_by_name_by_url_or_from_the_user() {
    let home = home_with_git();
    home.keyward("set s me --name site --stdin").input("of the store").run().ends(0);
    let url = "--url https://x.example";
    for (line, code, printed) in [
        ("resolve site".to_owned(), 0, "of the store\n"),
        (format!("resolve site {url}"), 0, "of the store\n"),
        (format!("resolve other {url}"), 0, "of git\n"),
        (format!("resolve other {url} --kind token"), 5, ""),
        ("resolve other --kind token".to_owned(), 5, ""),
        ("resolve other".to_owned(), 3, ""),
        ("resolve site --kind token".to_owned(), 2, ""),
        ("resolve site --field refresh_token".to_owned(), 2, ""),
    ] {
        let run = home.keyward(&line).run();
        assert_eq!((run.code, run.text()), (code, printed), "{line}");
    }
}

#[test]
fn f13_the_older_layout_is_read_and_stale_items_of_it_are_not() {
    let home = home();
    let file = ".local/share/python_keyring/keyring_pass.cfg";
    let items = "[datalad_2Dold]\nuser = YW5u\npassword = b2xk\n\
                 [datalad_2Dmoved]\nuser = YW5u\npassword = c3RhbGU=\nsecret = bmV3\n";
    let path = home.write(file, items);
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    home.write(".gitconfig", "[datalad \"credential.moved\"]\n\tuser = bob\n");
    home.keyward("import datalad s").run().ends(0).prints("2 credentials imported\n");
    home.keyward("resolve old").run().ends(0).prints("old\n");
    home.keyward("resolve moved").run().ends(0).prints("new\n");
    home.keyward("resolve moved --field username").run().ends(0).prints("bob\n");
}

#[test]
fn f14_names_and_values_can_be_exotic() {
    let home = home();
    let names = ["\u{df}\u{fc} \u{4e2d}\u{6587}", "a/b:c?d#e", "-dash", "\"quoted' \\back", "%41"];
    let value = "\u{1f511} %s \\n ' \" = : ; # \u{fc}";
    for name in names {
        let set = home.keyward("set s --kind token --stdin").arg(format!("--name={name}"));
        set.input(value).run().ends(0);
        home.run(&["resolve", "--", name]).ends(0).prints(format!("{value}\n"));
    }
    let listed = home.keyward("list s --json").run().ends(0).json();
    assert_eq!(listed.len(), names.len());
}

#[test]
fn f16_the_secret_is_asked_for_last() {
    let home = home_with_answers();
    home.keyward("resolve site --kind user-password").run().ends(0);
    assert!(questions(&home).starts_with("Username, Password"));
    home.keyward("resolve key --kind aws").run().ends(0);
    let asked = questions(&home);
    let asked: Vec<_> = asked.split(", ").collect();
    assert_eq!(
        asked.len(),
        2 + usize::from(asked.contains(&"Repeat for confirmation")),
        "{asked:?}"
    );
    assert!(asked[0].to_lowercase().contains("id"), "{asked:?}");
}
