//! Stores that an earlier Keyward made still open.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use keyward::{Environment, Keyward, Silent};
use keyward_defaults as _;
use keyward_testkit::Scratch;
use xtask::root;

const ID: &str = "fd5bf19687c7fc5916523666a9ca0eec";
const KEY: &str = "w4o1MMGEUOlF6ONtazlmRjye4tCcxdzyli0ZJdy9ykk=";

/// Two entries from before a rotation, one from after it.
const ENTRIES: [(&str, Option<&str>, &str, &[u8]); 3] = [
    ("ann", None, "ann@example.com", b"s3cret"),
    ("bob", Some("https://example.com"), "bob", b"line one\nline two\n"),
    ("J\u{fc}rgen", None, "root", "p\u{e4}ss".as_bytes()),
];

#[test]
fn the_first_version_opens() {
    let home = Scratch::new();
    let made = root().join("tests/vectors/stores/v1");
    let file = home.folder().join(".config/keyward/stores/golden.toml");
    copy(&made.join("golden.toml"), &file);
    copy(&made.join("data"), &home.folder().join(".local/share/keyward/stores").join(ID));

    let variables = [("HOME", home.folder().to_str().unwrap()), ("GOLDEN_KEY", KEY)];
    let keyward = Keyward::with(Environment::new(variables), Silent).unwrap();
    let store = keyward.store("golden").unwrap();
    for (user, name, username, password) in ENTRIES {
        let credentials =
            store.credentials(&store.entry(Some(user), name).unwrap()).unwrap().unwrap();
        assert_eq!(credentials.username, username);
        assert_eq!(credentials.password.expose(), password);
    }
    assert_eq!(store.entries(None).count(), ENTRIES.len());
}

/// Copies a store. Other users may read a checkout, but not a store.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        DirBuilder::new().recursive(true).mode(0o700).create(to.parent().unwrap()).unwrap();
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).unwrap();
        return file.write_all(&fs::read(from).unwrap()).unwrap();
    }
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}
