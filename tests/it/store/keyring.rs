//! Which key source a new store gets where the operating system has a keyring, and where it has
//! none.

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;

/// Runs a script on a separate session bus, with GNOME Keyring unlocked or missing.
fn on_a_bus(home: &Home, keyring: bool, script: &str) -> Finished {
    let unlock =
        "eval \"$(printf pw | gnome-keyring-daemon --unlock --components=secrets)\" >/dev/null\n";
    let script = format!("{}{script}", if keyring { unlock } else { "" });
    let session = home.program("dbus-run-session").args(["--", "sh", "-eu"]);
    session.env("KEYWARD", keyward()).input(script).run()
}

const TRY: &str = "
    $KEYWARD -v init work
    printf s3cret | $KEYWARD set work ann --stdin
    $KEYWARD get work -p
    $KEYWARD rm --yes work
";

#[test]
fn a_new_store_takes_the_keyring_that_answers() {
    let home = Home::in_memory();
    let printed = on_a_bus(&home, true, TRY).ends(0).into_text();
    assert!(printed.contains("from = \"keyring\""), "{printed}");
    assert!(printed.contains("missing over ssh"), "{printed}");
    assert!(printed.ends_with("s3cret\n"), "{printed}");
    assert!(!home.path(".local/state/keyward/keys").exists(), "there is a key file too");
}

#[test]
fn without_one_it_takes_a_file_and_says_so() {
    let home = Home::in_memory();
    let finished = on_a_bus(&home, false, TRY).ends(0).says("keyring");
    let printed = finished.text();
    assert!(printed.contains("from = \"file\""), "{printed}");
    assert!(printed.ends_with("s3cret\n"), "{printed}");
}

#[test]
fn one_that_was_asked_for_is_never_replaced_by_another() {
    let home = Home::in_memory();
    let output = on_a_bus(&home, false, "exec $KEYWARD init work --option key.from=keyring");
    // The bus may start a keyring by itself, which is then locked.
    assert!(matches!(output.code, 5 | 7), "{output:?}");
    assert!(!home.path(".config/keyward/stores/work.toml").exists());
}
