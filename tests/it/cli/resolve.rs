//! `resolve` and `explain`.

use std::fmt::Arguments;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use keyward::{Credentials, Interaction, Keyward, NewStore, Secret};
use keyward_core::{Level, Prompt, SecretRef, Value, Values};
use serde_json::json;

use crate::helpers::home::{Home, me};
use crate::helpers::invocation::Finished;

const PASSWORD: &str = "KEYWARD_CREDENTIAL_MAIL_PASSWORD";
const USERNAME: &str = "KEYWARD_CREDENTIAL_MAIL_USERNAME";

/// A home with the store `s`, which has the entry `mail`.
fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --name mail --stdin").input("canary-store").run().ends(0);
    home
}

/// Returns each source of an explanation with its outcome.
fn outcomes(explained: &Finished) -> Vec<String> {
    let lines = explained.text().lines().filter(|line| !line.starts_with(' '));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_environment_comes_before_the_store() {
    let home = home();
    home.keyward("resolve mail").run().ends(0).says_nothing().prints("canary-store\n");
    home.keyward("resolve mail --raw").run().ends(0).prints("canary-store");
    home.keyward("resolve mail --field username").run().ends(0).prints("ann\n");
    home.keyward("resolve mail --kind user-password").run().ends(0).prints("canary-store\n");
    let home = home.with(PASSWORD, "canary-variable").with(USERNAME, "bot");
    home.keyward("resolve mail").run().ends(0).says_nothing().prints("canary-variable\n");
    home.keyward("resolve mail --field username").run().ends(0).prints("bot\n");
    let explained = home.keyward("explain mail").run().ends(0);
    assert_eq!(
        outcomes(&explained),
        [
            "argument: absent",
            "session: absent",
            "environment: found",
            "configuration: not asked",
            "default store: not asked",
            "git: not asked",
            "prompt: not asked"
        ]
    );
}

#[test]
fn json_reveals_secret_fields_only_on_request() {
    let home = home();
    let shown = |fields, line| {
        let sources = ["default store"];
        let (kind, secret) = ("user-password", ["password"]);
        let expected = json!({
            "name": "mail", "kind": kind, "sources": sources, "fields": fields, "secret": secret
        });
        assert_eq!(home.keyward(line).run().ends(0).json(), [expected], "{line}");
    };
    shown(json!({ "username": "ann" }), "resolve mail --json");
    shown(json!({ "username": "ann", "password": "canary-store" }), "resolve mail --json --reveal");
    shown(json!({}), "resolve mail --json --field password");
    home.keyward("resolve mail --reveal").run().ends(2);
    home.keyward("set s ann --name mail --stdin --raw").input(b"\xff\n").run().ends(0);
    let json = home.keyward("resolve mail --json --reveal").run().ends(0).json();
    assert_eq!(json[0]["fields"], json!({ "username": "ann", "password_base64": "/wo=" }));
}

#[test]
fn stores_are_asked_in_the_order_of_the_setting() {
    let home = home();
    home.run_ok(&["init", "t", "--option", "key.from=file"]);
    for name in ["mail", "other"] {
        home.keyward(&format!("set t tom --name {name} --stdin")).input("canary-t").run().ends(0);
    }
    // There are two stores now, and none is the default one.
    home.keyward("resolve mail").run().ends(3).says("there is no default store");
    home.run_ok(&["config", "set", "resolve.stores", "s,t"]);
    home.keyward("resolve mail --field username").run().ends(0).prints("ann\n");
    home.keyward("resolve other --field username").run().ends(0).prints("tom\n");
    let explained = home.keyward("explain other").run().ends(0);
    assert_eq!(outcomes(&explained)[4..6], ["store s: absent", "store t: found"]);
    assert!(explained.text().contains("  place: keyward://t/other\n"), "{}", explained.text());
    home.run_ok(&["config", "set", "resolve.stores", "t,s"]);
    home.keyward("resolve mail --field username").run().ends(0).prints("tom\n");
    home.run_ok(&["config", "set", "resolve.stores", "nope,t"]);
    home.keyward("resolve mail").run().ends(2).says("store nope: there is no store `nope`");
}

#[test]
fn the_user_is_whose_entry_it_is() {
    let home = home();
    home.keyward("set s bob --name mail -u b --stdin").input("of b").run().ends(0);
    home.keyward("resolve mail -u b").run().ends(0).prints("of b\n");
    home.keyward(&format!("resolve mail --user {}", me())).run().ends(0).prints("canary-store\n");
    home.keyward("resolve mail -u c").run().ends(3).prints("").says("no source has");
    let explained = home.keyward("explain mail -u b").run().ends(0);
    assert!(explained.text().contains("keyward://s/mail?user=b\n"), "{}", explained.text());
}

/// A change after which `resolve mail` fails.
type Ruin = fn(Home) -> Home;

#[test]
fn only_an_absent_credential_lets_the_next_source_answer() {
    let cases: &[(i32, &str, &str, Ruin)] = &[
        (0, "absent", "", |home| {
            home.keyward("unset s --name mail").run().ends(0);
            home
        }),
        (0, "found", "", |home| home),
        (2, "misconfigured", "--kind token", |home| home),
        (2, "misconfigured", "--field token", |home| home),
        (4, "denied", "", |home| {
            let key = home.path(key(&home));
            fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
            home
        }),
        (5, "locked", "", |home| {
            home.keyward("rm s --yes").run().ends(0);
            keep_behind_a_passphrase(&home);
            home
        }),
        (6, "damaged", "", |home| {
            fs::remove_file(home.path(key(&home))).unwrap();
            home
        }),
        (7, "unreachable", "", |home| {
            let elsewhere = home.write("file", "");
            let store = home.path(".config/keyward/stores/s.toml");
            let text = fs::read_to_string(&store).unwrap();
            let root = format!("{}/below", elsewhere.display());
            fs::write(store, text.replace("%data%/stores/%id%", &root)).unwrap();
            home
        }),
    ];
    for (code, word, options, ruin) in cases {
        let home = home();
        home.run_ok(&["init", "t", "--option", "key.from=file"]);
        home.keyward("set t tom --name mail --stdin").input("canary-t").run().ends(0);
        home.run_ok(&["config", "set", "resolve.stores", "s,t"]);
        let home = ruin(home);
        let resolved = home.keyward(&format!("resolve mail {options}")).run().ends(*code);
        assert_eq!(resolved.err.is_empty(), *code == 0, "{word}: {}", resolved.err);
        let explained = home.keyward(&format!("explain mail {options}")).run().ends(*code);
        if *code == 5 {
            assert!(resolved.err.contains("Keyward has to ask, but there is no terminal"));
            assert!(explained.err.contains("Keyward has to ask, but `explain` forbids it"));
        } else {
            assert_eq!(explained.err, resolved.err, "{word}");
        }
        let next = if *word == "absent" { "found" } else { "not asked" };
        assert_eq!(
            outcomes(&explained)[4..6],
            [format!("store s: {word}"), format!("store t: {next}")],
            "{}",
            explained.text()
        );
        let json = home.keyward(&format!("explain mail {options} --json")).run().json();
        assert_eq!(json[0]["steps"][4]["outcome"], json!(word));
        assert_eq!(json[0]["outcome"], json!(if *code == 0 { "found" } else { word }));
        for shown in [explained.text(), explained.err.as_str(), &json[0].to_string()] {
            assert!(!shown.contains("canary"), "{word}: {shown}");
        }
    }
}

/// Makes the store `s` with a passphrase, and its entry `mail`.
fn keep_behind_a_passphrase(home: &Home) {
    let keyward = Keyward::with(home.environment(), Passphrase).unwrap();
    let memory = Values::new().with("memory_kib", Value::Number(8192));
    let key = Some(SecretRef { from: "passphrase".into(), options: memory });
    let store = NewStore { key, storage: Some("file".into()), ..NewStore::named("s").unwrap() };
    keyward.init_store(&store).unwrap();
    let store = keyward.store("s").unwrap();
    let id = store.entry(None, Some("mail")).unwrap();
    store.set_credentials(&id, &Credentials::new("ann", "canary-store")).unwrap();
}

/// A user who answers a prompt for a passphrase.
#[derive(Debug)]
struct Passphrase;

impl Interaction for Passphrase {
    fn prompt(&self, _: &Prompt<'_>) -> keyward::Result<Secret> {
        Ok(Secret::from("canary-passphrase"))
    }

    fn log(&self, _: Level, _: Arguments<'_>) {}
}

fn key(home: &Home) -> String {
    let folder = ".local/state/keyward/keys";
    let found = fs::read_dir(home.path(folder)).unwrap().map(|found| found.unwrap().file_name());
    let id = fs::read_to_string(home.path(".config/keyward/stores/s.toml")).unwrap();
    let mut found = found.filter_map(|name| name.into_string().ok());
    let name = found.find(|name| id.contains(name.as_str())).unwrap();
    format!("{folder}/{name}")
}

#[test]
fn a_part_of_a_credential_is_an_error_unless_it_is_merged() {
    let home = home().with(USERNAME, "canary-name");
    for (line, code) in [
        ("resolve mail", 2),
        ("resolve mail --json --reveal", 2),
        ("explain mail", 2),
        ("explain mail --json", 2),
        ("resolve mail --kind user-password", 2),
        ("explain mail --kind user-password", 2),
        ("resolve mail --kind nope", 2),
        ("explain mail --kind accounts", 2),
        ("resolve mail --merge --json", 0),
        ("explain mail --merge", 0),
    ] {
        let ran = home.keyward(line).run().ends(code);
        assert!(!ran.err.contains("canary"), "{line}: {}", ran.err);
        if line != "resolve mail --merge --json" {
            assert!(!ran.text().contains("canary"), "{line}: {}", ran.text());
        }
        assert!(!ran.text().contains("canary-store"), "{line}: {}", ran.text());
    }
    let explained = home.keyward("explain mail --kind user-password").run().ends(2);
    assert!(explained.text().contains("  missing: password\n"), "{}", explained.text());
    assert!(explained.text().contains(&format!("  place: {PASSWORD}\n")), "{}", explained.text());
    home.keyward("resolve mail --merge").run().ends(0).prints("canary-store\n");
    let merged = home.keyward("resolve mail --merge --json").run().ends(0).json();
    assert_eq!(merged[0]["sources"], json!(["environment", "default store"]));
    assert_eq!(merged[0]["fields"], json!({ "username": "canary-name" }));
}

#[test]
fn a_value_that_its_kind_refuses_is_named_and_not_quoted() {
    for (variable, value, says) in [
        ("KEYWARD_CREDENTIAL_MAIL_TOKEN", "canary\nline", "the field `token` must be one line"),
        ("KEYWARD_CREDENTIAL_MAIL_TOKN", "canary", "the kind `token` has no field `tokn`"),
    ] {
        let home = home().with(variable, value);
        for command in ["resolve", "explain"] {
            let line = format!("{command} mail --kind token");
            let ran = home.keyward(&line).run().ends(2).says(says);
            assert!(!format!("{}{}", ran.text(), ran.err).contains("canary"), "{line}");
        }
    }
}

#[test]
fn a_name_is_not_part_of_another_one() {
    let home = Home::new().with("KEYWARD_CREDENTIAL_MAIL__2DBOX_TOKEN", "t");
    home.keyward("resolve mail-box").run().ends(0).prints("t\n");
    home.keyward("resolve mail").run().ends(3);
    home.keyward("resolve MAIL-BOX").run().ends(3);
    home.run(&["resolve", ""]).ends(2);
}

#[test]
fn a_credential_of_another_origin_is_denied() {
    let home = home();
    home.keyward("set s ann --origin https://forge.example.com --stdin").input("pw").run().ends(0);
    for command in ["resolve", "explain"] {
        let line = |url: &str| {
            home.keyward(&format!("{command} https://ann@forge.example.com --url {url}")).run()
        };
        line("https://forge.example.com:443/repo.git").ends(0);
        line("http://forge.example.com")
            .ends(4)
            .says("may not be given to http://forge.example.com");
        let refused = line("https://ann:canary@forge.example.com").ends(2);
        assert!(!refused.err.contains("canary"), "{}", refused.err);
    }
    home.keyward("resolve mail --url https://anywhere.example.com").run().ends(0);
}
