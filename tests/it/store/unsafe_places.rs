//! Attacks that once succeeded: configurations in which a store's path leads to other data, missing
//! folders, and other programs' files with the names of Keyward's files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keyward::Credentials;

use crate::helpers::home::Home;

fn code(home: &Home, arguments: &[&str]) -> Option<i32> {
    Some(home.run(arguments).code)
}

fn init_at(home: &Home, store: &str, encryption: &str, root: &Path) -> Option<i32> {
    let root = format!("storage.root={}", root.display());
    let key = ["--option", "key.from=file"];
    let key = if encryption == "clear" { &[][..] } else { &key };
    code(home, &[&["init", store, "--encryption", encryption, "--option", &root], key].concat())
}

fn put_file(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "precious").unwrap();
}

fn set(home: &Home, store: &str) {
    let password = home.path("password");
    fs::write(&password, "s3cret").unwrap();
    let password = password.display().to_string();
    home.run_ok(&["set", store, "ann", "--user", "ann", "--password-file", &password]);
}

fn get(home: &Home, store: &str) -> String {
    home.run_ok(&["get", store, "--user", "ann", "-p"])
}

#[test]
fn a_store_in_the_home_folder_takes_nothing_with_it() {
    for encryption in ["clear", "aes-gcm"] {
        let home = Home::in_memory();
        let notes = home.path(".tmp/notes");
        put_file(&notes);
        assert_eq!(init_at(&home, "work", encryption, home.folder()), Some(0));
        set(&home, "work");
        let thesis = home.path("docs/thesis");
        put_file(&thesis);
        home.run_ok(&["rm", "work", "--yes"]);
        for file in [notes, thesis] {
            assert_eq!(fs::read(&file).unwrap(), b"precious", "{encryption}: {}", file.display());
        }
        assert!(!home.path("ann").join("%").exists(), "{encryption}");
    }
}

#[test]
fn no_store_is_made_where_something_is() {
    for encryption in ["clear", "aes-gcm"] {
        let home = Home::in_memory();
        let root = home.path("shared");
        init_at(&home, "first", encryption, &root);
        set(&home, "first");
        assert_eq!(init_at(&home, "second", encryption, &root), Some(4), "{encryption}");
        let keys = home.path(".local/state/keyward/keys");
        assert!(fs::read_dir(keys).map_or(0, Iterator::count) <= 2, "a key was left behind");
        assert_eq!(get(&home, "first"), "s3cret\n", "{encryption}");
    }
}

#[test]
fn removing_a_store_leaves_the_entries_of_another_one_in_its_place() {
    for encryption in ["clear", "aes-gcm"] {
        let home = Home::in_memory();
        let root = home.path("shared");
        init_at(&home, "first", encryption, &root);
        let stores = home.path(".config/keyward/stores");
        let first = fs::read_to_string(stores.join("first.toml")).unwrap();
        let id = first.lines().find(|line| line.starts_with("id")).unwrap();
        let second = first.replace(id, "id = \"00000000000000000000000000000001\"");
        fs::write(stores.join("second.toml"), second).unwrap();
        set(&home, "first");
        home.run_ok(&["rm", "second", "--yes"]);
        assert_eq!(get(&home, "first"), "s3cret\n", "{encryption}");
        home.run_ok(&["rm", "first", "--yes"]);
        assert!(!root.exists(), "{encryption}");
    }
}

#[test]
fn removing_a_store_leaves_the_database_of_another_program() {
    for storage in ["sqlite", "redb"] {
        let home = Home::in_memory();
        home.init("work", storage, "clear");
        let file = home.path("theirs/data");
        put_file(&file);
        let config = home.path(".config/keyward/stores/work.toml");
        let text = fs::read_to_string(&config).unwrap();
        let path = text.lines().find(|line| line.starts_with("path")).unwrap();
        fs::write(&config, text.replace(path, &format!("path = \"{}\"", file.display()))).unwrap();
        assert_ne!(code(&home, &["rm", "work", "--yes"]), Some(0), "{storage}");
        assert_eq!(fs::read(file).unwrap(), b"precious", "{storage}");
    }
}

#[test]
fn a_store_that_could_not_be_kept_takes_nothing_with_it() {
    let home = Home::in_memory();
    let root = home.path("shared");
    init_at(&home, "first", "clear", &root);
    set(&home, "first");
    let elsewhere = Home::in_memory();
    fs::create_dir_all(elsewhere.path(".config/keyward")).unwrap();
    put_file(&elsewhere.path(".config/keyward/stores"));
    assert_ne!(init_at(&elsewhere, "second", "clear", &root), Some(0));
    assert_eq!(get(&home, "first"), "s3cret\n");
}

#[test]
fn a_storage_that_is_not_there_never_looks_like_an_empty_one() {
    let stores = crate::helpers::home::STORAGES.iter().flat_map(|storage| {
        [("aes-gcm", 6), ("clear", 7)].map(|(encryption, exit)| (*storage, encryption, exit))
    });
    for (storage, encryption, exit) in stores {
        let home = Home::in_memory();
        home.init("work", storage, encryption);
        set(&home, "work");
        let stores = home.path(".local/share/keyward/stores");
        fs::rename(&stores, home.path("unmounted")).unwrap();
        for command in [
            &["get", "work", "--user", "ann"][..],
            &["set", "work", "ann", "--user", "ann", "--password-file", "/etc/hostname"],
            &["unset", "work", "--user", "ann"],
            &["list", "work"],
            &["store", "verify", "work"],
        ] {
            assert_eq!(code(&home, command), Some(exit), "{storage} {encryption}: {command:?}");
        }
        fs::remove_dir_all(&stores).unwrap_or_default();
        fs::rename(home.path("unmounted"), &stores).unwrap();
        assert_eq!(get(&home, "work"), "s3cret\n", "{storage}");
        assert_eq!(code(&home, &["get", "work", "--user", "bob"]), Some(3), "{storage}");
    }
}

#[test]
fn a_password_on_the_command_line_is_not_repeated() {
    let home = Home::in_memory();
    home.init("work", "file", "aes-gcm");
    for arguments in [
        &["set", "work", "ann", "canary"][..],
        &["set", "work", "ann", "--stdin=canary"],
        &["set", "work", "ann", "--password-fd=canary"],
        &["set", "work", "ann", "--password=canary"],
        &["init", "other", "--encryption", "age", "--option", "encryption.passphrase=canary"],
    ] {
        let finished = home.run(arguments).ends(2);
        let said = finished.text().to_owned() + &finished.err;
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn an_edit_loses_neither_its_own_text_nor_that_of_others() {
    let home = Home::in_memory();
    let editor = home.path("editor");
    let config = home.path(".config/keyward/config.toml");
    let edit = |script: &str| {
        fs::write(&editor, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).unwrap();
        let mut command = home.command(crate::helpers::program::keyward());
        command.env_remove("VISUAL").env("EDITOR", &editor).args(["config", "edit"]);
        command.output().unwrap().status.code()
    };
    assert_eq!(edit("echo 'bogus = 1' >>$1"), Some(2));
    assert_eq!(edit("sed -i 's/bogus = 1/user = \"bob\"/' $1"), Some(0));
    assert_eq!(home.run_ok(&["config", "get", "user"]), "bob\n");

    let racing = format!("echo '# mine' >>$1; echo '# theirs' >>{}", config.display());
    assert_eq!(edit(&racing), Some(8));
    assert!(fs::read_to_string(&config).unwrap().ends_with("# theirs\n"));
    assert!(fs::read_to_string(config.with_extension("toml.edit")).unwrap().ends_with("# mine\n"));
}

#[test]
fn a_relative_path_is_refused_where_it_would_lead_elsewhere_from_each_folder() {
    for variable in ["KEYWARD_STORE_PATH", "KEYWARD_CONFIG_FILE"] {
        let home = Home::in_memory().with(variable, "here");
        for command in [&["init", "work"][..], &["config", "set", "user", "bob"]] {
            assert_eq!(code(&home, command), Some(2), "{variable}: {command:?}");
        }
        assert!(!home.path(".config").exists(), "{variable}");
    }
}

#[test]
fn settings_that_are_set_at_once_are_all_there() {
    let home = Home::in_memory();
    let keys = ["user", "defaults.serializer", "defaults.encryption", "defaults.storage"];
    for _ in 0..8 {
        for key in keys {
            home.run(&["config", "set", "--unset", key]);
        }
        let set = |key| {
            let mut command = home.command(crate::helpers::program::keyward());
            command.args(["config", "set", key, "bob"]).spawn().unwrap()
        };
        for mut child in keys.map(set) {
            assert!(child.wait().unwrap().success());
        }
        for key in keys {
            assert_eq!(home.run_ok(&["config", "get", key]), "bob\n");
        }
    }
}

#[test]
fn a_key_file_that_two_stores_share_goes_with_neither() {
    let home = Home::in_memory();
    let path = format!("key.path={}", home.path("keys/shared").display());
    for store in ["a", "b"] {
        home.run_ok(&["init", store, "--option", "key.from=file", "--option", &path]);
        let store = home.store(store);
        let id = store.entry(Some("ann"), None).unwrap();
        store.set_credentials(&id, &Credentials::new("ann", "hers")).unwrap();
    }
    home.run_ok(&["rm", "a", "--yes"]);
    assert_eq!(home.run_ok(&["get", "b", "--user", "ann", "-p"]), "hers\n");
}

#[test]
fn what_other_programs_read_stays_when_the_store_goes() {
    let home = Home::in_memory();
    home.run_ok(&["init", "tree", "--encryption", "clear", "--no-envelope"]);
    let store = home.store("tree");
    store
        .set_credentials(&store.entry(Some("ann"), None).unwrap(), &Credentials::new("ann", "hers"))
        .unwrap();
    let record = home.store_folder().join("ann/%");
    home.run_ok(&["rm", "tree", "--yes"]);
    assert!(record.exists());
    assert_eq!(home.run_ok(&["list"]), "");
}
