//! A new role is one row, one trait, one suite and its messages.

use std::fs;
use std::path::Path;
use std::process::Command;

use xtask::root;

use crate::helpers::program::keyward;

/// The crates that know all roles, and those that they need.
const CRATES: [&str; 6] = [
    "keyward-core",
    "keyward-fs",
    "keyward-loader",
    "keyward-plugin",
    "keyward-testkit",
    "keyward-wire",
];

/// What a new role adds to a file that exists: the file, a line in it, and the line after that one.
const ADDED_LINES: [(&str, &str, &str); 5] = [
    (
        "keyward-core/src/roles.rs",
        "            storage: Storage,",
        "            /// Greets.\n            trial: Trial,",
    ),
    ("keyward-core/src/lib.rs", "mod time;", "mod trial;"),
    ("keyward-core/src/lib.rs", "pub use time::Timestamp;", "pub use trial::Trial;"),
    ("keyward-testkit/src/lib.rs", "mod suite;", "pub mod trial;"),
    ("keyward-loader/src/roles.rs", "mod storage;", "mod trial;"),
];

/// The files that a new role adds: from `tests/fixtures/trial-role`, to here.
const ADDED_FILES: [(&str, &str); 4] = [
    ("trait.rs", "keyward-core/src/trial.rs"),
    ("suite.rs", "keyward-testkit/src/trial.rs"),
    ("messages.rs", "keyward-loader/src/roles/trial.rs"),
    ("main.rs", "keyward-trial-greeter/src/main.rs"),
];

/// Another version than that of the workspace: cargo must not mistake one crate for the other in the
/// target folder, in which both share what they depend on.
const VERSION: &str = "0.1.999";

#[test]
fn a_role_is_added_by_a_row_a_trait_a_suite_and_its_messages() {
    let copy = tempfile::tempdir().unwrap();
    copy_workspace(copy.path());
    for (file, line, added) in ADDED_LINES {
        let path = copy.path().join("crates").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let line = format!("{line}\n");
        assert_eq!(text.matches(&line).count(), 1, "{file}: {line}");
        fs::write(&path, text.replace(&line, &format!("{line}{added}\n"))).unwrap();
    }
    for (source, file) in ADDED_FILES {
        let source = root().join("tests/fixtures/trial-role").join(source);
        fs::copy(source, copy.path().join("crates").join(file)).unwrap();
    }
    let target = keyward().ancestors().nth(2).unwrap().to_owned();
    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--target-dir"])
        .arg(target)
        .current_dir(copy.path().join("crates/keyward-trial-greeter"))
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(printed, "a trial works as a linked backend and in a child process\n");
}

/// Copies the crates into a workspace with one more crate, for a backend.
fn copy_workspace(to: &Path) {
    for name in CRATES {
        let crates = to.join("crates");
        fs::create_dir_all(&crates).unwrap();
        let source = root().join("crates").join(name);
        let copied = Command::new("cp").arg("-r").args([source, crates]).status();
        assert!(copied.unwrap().success());
    }
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (before, rest) = manifest.split_once("members = ").unwrap();
    let (_, rest) = rest.split_once("[workspace.package]\n").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let members = "members = [\"crates/*\"]\n\n[workspace.package]\n";
    let manifest = format!("{before}{members}version = \"{VERSION}\"\n{rest}");
    fs::write(to.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), to.join("Cargo.lock")).unwrap();
    let backend = to.join("crates/keyward-trial-greeter");
    fs::create_dir_all(backend.join("src")).unwrap();
    let dependencies = ["core", "loader", "plugin", "testkit"];
    let dependencies: String =
        dependencies.iter().map(|name| format!("keyward-{name}.workspace = true\n")).collect();
    let package = format!(
        "[package]\nname = \"keyward-trial-greeter\"\nversion.workspace = true\n\
         edition.workspace = true\n\n[dependencies]\n{dependencies}"
    );
    fs::write(backend.join("Cargo.toml"), package).unwrap();
}
