//! `import pancloud`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::helpers::home::Home;

const FILE: &str = "credentials.json";

/// What pancloud 1.5.1 wrote.
const CREDENTIALS: &str = r#"{
    "profiles": {
        "1": {
            "access_token": "canary-at",
            "client_id": "id",
            "client_secret": "canary-cs",
            "profile": "default",
            "refresh_token": "canary-rt"
        },
        "2": {
            "access_token": null,
            "client_id": "id2",
            "client_secret": "canary-cs2",
            "profile": "lab",
            "refresh_token": "canary-rt2"
        }
    }
}"#;

/// A home with the store `s` and a file of pancloud, with these permissions.
fn home(content: &str, mode: u32) -> Home {
    let home = Home::with_store("--option key.from=file");
    let path = home.write(FILE, content);
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    home
}

#[test]
fn each_profile_becomes_an_entry_that_is_resolved() {
    let home = home(CREDENTIALS, 0o644);
    let would = home.keyward("import pancloud credentials.json s --dry-run").run().ends(0);
    assert_eq!(would.text(), "2 credentials to import\n");
    assert_eq!(home.run_ok(&["list", "s"]), "");
    let said = home.keyward("import pancloud credentials.json s").run().ends(0);
    let said = said.says("warning: other users can read credentials.json");
    assert!(said.text().starts_with("2 credentials imported\ncredentials.json is unchanged"));
    assert_eq!(home.read(FILE), CREDENTIALS);
    home.keyward("resolve pancloud").run().ends(0).prints("canary-at\n");
    home.keyward("resolve pancloud-lab --field refresh_token").run().ends(0).prints("canary-rt2\n");
    let shown = home.keyward("resolve pancloud-lab --json").run().ends(0).json();
    assert_eq!(shown[0]["kind"], "oauth2");
    assert_eq!(shown[0]["fields"], json!({ "client_id": "id2" }));
    assert_eq!(shown[0]["secret"], json!(["client_secret", "refresh_token"]));
    let again = home.keyward("import pancloud credentials.json").run().ends(0);
    assert_eq!(again.text(), "0 credentials imported, 2 there already\n");
}

#[test]
fn an_entry_that_exists_is_kept_unless_the_user_says_otherwise() {
    let home = home(CREDENTIALS, 0o600);
    home.keyward("set s --name pancloud --kind token --stdin").input("canary-mine").run().ends(0);
    let import = |more: &str| {
        home.keyward(&format!("import pancloud credentials.json s --json {more}")).run()
    };
    let report = import("").ends(8).says("not everything was imported").json();
    let why = "the entry `pancloud` exists and has other content";
    let expected = json!({
        "store": "s", "dry_run": false, "made": false, "imported": ["pancloud-lab"], "replaced": [],
        "present": [], "refused": [{ "what": "profile `default`", "why": why }],
    });
    assert_eq!(report, [expected]);
    home.keyward("resolve pancloud").run().ends(0).prints("canary-mine\n");
    assert_eq!(import("--replace --dry-run").ends(0).json()[0]["replaced"], json!(["pancloud"]));
    home.keyward("resolve pancloud").run().ends(0).prints("canary-mine\n");
    assert_eq!(import("--replace").ends(0).json()[0]["replaced"], json!(["pancloud"]));
    home.keyward("resolve pancloud").run().ends(0).prints("canary-at\n");
}

#[test]
fn what_cannot_be_imported_is_named_and_not_quoted() {
    for (content, mode, code, says) in [
        (CREDENTIALS, 0o666, 4, "other users can write credentials.json"),
        ("{\"profiles\": {\"1\": \"canary\"}}", 0o600, 6, "not a database of pancloud"),
        ("canary", 0o600, 6, "not a database of pancloud"),
        (
            r#"{"profiles": {"1": {"profile": "x", "client_secret": "canary"}}}"#,
            0o600,
            6,
            "profile `x`: it has no `client_id`",
        ),
        (
            r#"{"profiles": {"1": {"profile": "x\ny", "client_id": "canary"}}}"#,
            0o600,
            6,
            "the name",
        ),
    ] {
        let home = home(content, mode);
        let run = home.keyward("import pancloud credentials.json s").run().ends(code);
        let said = format!("{}{}", run.text(), run.err);
        assert!(said.contains(says), "{said}");
        assert!(!said.contains("canary"), "{said}");
        assert_eq!(home.run_ok(&["list", "s"]), "");
    }
    let home = home("", 0o600);
    home.keyward("import pancloud nowhere.json s").run().ends(2).says("there is no file");
}
