//! `init`, `rm`, `list` and `info`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::helpers::home::Home;

#[test]
fn a_new_store_needs_nothing_but_a_name() {
    let home = Home::new();
    let made = home.keyward("init s").run().ends(0).says_nothing();
    assert!(made.text().starts_with("Store s: cbor + aes-gcm + file\n"), "{}", made.text());
    assert!(made.text().contains("Its key: { from = \"file\""), "{}", made.text());
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    home.keyward("get s -p").run().ends(0).prints("x\n");
}

#[test]
fn setup_does_not_change_an_existing_store() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    let before = home.files();
    for options in ["", "--storage sqlite", "--encryption clear --serializer json"] {
        home.keyward(&format!("init s {options}"))
            .run()
            .ends(2)
            .prints("")
            .says("the store `s` exists already");
    }
    assert!(home.files() == before, "something changed");
}

#[test]
fn an_init_that_fails_leaves_nothing() {
    for line in [
        "init s --storage nope",
        "init s --encryption nope",
        "init s --serializer nope",
        "init s --option key.from=nope",
        "init s --option storage.nope=1",
        "init s --option storage.root=relative",
        "init s --option storage",
        "init s --option nope.a=b",
        "init s --option storage.root=%nope%",
        "init s --encryption age",
        "init s --encryption age --option encryption.passphrase=literal",
        "init s --option key.from=env --option key.name=NOT_SET",
        "init",
        "init s t",
    ] {
        let home = Home::new();
        let ran = home.keyward(line).run();
        assert!([2, 6].contains(&ran.code), "{line}: {} {}", ran.code, ran.err);
        let stores = home.path(".config/keyward/stores");
        let files = fs::read_dir(stores).map_or(0, |entries| {
            entries.filter(|entry| entry.as_ref().unwrap().file_name() != ".tmp").count()
        });
        assert_eq!(files, 0, "{line} left a store");
        assert!(
            !home.files().iter().any(|(_, content)| !content.is_empty()),
            "{line} left {:?}",
            home.files().keys()
        );
        home.keyward("list").run().ends(0).prints("");
    }
}

#[test]
fn a_store_that_does_not_exist_is_exit_2_everywhere() {
    let home = Home::new();
    for line in [
        "get nope",
        "set nope ann --stdin",
        "unset nope",
        "rm nope --yes",
        "list nope",
        "info nope",
        "store verify nope",
        "store rotate nope",
        "get ../nope",
    ] {
        home.keyward(line).run().ends(2).prints("").says("there is no store `");
    }
}

#[test]
fn a_similar_word_gives_a_hint() {
    let home = Home::new();
    home.keyward("init work --option key.from=file").run().ends(0);
    for (line, meant) in [
        ("get wrk", "work"),
        ("set wrok ann --stdin", "work"),
        ("list Work", "work"),
        ("rm --yes works", "work"),
        ("config get usr", "user"),
        ("config set backends.storage.file.rot /x", "root"),
        ("help exitcodes", "exit-codes"),
        ("man unst", "unset"),
        ("gett", "get"),
    ] {
        let said = home.keyward(line).input("x").run().ends(2).err;
        assert!(
            said.contains(&format!("`{meant}`")) || said.contains(&format!("'{meant}'")),
            "{line}: {said}"
        );
    }
    home.keyward("get wrk").run().ends(2).says("hint: Did you mean `work`?\n");
    home.keyward("get entirely-other").run().ends(2).says("`keyward list` shows");
}

#[test]
fn rm_looks_at_every_name_before_it_removes_any() {
    let home = Home::new();
    for store in ["a", "b"] {
        home.keyward(&format!("init {store}")).run().ends(0);
        home.keyward(&format!("set {store} ann --stdin")).input("x").run().ends(0);
    }
    home.keyward("rm --yes a nope b").run().ends(2).says("there is no store `nope`");
    home.keyward("list").run().ends(0).prints("a\nb\n");
    home.keyward("rm --yes a a").run().ends(0).prints("").says_nothing();
    home.keyward("list").run().ends(0).prints("b\n");
    home.keyward("get b -p").run().ends(0).prints("x\n");
    home.keyward("rm --yes b").run().ends(0);
    let left: Vec<_> =
        home.files().into_iter().filter(|(_, content)| !content.is_empty()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn rm_leaves_what_it_did_not_make() {
    let home = Home::new();
    home.write("shared/mine", "mine");
    let root = home.path("shared");
    home.keyward(&format!("init s --option storage.root={}", root.display())).run().ends(0);
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    home.keyward("rm s --yes").run();
    assert_eq!(home.read("shared/mine"), "mine");
    home.keyward("list").run().ends(0).prints("");
}

#[test]
fn stores_of_one_name_at_two_places_are_two() {
    let home = Home::new();
    let at =
        |folder: &str, line: &str| home.keyward(line).env("KEYWARD_STORE_PATH", home.path(folder));
    for folder in ["one", "other"] {
        at(folder, "init same").run().ends(0);
        at(folder, "set same ann --stdin").input(folder).run().ends(0);
    }
    at("one", "rm same --yes").run().ends(0);
    at("other", "get same -p").run().ends(0).prints("other\n");
    at("one", "list").run().ends(0).prints("");
}

#[test]
fn info_prints_these_lines() {
    let home = Home::with_store("--serializer json --encryption clear --storage sqlite");
    let file = home.path(".config/keyward/stores/s.toml");
    let head = format!("name: s\nconfig-file: {}\n", file.display());
    home.keyward("info s --format none").run().ends(0).prints(&head);
    home.keyward("info s s -f none").run().ends(0).prints(format!("{head}{head}"));
    let standard = home.keyward("info s").run().ends(0).says_nothing();
    let backends = "encryption: clear\nserializer: json\nstorage: sqlite\n";
    let start = format!("{head}{backends}id: ");
    assert!(standard.text().starts_with(&start), "{}", standard.text());
    assert!(standard.text().contains("\nrecords: not encrypted: accidental damage is detected"));
    for user in ["b", "a"] {
        home.keyward(&format!("set s ann --stdin -u {user}")).input("x").run().ends(0);
    }
    home.keyward("info s -f none --users").run().ends(0).prints(format!("{head}users: a, b\n"));
    home.keyward("info s -f none -u").run().ends(0).prints(format!("{head}users: a, b\n"));
    home.keyward("info s -f nope").run().ends(2);
    home.keyward("info s nope").run().ends(2).prints("");
}

#[test]
fn info_raw_prints_the_file_as_it_is() {
    let home = Home::with_store("");
    let path = ".config/keyward/stores/s.toml";
    let text = format!("# of mine\n{}", home.read(path));
    fs::write(home.path(path), &text).unwrap();
    let head = format!("name: s\nconfig-file: {}\n", home.path(path).display());
    home.keyward("info s -f raw").run().ends(0).prints(format!("{head}{text}"));
}

#[test]
fn info_as_json() {
    let home = Home::with_store("--encryption aes-gcm --option key.from=file --storage redb");
    home.keyward("set s ann --stdin -u a,b").input("x").run().ends(0);
    let info = home.keyward("info s --json --users").run().ends(0).json().remove(0);
    let path = home.path(".config/keyward/stores/s.toml");
    for (key, value) in [
        ("name", json!("s")),
        ("config_file", json!(path)),
        ("serializer", json!("cbor")),
        ("encryption", json!("aes-gcm")),
        ("key", json!("file")),
        ("storage", json!("redb")),
        ("envelope", json!(true)),
        ("deleting", json!(false)),
        ("lasts", json!("for good")),
        ("users", json!(["a,b"])),
    ] {
        assert_eq!(info[key], value, "{key}");
    }
    assert_eq!(info["id"].as_str().map(str::len), Some(32));
    assert!(info["records"].as_str().is_some_and(|text| text.starts_with("bound and authentic")));
    let without = home.keyward("info s --json").run().ends(0).json().remove(0);
    assert_eq!(without["users"], Value::Null);
}

#[test]
fn no_encryption_is_warned_of() {
    let home = Home::new();
    home.keyward("init s --encryption clear")
        .run()
        .ends(0)
        .says("warning: this store does not protect what is in it");
}

/// A way to put something of another type in the place of a record or a user's folder. `$1` is its path.
const MISFITS: [&str; 4] = [
    "mv $1 kept; ln -s $PWD/kept $1",
    "rm -r $1; mkfifo $1",
    "rm -r $1; python3 -c \"import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])\" $1",
    "test -d $1 && { rm -r $1; touch $1; } || { rm $1; mkdir $1; }",
];

#[test]
fn what_is_no_record_and_no_users_folder_is_reported_and_retires_no_key() {
    for (place, get) in [("bob/n1", "get s -p -u bob --name n1"), ("bob", "get s -p -u bob")] {
        for script in MISFITS {
            let home = Home::with_store("--option key.from=file");
            for line in ["-u ann", "-u bob", "-u bob --name n1", "-u carol"] {
                let set = format!("set s x --stdin {line}");
                home.keyward(&set).input("s3cret").run().ends(0);
            }
            let stores = home.path(".local/share/keyward/stores");
            let store = fs::read_dir(stores).unwrap().next().unwrap().unwrap().path();
            let misfit = store.join(place);
            home.program("sh").args(["-c", script, "sh"]).arg(&misfit).run().ends(0);
            let shown = misfit.display().to_string();

            home.keyward(get).run().ends(4).prints("");
            let listed = home.keyward("list s").run().ends(6).says(&shown);
            for user in ["ann\n", "carol\n"] {
                assert!(listed.text().contains(user), "{script}: {}", listed.text());
            }
            let good = if place == "bob" { 2 } else { 3 };
            let verified = home.keyward("store verify s").run().ends(6).says(&shown);
            let counts = format!("{good} good, 0 not openable by you, 0 corrupt\n");
            assert_eq!(verified.text(), counts, "{script}");
            home.keyward("store rotate s").run().ends(6).says(&shown);
            home.keyward("store rotate s --retire").run().ends(6).says(&shown);
            home.keyward("get s -p -u carol").run().ends(0).prints("s3cret\n");
        }
    }
}

#[test]
fn a_record_that_was_a_link_for_a_while_opens_after_rotations() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s x --stdin -u ann").input("s3cret").run().ends(0);
    let stores = home.path(".local/share/keyward/stores");
    let record = fs::read_dir(stores).unwrap().next().unwrap().unwrap().path().join("ann/%");
    fs::rename(&record, home.path("kept")).unwrap();
    std::os::unix::fs::symlink(home.path("kept"), &record).unwrap();
    for line in ["store verify s", "store rotate s", "store rotate s --retire"] {
        home.keyward(line).run().ends(6).says("is a symbolic link, not a record");
    }
    fs::remove_file(&record).unwrap();
    fs::rename(home.path("kept"), &record).unwrap();
    home.keyward("get s -p -u ann").run().ends(0).prints("s3cret\n");
    home.keyward("store rotate s").run().ends(0);
    home.keyward("store rotate s --retire").run().ends(0);
    home.keyward("get s -p -u ann").run().ends(0).prints("s3cret\n");
}

#[test]
fn verify_names_every_record_that_others_can_read() {
    let home = Home::with_store("--option key.from=file");
    for user in ["ann", "bob", "carol"] {
        home.keyward(&format!("set s x --stdin -u {user}")).input("s3cret").run().ends(0);
    }
    let stores = home.path(".local/share/keyward/stores");
    let folder = fs::read_dir(stores).unwrap().next().unwrap().unwrap().path();
    for user in ["ann", "carol"] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(folder.join(user).join("%"), open).unwrap();
    }
    let verified = home.keyward("store verify s").run().ends(4);
    let verified = verified.says("ann: refused (").says("carol: refused (");
    assert_eq!(verified.text(), "1 good, 0 not openable by you, 0 corrupt\n");
}

#[test]
fn a_store_with_a_link_in_a_records_place_can_be_removed() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s x --stdin -u ann").input("s3cret").run().ends(0);
    let stores = home.path(".local/share/keyward/stores");
    let folder = fs::read_dir(stores).unwrap().next().unwrap().unwrap().path();
    let other = home.write("other", "not Keyward's");
    std::os::unix::fs::symlink(&other, folder.join("ann/link")).unwrap();
    home.keyward("rm s --yes").run().ends(0);
    assert!(!folder.exists());
    assert_eq!(home.read("other"), "not Keyward's");
}

/// Such a store could not seal any record.
#[test]
fn a_store_without_recipients_is_not_made() {
    let home = Home::new();
    for content in ["", "# none yet\n\n"] {
        let recipients = home.write("recipients", content);
        let option = format!("encryption.recipients_file={}", recipients.display());
        let init = home.keyward("init s --encryption age --option").arg(option).run();
        init.ends(2).says("contains no recipient").says("hint: ");
        home.keyward("list").run().ends(0).prints("");
    }
}

/// Gives all files and folders more permissions, as a restored backup may have. Returns their
/// paths.
fn restored(home: &Home) -> Vec<PathBuf> {
    let mut loosened = Vec::new();
    for folder in [".config/keyward", ".local/share/keyward", ".local/state/keyward"] {
        for path in crate::helpers::home::files(&home.path(folder)).into_keys() {
            let mode = if path.is_dir() { 0o777 } else { 0o666 };
            fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            loosened.push(path);
        }
    }
    loosened
}

#[test]
fn doctor_reports_every_wrong_mode_and_fixes_them() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    home.keyward("config set user root").run().ends(0);
    home.keyward("doctor").run().ends(0);
    let loosened = restored(&home);
    assert!(loosened.len() > 10, "{loosened:?}");
    // Outside Keyward's folders; only a link in them leads there.
    let outside = home.write("outside", "x");
    fs::set_permissions(&outside, PermissionsExt::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink(&outside, home.path(".local/share/keyward/link")).unwrap();
    let another = home.write(".local/state/keyward/another", "x");
    std::os::unix::fs::chown(&another, Some(65_534), None).unwrap();
    let mode_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let modes = |paths: &[PathBuf]| paths.iter().map(|path| mode_of(path)).collect::<Vec<_>>();

    let before = modes(&loosened);
    let told = home.keyward("doctor").run().ends(4);
    for path in &loosened {
        let shown = format!("{} has the mode ", path.display());
        assert!(told.text().contains(&shown), "{shown}\n{}", told.text());
    }
    assert_eq!(modes(&loosened), before, "doctor without --fix changes nothing");

    let fixed = home.keyward("doctor --fix").run().ends(4);
    for path in &loosened {
        let shown = format!("{}: mode changed from 0", path.display());
        assert!(fixed.text().contains(&shown), "{shown}\n{}", fixed.text());
    }
    assert!(fixed.text().contains("another belongs to user id 65534"), "{}", fixed.text());
    assert_eq!((mode_of(&outside), mode_of(&another)), (0o644, 0o644));
    fs::remove_file(another).unwrap();
    home.keyward("doctor").run().ends(0);
    home.keyward("get s -p -u root").run().ends(0).prints("x\n");
}

#[test]
fn doctor_finds_what_is_no_file_and_gives_the_owner_write_permission() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    let data = home.path(".local/share/keyward");
    let entry = crate::helpers::home::files(&data).into_keys();
    let entry = entry.into_iter().find(|path| path.is_file() && path.ends_with("%"));
    let entry = entry.expect("the file of the entry");
    let folder = entry.parent().unwrap();
    let (link, fifo) = (folder.join("link"), data.join("fifo"));
    std::os::unix::fs::symlink(&entry, &link).unwrap();
    home.program("mkfifo").arg("-m").arg("600").arg(&fifo).run().ends(0);
    fs::set_permissions(&entry, PermissionsExt::from_mode(0o400)).unwrap();
    fs::set_permissions(folder, PermissionsExt::from_mode(0o500)).unwrap();
    let fixed = home.keyward("doctor --fix").run().ends(4);
    for shown in [
        format!("{} is a symbolic link and not a file", link.display()),
        format!("{} is a FIFO and not a file", fifo.display()),
        format!("{}: mode changed from 0400 to 0600", entry.display()),
        format!("{}: mode changed from 0500 to 0700", folder.display()),
    ] {
        assert!(fixed.text().contains(&shown), "{shown}\n{}", fixed.text());
    }
    fs::remove_file(link).unwrap();
    fs::remove_file(fifo).unwrap();
    home.keyward("doctor").run().ends(0);
}

#[test]
fn a_dash_means_the_default_store() {
    let home = Home::new();
    home.keyward("set - ann --stdin").input("x").run().ends(2).says("there is no store yet");
    home.keyward("init -").run().ends(2).says("a new store cannot be called `-`");
    home.keyward("init one --option key.from=file").run().ends(0);
    home.keyward("set - ann --stdin").input("in one").run().ends(0);
    home.keyward("get one -p").run().ends(0).prints("in one\n");
    home.keyward("init two --option key.from=file").run().ends(0);
    let refused = home.keyward("get - -p").run().ends(2);
    refused.says("no default store is set, and there are 2 stores");
    home.keyward("config set defaults.store two").run().ends(0);
    home.keyward("set - ann --stdin").input("in two").run().ends(0);
    home.keyward("get two -p").run().ends(0).prints("in two\n");
    home.keyward("rm - --yes").run().ends(0);
    home.keyward("get - -p").run().ends(2).says("there is no store `two`");
}
