//! Which key source a new store gets where the operating system has a keyring, and where it has
//! none.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::helpers::home::{Home, at_home};
use crate::helpers::program::keyward;

/// Runs a script on a session bus of its own, with GNOME Keyring unlocked or not there at all.
fn on_a_bus(home: &Home, keyring: bool, script: &str) -> Output {
    let unlock =
        "eval \"$(printf pw | gnome-keyring-daemon --unlock --components=secrets)\" >/dev/null\n";
    let script = format!("{}{script}", if keyring { unlock } else { "" });
    let mut session = Command::new("dbus-run-session");
    session.args(["--", "sh", "-eu"]);
    let mut session = at_home(session, home.path());
    let runtime = home.path().join("runtime");
    std::fs::create_dir_all(&runtime).unwrap();
    session.env("XDG_RUNTIME_DIR", runtime).env("KEYWARD", keyward());
    session.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut session = session.spawn().unwrap();
    session.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    session.wait_with_output().unwrap()
}

const TRY: &str = "
    $KEYWARD -v init work
    printf s3cret | $KEYWARD set work ann --stdin
    $KEYWARD get work -p
    $KEYWARD rm --yes work
";

#[test]
fn a_new_store_takes_the_keyring_that_answers() {
    let home = Home::new();
    let output = on_a_bus(&home, true, TRY);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(printed.contains("from = \"keyring\""), "{printed}");
    assert!(printed.contains("missing over ssh"), "{printed}");
    assert!(printed.ends_with("s3cret\n"), "{printed}");
    assert!(!home.path().join(".local/state/keyward/keys").exists(), "there is a key file too");
}

#[test]
fn without_one_it_takes_a_file_and_says_so() {
    let home = Home::new();
    let output = on_a_bus(&home, false, TRY);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(printed.contains("from = \"file\""), "{printed}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("keyring"), "{output:?}");
    assert!(printed.ends_with("s3cret\n"), "{printed}");
}

#[test]
fn one_that_was_asked_for_is_never_replaced_by_another() {
    let home = Home::new();
    let output = on_a_bus(&home, false, "exec $KEYWARD init work --option key.from=keyring");
    // The bus may start a keyring of its own accord; it is locked then.
    assert!(matches!(output.status.code(), Some(5 | 7)), "{output:?}");
    assert!(!home.path().join(".config/keyward/stores/work.toml").exists());
}
