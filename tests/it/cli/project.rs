//! Projects: `.keyward.toml`, `trust`, `check` and `run --project`.

mod hostile;

use serde_json::json;

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

const DECLARATION: &str = r#"version = 1

[secrets.mail]
kind = "user-password"
description = "The mailbox"
env = { MAIL_USER = "username", MAIL_PASSWORD = "password" }

[secrets.api]
kind = "token"
env = "API_TOKEN"

[secrets.tracker]
kind = "token"
required = false
default = "public"
env = "TRACKER_TOKEN"

[secrets.other]
required = false
env = "OTHER"
"#;

/// A home with a store and the project `app`.
pub(super) fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.write("app/.keyward.toml", DECLARATION);
    home
}

/// `keyward` in the folder of the project.
#[track_caller]
pub(super) fn app(home: &Home, line: &str) -> Finished {
    home.keyward(line).current_dir(&home.path("app")).run()
}

fn set_all(home: &Home) {
    home.keyward("set s ann --name mail --stdin").input("s3cret").run().ends(0);
    home.keyward("set s --name api --kind token --stdin").input("t0ken").run().ends(0);
}

#[test]
fn check_reports_what_is_missing() {
    let home = home();
    app(&home, "trust --yes").ends(0);
    let missing = app(&home, "check").ends(3).says("required secrets are missing: api, mail");
    missing.says("keyward set STORE --name api --kind token").prints(
        "absent: api (token, required)\n\
         absent: mail (user-password, required): The mailbox\n\
         absent: other (any kind, optional)\n\
         default: tracker (token, optional)\n",
    );
    set_all(&home);
    let found = app(&home, "check").ends(0).says_nothing();
    assert!(found.text().starts_with("found: api (token, required)\nfound: mail "));
}

#[test]
fn the_report_has_a_version_and_no_values() {
    let home = home();
    app(&home, "trust --yes").ends(0);
    home.keyward("set s ann --name mail --stdin").input("s3cret").run().ends(0);
    let report = app(&home, "check --json").ends(3);
    for value in ["s3cret", "ann", "public"] {
        assert!(!report.text().contains(value), "{}", report.text());
    }
    let folder = home.path("app").canonicalize().unwrap();
    let secret = |name: &str, kind: Option<&str>, outcome: &str, variables: &[&str]| {
        let sources: &[&str] = match outcome {
            "found" => &["default store"],
            "default" => &["default"],
            _ => &[],
        };
        let required = ["api", "mail"].contains(&name);
        let description = if name == "mail" { "The mailbox" } else { "" };
        json!({
            "name": name,
            "kind": kind,
            "required": required,
            "description": description,
            "variables": variables,
            "outcome": outcome,
            "sources": sources,
            "because": null,
        })
    };
    assert_eq!(
        report.json(),
        [json!({
            "version": 1,
            "folder": folder.to_str().unwrap(),
            "trusted": true,
            "secrets": [
                secret("api", Some("token"), "absent", &["API_TOKEN"]),
                secret("mail", Some("user-password"), "found", &["MAIL_PASSWORD", "MAIL_USER"]),
                secret("other", None, "absent", &["OTHER"]),
                secret("tracker", Some("token"), "default", &["TRACKER_TOKEN"]),
            ],
            "missing": ["api"],
        })]
    );
}

#[test]
fn a_source_that_fails_is_not_a_missing_secret() {
    let home = home();
    set_all(&home);
    app(&home, "trust --yes").ends(0);
    home.keyward("set s --name tracker --kind user-password --stdin ann").input("x").run().ends(0);
    let wrong = app(&home, "check").ends(2).says("a secret cannot be used");
    let line = "misconfigured: tracker (token, optional): default store: the record is of the kind";
    assert!(wrong.text().contains(line), "{}", wrong.text());
    app(&home, "run --project touch ran").ends(2).says("the project's secret `tracker`");
    std::fs::remove_dir_all(home.path(".local/state/keyward/keys")).unwrap();
    let locked = app(&home, "check").ends(6);
    assert!(locked.text().contains("damaged: tracker (token, optional): default store: file: "));
    assert!(!home.path("app/ran").exists());
}

#[test]
fn a_declaration_that_does_not_fit_its_kind_is_an_error_of_that_secret() {
    let home = home();
    for (secret, says) in [
        ("kind = 'nope'", "there is no kind `nope`"),
        ("kind = 'token'\nrequired = false\ndefault = { name = 'x' }", "has no field `name`"),
        ("kind = 'user-password'\nrequired = false\ndefault = 'x'", "has no field `username`"),
    ] {
        home.write("app/.keyward.toml", format!("version = 1\n[secrets.a]\n{secret}\n"));
        app(&home, "trust --yes").ends(0);
        let wrong = app(&home, "check").ends(2);
        assert!(wrong.text().starts_with("misconfigured: a ("), "{}", wrong.text());
        assert!(wrong.text().contains(says), "{}", wrong.text());
    }
    home.write("app/.keyward.toml", "version = 1\n[secrets.a]\nknd = 1\n");
    app(&home, "trust --yes").ends(2).says(".keyward.toml:3: `knd`").says("Did you mean `kind`?");
    app(&home, "check").ends(4);
}

#[test]
fn run_sets_the_declared_variables() {
    let home = home();
    let print =
        ["--", "sh", "-c", "echo $MAIL_USER $MAIL_PASSWORD $API_TOKEN $TRACKER_TOKEN $OTHER"];
    let run = |options: &str| {
        let run = home.keyward("run --project").args(options.split_whitespace()).args(print);
        let run = run.env("API_TOKEN", "of the shell").env("OTHER", "inherited");
        run.current_dir(&home.path("app")).run()
    };
    run("").ends(4).prints("").says("is ignored: it is not trusted");
    app(&home, "trust --yes").ends(0);
    let refused = run("").ends(3).prints("");
    refused.says("the project's secret `api`").says("the project's secret `mail`");
    set_all(&home);
    run("").ends(0).says_nothing().prints("ann s3cret t0ken public inherited\n");
    run("--mask").ends(0).prints("ann <hidden> <hidden> public inherited\n");
    run("--clean").ends(0).prints("ann s3cret t0ken public\n");
    run("--env API_TOKEN=keyward://s/mail").ends(0).prints("ann s3cret s3cret public inherited\n");
    home.write("app/.env", "API_TOKEN=of the file\nMAIL_USER=bob\n");
    run("--env-file .env").ends(0).prints("bob s3cret of the file public inherited\n");
    // What is set otherwise need not be there.
    home.keyward("unset s --name api").run().ends(0);
    run("").ends(3);
    run("--env-file .env").ends(0);
}

#[test]
fn a_project_may_not_steer_programs_unless_it_is_allowed_to() {
    let home = home();
    set_all(&home);
    for name in ["PATH", "LD_PRELOAD", "GIT_SSH", "BASH_ENV", "PYTHONPATH"] {
        home.write("app/.keyward.toml", format!("version = 1\n[secrets.api]\nenv = '{name}'\n"));
        let shown = app(&home, "trust --yes").ends(0);
        let line = format!("{name} = api, which changes how programs run");
        assert!(shown.text().contains(&line), "{}", shown.text());
        let refused = app(&home, "run --project touch ran").ends(4);
        refused.says(&format!("--allow {name}"));
    }
    assert!(!home.path("app/ran").exists());
    home.write("app/.keyward.toml", "version = 1\n[secrets.api]\nenv = 'GIT_SSH'\n");
    app(&home, "trust --yes").ends(0);
    app(&home, "run --project --allow GIT_SSH printenv GIT_SSH").ends(0).prints("t0ken\n");
}

#[test]
fn trust_counts_for_one_folder_with_one_content() {
    let home = home();
    set_all(&home);
    let trusted = app(&home, "trust --yes").ends(0);
    let digest = trusted.text().split("sha256     ").nth(1).unwrap().lines().next().unwrap();
    app(&home, "trust").ends(0).prints(format!(
        "Already trusted: {}\n",
        home.path("app").canonicalize().unwrap().display()
    ));
    home.write("app/.keyward/more", "");
    app(&home, "check").ends(4).says(".keyward/more was added; to trust it again");
    let again = app(&home, "trust --yes").ends(0);
    assert!(again.text().contains("  changed    .keyward/more was added\n"), "{}", again.text());
    std::fs::remove_file(home.path("app/.keyward/more")).unwrap();
    app(&home, &format!("trust --sha256 {}", digest.replace('a', "b"))).ends(4);
    app(&home, "trust --sha256 x").ends(2);
    app(&home, "check").ends(4).says(".keyward/more was removed");
    app(&home, &format!("trust --sha256 {digest}")).ends(0);
    app(&home, "check").ends(0);

    home.write("copy/.keyward.toml", DECLARATION);
    home.keyward("check").current_dir(&home.path("copy")).run().ends(4);
    std::fs::rename(home.path("app"), home.path("moved")).unwrap();
    home.keyward("check").current_dir(&home.path("moved")).run().ends(4);
    let folder = home.path("").canonicalize().unwrap().join("app");
    let list = home.run(&["trust", "--list"]).ends(0);
    list.prints(format!("missing  {}\n", folder.display()));
    home.keyward("trust --revoke app").run().ends(0);
    home.keyward("trust --revoke app").run().ends(2).says("is not a trusted project");
    home.run(&["trust", "--list", "--json"]).ends(0).prints("");
}

#[test]
fn trust_is_revoked_from_a_folder_of_the_project() {
    let home = home();
    app(&home, "trust --yes").ends(0);
    home.write("app/sub/file", "");
    let revoked = home.keyward("trust --revoke").current_dir(&home.path("app/sub")).run().ends(0);
    assert!(revoked.text().ends_with("/app\n"), "{}", revoked.text());
    app(&home, "check").ends(4).says("it is not trusted");
}

#[test]
fn a_damaged_pin_trusts_nothing_and_is_replaced() {
    let home = home();
    app(&home, "trust --yes").ends(0);
    let pin = std::fs::read_dir(home.path(".local/state/keyward/projects")).unwrap();
    let mut pins = pin.map(|pin| pin.unwrap().path());
    let pin = pins.find(|path| path.extension().is_some_and(|it| it == "toml")).unwrap();
    for text in ["x", "version = 1\nfolder = '/'\nfiles = 1\n", "version = 2\n"] {
        std::fs::write(&pin, text).unwrap();
        app(&home, "check").ends(2).prints("").says("Trust the project again");
        home.run(&["trust", "--list"]).ends(2).prints("");
        app(&home, "trust --yes").ends(0);
        app(&home, "check").ends(3);
    }
    let mut mode = std::fs::metadata(pin.parent().unwrap()).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o777);
    std::fs::set_permissions(pin.parent().unwrap(), mode).unwrap();
    app(&home, "check").ends(4).prints("").says("can be reached by other users");
}

#[test]
fn without_a_project_there_is_nothing_to_check() {
    let home = Home::new();
    for command in ["check", "check --json", "trust --yes", "run --project touch ran"] {
        home.keyward(command).run().ends(2).prints("").says("there is no `.keyward.toml`");
    }
    assert!(!home.path("ran").exists());
    home.keyward("trust missing").run().ends(2).says("missing: No such file");
}
