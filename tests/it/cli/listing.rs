//! `list` with the options that need the records.

use keyward_core::{Expect, Field, Record, Timestamp};
use serde_json::json;

use crate::helpers::home::Home;

/// A home with a store `s`, whose entries are all ann's.
fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    let store = home.store("s");
    for (name, kind, label, updated, expires, used) in [
        ("a", "token", "web", 2, Some(9), None),
        ("b", "token", "db", 3, None, Some(5)),
        ("c", "example.unheard", "web", 1, Some(8), Some(6)),
    ] {
        let mut record = Record::new(kind)
            .with("token", Field::secret("hunter2"))
            .with_updated(Timestamp::from_unix(updated))
            .with_expires(expires.map(Timestamp::from_unix));
        record.used = used.map(Timestamp::from_unix);
        record.labels.insert("team".into(), label.into());
        record.labels.insert(name.into(), String::new());
        let id = store.entry(Some("ann"), Some(name)).unwrap();
        store.put(&id, &record, Expect::Any).unwrap();
    }
    home
}

/// The names that `list s` with these options prints, in their order.
fn names(home: &Home, options: &str) -> String {
    let listed = home.keyward(&format!("list s {options}")).run().ends(0).says_nothing();
    listed.text().lines().map(|line| line.split('\t').nth(1).unwrap()).collect()
}

#[test]
fn entries_are_selected_and_sorted() {
    let home = home();
    for (options, expected) in [
        ("--sort name", "abc"),
        ("--sort updated", "bac"),
        ("--sort used", "cba"),
        ("--sort expires", "cab"),
        ("--sort name --kind token", "ab"),
        ("--sort name --where team", "abc"),
        ("--sort name --where team=web", "ac"),
        ("--where team=web --kind token", "a"),
        ("--where team=web --where a", "a"),
        ("--where team=we", ""),
        ("--kind nope", ""),
        ("--sort name --user ann", "abc"),
        ("--sort name --user bob", ""),
    ] {
        assert_eq!(names(&home, options), expected, "{options}");
    }
    for option in ["--long", "--kind token", "--where a", "--sort name"] {
        home.keyward(&format!("list {option}")).run().ends(2);
    }
}

#[test]
fn facts_about_a_record_are_shown_but_no_value() {
    let home = home();
    let long = home.keyward("list s --where team=web --sort used --long").run().ends(0);
    assert_eq!(
        long.text(),
        "ann\tc\texample.unheard\t1970-01-01T00:00:01Z\t1970-01-01T00:00:08Z\t1970-01-01T00:00:06Z\tc=,team=web\n\
         ann\ta\ttoken\t1970-01-01T00:00:02Z\t1970-01-01T00:00:09Z\t\ta=,team=web\n"
    );
    let shown = home.keyward("list s --where b --json").run().ends(0).json().remove(0);
    let expected = json!({
        "user": "ann", "name": "b", "kind": "token", "labels": { "b": "", "team": "db" },
        "created": null, "updated": "1970-01-01T00:00:03Z", "expires": null,
        "used": "1970-01-01T00:00:05Z",
    });
    assert_eq!(shown, expected);
}

#[test]
fn entries_that_do_not_open_are_reported_after_the_others() {
    let home = Home::with_store("--storage file --encryption clear");
    for name in ["a", "b", "c"] {
        home.keyward(&format!("set s ann --user ann --name {name} --stdin"))
            .input("x")
            .run()
            .ends(0);
    }
    let store = home.store_folder();
    let files: Vec<_> = home.files().into_keys().filter(|path| path.starts_with(&store)).collect();
    let is_b = |path: &&std::path::PathBuf| path.file_name().is_some_and(|name| name == "b");
    let file = files.iter().find(is_b).unwrap_or_else(|| panic!("{files:?}"));
    let mut blob = std::fs::read(file).unwrap();
    *blob.last_mut().unwrap() ^= 1;
    std::fs::write(file, blob).unwrap();
    let listed = home.keyward("list s --sort name").run().ends(6);
    listed.prints("ann\ta\nann\tc\n").says("the entry `b` of user `ann`");
    // The plain form opens none.
    home.keyward("list s").run().ends(0);
}

#[test]
fn a_locked_store_is_reported_once() {
    let home = Home::new();
    let reference = r#"key.passphrase={ from = "env", name = "PASSPHRASE" }"#;
    let init = "init s --option key.from=passphrase --option key.memory_kib=8192 --option";
    home.keyward(init).arg(reference).env("PASSPHRASE", "x").run().ends(0);
    for name in ["a", "b"] {
        let set = format!("set s ann --name {name} --stdin");
        home.keyward(&set).env("PASSPHRASE", "x").input("x").run().ends(0);
    }
    let path = ".config/keyward/stores/s.toml";
    let text = home.read(path);
    let (before, rest) = text.split_once(", passphrase = {").unwrap();
    let (_, after) = rest.split_once('}').unwrap();
    std::fs::write(home.path(path), format!("{before}{after}")).unwrap();
    let failed = home.keyward("list s --sort name").run().ends(5).prints("");
    assert_eq!(failed.err.matches("error:").count(), 1, "{}", failed.err);
}
