//! `import datalad`, from keyrings that Python's keyring wrote.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;

/// Stores what DataLad and DataLad-next store for these credentials, with Python's keyring.
const STORE: &str = "
import keyring
for name, field, value in [
    ('old-pair', 'user', 'ann'),
    ('old-pair', 'password', 'canary-p:=% \u{e9}'),
    ('old-pair:1', 'token', 'canary-tail'),
    ('old.aws', 'key_id', 'AK'),
    ('old.aws', 'secret_id', 'canary-sk'),
    ('old.aws', 'session', 'canary-session'),
    ('old.aws', 'expiration', '2999-01-02T03:04:05Z'),
    ('Our Data', 'secret', 'canary-next'),
    ('moved', 'user', 'stale'),
    ('moved', 'password', 'canary-stale'),
    ('moved', 'secret', 'canary-moved'),
    ('half', 'user', 'zoe'),
]:
    keyring.set_password('datalad-' + name, field, value)
keyring.set_password('another program', 'user', 'canary-other')
";

const SETTINGS: &str = "[datalad \"credential.Our Data\"]
    type = user_password
    user = bob
    realm = https://data.example.org/login
[datalad \"credential.moved\"]
    user = eve
    last-used = 2026-01-01T00:00:00
[datalad \"credential.empty\"]
    type = token
";

const FILE: &str = ".local/share/python_keyring/keyring_pass.cfg";

/// The program of Debian, for which Debian packages the keyrings.
const PYTHON: &str = "/usr/bin/python3";

fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.write(".gitconfig", SETTINGS);
    home
}

/// A home with the file of `keyrings.alt`.
fn home_with_file() -> Home {
    let home = home();
    let backend = "keyrings.alt.file.PlaintextKeyring";
    let python = home.program(PYTHON).env("PYTHON_KEYRING_BACKEND", backend);
    python.args(["-c", STORE]).run().ends(0);
    home
}

/// What `import datalad` says about the credentials of [`STORE`] and [`SETTINGS`].
fn check_report(report: &Value, place: &str) {
    assert_eq!(
        report["imported"],
        json!(["Our Data", "moved", "old-pair", "old-pair:1", "old.aws"])
    );
    let refused = json!([
        { "what": "`empty`", "why": "DataLad keeps no secret for it" },
        { "what": "`half`", "why": "DataLad keeps no secret for it" },
    ]);
    assert_eq!(report["refused"], refused);
    assert_eq!(report["failed"], json!([]));
    let places = report["places"].as_array().unwrap();
    assert!(places.iter().any(|it| it.as_str().unwrap().ends_with(place)), "{places:?}");
}

/// Checks the entries for the credentials of [`STORE`] and [`SETTINGS`].
fn check_entries(home: &Home) {
    let resolve = |name: &str, field: &str, value: &str| {
        let run = home.run(&["resolve", name, "--field", field]).ends(0);
        assert_eq!(run.text(), format!("{value}\n"), "{name} {field}");
    };
    resolve("old-pair", "username", "ann");
    resolve("old-pair", "password", "canary-p:=% \u{e9}");
    resolve("old-pair:1", "token", "canary-tail");
    resolve("old.aws", "secret_access_key", "canary-sk");
    resolve("old.aws", "session_token", "canary-session");
    resolve("Our Data", "username", "bob");
    resolve("Our Data", "password", "canary-next");
    resolve("moved", "username", "eve");
    resolve("moved", "password", "canary-moved");
    let aws = home.run(&["get", "s", "--name", "old.aws", "--json"]).ends(0).json();
    assert_eq!(aws[0]["expires"], "2999-01-02T03:04:05Z");
    home.run(&["resolve", "Our Data", "--url", "https://evil.example"]).ends(4);
}

#[test]
fn the_file_of_keyrings_alt_and_gits_settings_are_imported() {
    let home = home_with_file();
    let before = home.read(FILE);
    let would = home.keyward("import datalad --json --dry-run").run().ends(3).json();
    check_report(&would[0], "keyring_pass.cfg");
    assert_eq!(home.run_ok(&["list", "s"]), "");
    let report = home.keyward("import datalad s --json").run().ends(3).json();
    check_report(&report[0], "keyring_pass.cfg");
    check_entries(&home);
    let again = home.keyward("import datalad s").run().ends(3);
    assert!(again.text().starts_with("0 credentials imported, 5 there already, 2 refused\n"));
    assert_eq!(home.read(FILE), before);
    assert!(!again.text().contains("canary"));
}

#[test]
fn a_clean_up_removes_only_items_that_a_newer_one_replaces() {
    let home = home_with_file();
    home.keyward("set s --name moved --kind token --stdin").input("mine").run().ends(0);
    let removed = |more: &str| {
        let run = home.keyward(&format!("import datalad s --json --clean-up {more}")).run();
        run.json()[0]["removed"].clone()
    };
    let before = home.read(FILE);
    assert_eq!(removed(""), json!([]), "it was not imported");
    assert_eq!(home.read(FILE), before);
    assert_eq!(removed("--replace"), json!(["moved: user", "moved: password"]));
    check_entries(&home);
    let without = before.replace("user = \n\tc3RhbGU=\n", "");
    let without = without.replace("password = \n\tY2FuYXJ5LXN0YWxl\n", "");
    assert_ne!(without, before);
    assert_eq!(home.read(FILE), without);
    assert_eq!(fs::metadata(home.path(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    // Python's keyring still reads everything else.
    let read = "import keyring
print(keyring.get_password('datalad-moved', 'secret'), keyring.get_password('datalad-moved', 'user'),
    keyring.get_password('datalad-old-pair', 'password'), keyring.get_password('another program', 'user'))";
    let backend = "keyrings.alt.file.PlaintextKeyring";
    let python = home.program(PYTHON).env("PYTHON_KEYRING_BACKEND", backend).args(["-c", read]);
    python.run().ends(0).prints("canary-moved None canary-p:=% \u{e9} canary-other\n");
    assert_eq!(removed(""), json!([]), "there is nothing left to remove");
}

/// Runs a script on a separate session bus with an unlocked GNOME Keyring.
fn on_a_bus(home: &Home, script: &str) -> Finished {
    let unlock =
        "eval \"$(printf pw | gnome-keyring-daemon --unlock --components=secrets)\" >/dev/null\n";
    let session = home.program("dbus-run-session").args(["--", "sh", "-eu"]);
    session.env("KEYWARD", keyward()).env("STORE", STORE).input(format!("{unlock}{script}")).run()
}

#[test]
fn the_secret_service_is_imported_and_cleaned_up() {
    let home = home();
    let script = "
export PYTHON_KEYRING_BACKEND=keyring.backends.SecretService.Keyring
/usr/bin/python3 -c \"$STORE\"
$KEYWARD import datalad s --json || echo \"exit $?\"
$KEYWARD import datalad s --json --clean-up || echo \"exit $?\"
secret-tool search --all service datalad-moved 2>/dev/null | grep '^secret'
secret-tool search --all service datalad-old-pair 2>/dev/null | grep -c '^secret'
";
    let run = on_a_bus(&home, script).ends(0);
    let lines: Vec<_> = run.text().lines().collect();
    let [imported, "exit 3", cleaned, "exit 3", "secret = canary-moved", "2"] = lines[..] else {
        panic!("{lines:?} {}", run.err)
    };
    check_report(&serde_json::from_str(imported).unwrap(), "Secret Service");
    let cleaned: Value = serde_json::from_str(cleaned).unwrap();
    let mut removed = cleaned["removed"].as_array().unwrap().clone();
    removed.sort_by_key(ToString::to_string);
    assert_eq!(removed, [json!("moved: password"), json!("moved: user")]);
    check_entries(&home);
}

#[test]
fn a_place_that_fails_is_an_error_and_the_others_are_imported() {
    let home = home_with_file();
    fs::set_permissions(home.path(FILE), Permissions::from_mode(0o644)).unwrap();
    let bus = format!("unix:path={}", home.path("run/nothing").display());
    fs::write(home.path("run/nothing"), "").unwrap();
    let token = ["config", "--global", "datalad.credential.t.token", "canary"];
    home.program("git").args(token).run().ends(0);
    let line = "import datalad s --json";
    let run = home.keyward(line).env("DBUS_SESSION_BUS_ADDRESS", &bus).run().ends(7);
    let report = run.json().remove(0);
    assert_eq!(report["imported"], json!(["t"]));
    let failed: Vec<_> = report["failed"].as_array().unwrap().iter().map(|it| &it["why"]).collect();
    assert!(failed[0].as_str().unwrap().contains("keyring_pass.cfg"), "{failed:?}");
    assert_eq!(failed[1], "the Secret Service does not work");
    home.keyward("import datalad s --keyring-file nowhere").run().ends(2).says("there is no file");
}

#[test]
fn a_value_from_the_environment_is_not_imported() {
    let home = home().with("DATALAD_CREDENTIAL_x_token", "canary");
    let home = home.with("GIT_CONFIG_COUNT", "1").with("GIT_CONFIG_VALUE_0", "canary");
    let home = home.with("GIT_CONFIG_KEY_0", "datalad.credential.y.token");
    let report = home.keyward("import datalad s --json").run().ends(3).json();
    assert_eq!(report[0]["imported"], json!([]));
    assert_eq!(home.run_ok(&["list", "s"]), "");
}
