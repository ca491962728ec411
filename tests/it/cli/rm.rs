//! What `rm` deletes, and what it leaves and names.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::helpers::home::Home;

const KEYS: &str = ".local/state/keyward/keys";
const DATA: &str = ".local/share/keyward/stores";
const STORES: &str = ".config/keyward/stores";

/// The only entry of a folder in the home, beside Keyward's own hidden ones.
fn only_entry(home: &Home, folder: &str) -> PathBuf {
    let entries = fs::read_dir(home.path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut shown = entries.filter(|path| !path.file_name().unwrap().as_bytes().starts_with(b"."));
    let first = shown.next().unwrap();
    assert_eq!(shown.next(), None);
    first
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A home with a store `s` that has an entry.
fn home_with_entry(options: &str) -> Home {
    let home = Home::with_store(options);
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    home
}

/// Moves a file or folder to `to` in the home, and leaves a symbolic link in its place.
fn move_and_link(home: &Home, path: &Path, to: &str) {
    fs::rename(path, home.path(to)).unwrap();
    symlink(home.path(to), path).unwrap();
}

/// Checks that the store is gone, and that another one can have its name.
#[track_caller]
fn name_is_free(home: &Home) {
    home.keyward("rm s --yes").run().ends(2);
    home.keyward("init s").run().ends(0);
    home.keyward("rm s --yes").run().ends(0).says_nothing();
}

/// Writes a key file as a user supplies it, and returns the options of `init` that name it.
fn supply_key(home: &Home) -> String {
    let path = home.write("k/shared", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    fs::set_permissions(home.path("k"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!("--option key.from=file --option key.path={}", path.display())
}

/// Changes the parameters of the key in the header of a keyset, as a user can who can write the
/// storage.
fn change_parameters(keyset: &Path, from: &[u8], to: &[u8]) {
    let with_length = |text: &[u8]| [&(text.len() as u16).to_be_bytes()[..], text].concat();
    let (from, to) = (with_length(from), with_length(to));
    let blob = fs::read(keyset).unwrap();
    let start = blob.windows(from.len()).position(|window| window == from).unwrap();
    fs::write(keyset, [&blob[..start], &to, &blob[start + from.len()..]].concat()).unwrap();
}

#[test]
fn a_changed_keyset_does_not_make_rm_delete_a_supplied_key() {
    let home = Home::new();
    let options = supply_key(&home);
    home.keyward(&format!("init a {options}")).run().ends(0);
    let keyset = only_entry(&home, DATA).join("%/keyset");
    home.keyward(&format!("init b {options}")).run().ends(0);
    home.keyward("set b ann --stdin").input("of b").run().ends(0);
    change_parameters(&keyset, b"supplied", b"made");
    home.keyward("rm a --yes").run().ends(0).says("k/shared stays");
    home.keyward("get b -p").run().ends(0).prints("of b\n");
}

#[test]
fn a_changed_keyset_does_not_make_rm_leave_the_key_of_the_store() {
    let home = Home::with_store("--option key.from=file");
    let key = only_entry(&home, KEYS);
    change_parameters(&only_entry(&home, DATA).join("%/keyset"), b"made", b"supplied");
    home.keyward("rm s --yes").run().ends(0).says_nothing();
    assert!(!is_there(&key));
}

#[test]
fn a_store_without_keyset_loses_its_key_too() {
    for damage in ["missing", "damaged"] {
        let home = Home::with_store("--option key.from=file");
        let (key, keyset) = (only_entry(&home, KEYS), only_entry(&home, DATA).join("%/keyset"));
        match damage {
            "missing" => fs::remove_file(keyset).unwrap(),
            _ => fs::write(keyset, "damaged").unwrap(),
        }
        home.keyward("rm s --yes").run().ends(0);
        assert!(!is_there(&key), "{damage}");
    }
}

#[test]
fn rm_names_the_supplied_key_that_stays() {
    let home = Home::new();
    let options = supply_key(&home);
    home.keyward(&format!("init s {options}")).run().ends(0).says_nothing();
    home.keyward("rm s --yes").run().ends(0).says("k/shared stays");
    assert!(is_there(&home.path("k/shared")));
}

/// A forgotten passphrase, or a missing terminal, does not prevent the removal.
#[test]
fn rm_asks_for_no_passphrase() {
    let home = Home::new();
    let reference = r#"key.passphrase={ from = "env", name = "PASSPHRASE" }"#;
    home.keyward("init s --option key.from=passphrase --option key.memory_kib=8192 --option")
        .arg(reference)
        .env("PASSPHRASE", "forgotten")
        .run()
        .ends(0);
    let path = home.path(STORES).join("s.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(", passphrase = {").unwrap();
    let (_, after) = rest.split_once('}').unwrap();
    fs::write(&path, format!("{before}{after}")).unwrap();
    home.keyward("set s ann --stdin").input("x").run().ends(5);
    home.keyward("rm s --yes").run().ends(0).says_nothing();
    home.keyward("list").run().ends(0).prints("");
}

#[test]
fn rm_empties_a_data_folder_that_is_a_link_and_names_it() {
    for storage in ["file", "sqlite", "redb"] {
        let home = home_with_entry(&format!("--option key.from=file --storage {storage}"));
        let folder = only_entry(&home, DATA);
        move_and_link(&home, &folder, "disk");
        home.keyward("get s -p").run().ends(0).prints("x\n");
        home.keyward("rm s --yes").run().ends(0).says("is a symbolic link: it stays, and so does");
        assert_eq!(fs::read_dir(home.path("disk")).unwrap().count(), 0, "{storage}");
        assert!(folder.is_symlink(), "{storage}");
        name_is_free(&home);
    }
}

#[test]
fn rm_names_a_data_folder_whose_disk_is_missing() {
    for storage in ["file", "sqlite", "redb"] {
        let home = home_with_entry(&format!("--option key.from=file --storage {storage}"));
        let (folder, key) = (only_entry(&home, DATA), only_entry(&home, KEYS));
        move_and_link(&home, &folder, "disk");
        fs::rename(home.path("disk"), home.path("unmounted")).unwrap();
        home.keyward("rm s --yes").run().ends(0).says("is a symbolic link: it stays, and so does");
        assert!(!is_there(&key), "{storage}");
        name_is_free(&home);
    }
}

#[test]
fn rm_leaves_a_database_that_is_a_link_and_names_it() {
    for (storage, file) in [("sqlite", "store.db"), ("redb", "store.redb")] {
        let home = home_with_entry(&format!("--option key.from=file --storage {storage}"));
        let key = only_entry(&home, KEYS);
        move_and_link(&home, &only_entry(&home, DATA).join(file), "database");
        home.keyward("get s -p").run().ends(4);
        let target = home.path("database");
        let stays =
            format!("{file} is a symbolic link: it stays, and so does {}", target.display());
        home.keyward("rm s --yes").run().ends(0).says(&stays);
        assert!(target.exists(), "{storage}");
        assert!(!is_there(&key), "{storage}");
        name_is_free(&home);
    }
}

#[test]
fn rm_names_what_the_links_in_the_place_of_entries_lead_to() {
    for (entry, what) in
        [("%/keyset", "elsewhere stays"), ("ann/%", "elsewhere stays"), ("ann", "; they stay")]
    {
        let home = Home::with_store("--option key.from=file");
        home.keyward("set s ann --stdin -u ann").input("x").run().ends(0);
        let (folder, key) = (only_entry(&home, DATA), only_entry(&home, KEYS));
        move_and_link(&home, &folder.join(entry), "elsewhere");
        home.keyward("rm s --yes").run().ends(0).says(what);
        assert!(is_there(&home.path("elsewhere")), "{entry}");
        assert!(!is_there(&key), "{entry}");
        name_is_free(&home);
    }
}

#[test]
fn rm_names_a_key_file_that_is_a_link() {
    let home = home_with_entry("--option key.from=file");
    let key = only_entry(&home, KEYS);
    move_and_link(&home, &key, "key");
    let stays = format!("it stays, and so does {}", home.path("key").display());
    home.keyward("rm s --yes").run().ends(0).says(&stays);
    assert!(is_there(&home.path("key")));
    name_is_free(&home);
}

#[test]
fn rm_names_what_the_link_to_a_stores_file_leads_to() {
    let home = home_with_entry("--option key.from=file");
    move_and_link(&home, &home.path(STORES).join("s.toml"), "dotfile");
    home.keyward("get s -p").run().ends(0).prints("x\n");
    let stays = format!("{} stays", home.path("dotfile").display());
    home.keyward("rm s --yes").run().ends(0).says(&stays);
    name_is_free(&home);
}

#[test]
fn rm_finishes_where_the_data_folder_is_gone() {
    for storage in ["file", "sqlite", "redb"] {
        let home = home_with_entry(&format!("--option key.from=file --storage {storage}"));
        let key = only_entry(&home, KEYS);
        fs::remove_dir_all(only_entry(&home, DATA)).unwrap();
        home.keyward("rm s --yes").run().ends(0).says_nothing();
        assert!(!is_there(&key), "{storage}");
        name_is_free(&home);
    }
}

/// Without the storage, the data cannot be removed. So nothing is removed.
#[test]
fn a_store_whose_storage_is_missing_stays_as_it_is() {
    let home = home_with_entry("--option key.from=file");
    let file = home.path(STORES).join("s.toml");
    let text = fs::read_to_string(&file).unwrap();
    let missing = text.replace("use = \"file\"", "use = \"nope\"");
    fs::write(&file, &missing).unwrap();
    home.keyward("rm s --yes").run().ends(2).says("there is no storage called `nope`");
    assert_eq!(fs::read_to_string(&file).unwrap(), missing);
    fs::write(&file, &text).unwrap();
    home.keyward("get s -p").run().ends(0).prints("x\n");
}

/// Copies the file of the store `s`, as a user does who wants a similar store.
fn copy_store_file(home: &Home) {
    let folder = home.path(STORES);
    fs::copy(folder.join("s.toml"), folder.join("copy.toml")).unwrap();
}

#[test]
fn rm_of_a_copied_store_file_removes_the_file_alone() {
    for (removed, kept) in [("copy", "s"), ("s", "copy")] {
        let home = home_with_entry("--option key.from=file");
        copy_store_file(&home);
        let stay = format!("warning: data and key of `{removed}` stay: ");
        let other = format!("{kept}.toml names the same id");
        let line = format!("rm {removed} --yes");
        home.keyward(&line).run().ends(0).says(&stay).says(&other);
        home.keyward(&format!("get {kept} -p")).run().ends(0).prints("x\n");
        home.keyward(&format!("rm {kept} --yes")).run().ends(0).says_nothing();
        let left: Vec<_> = home.files().into_iter().filter(|(_, text)| !text.is_empty()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The other file may be invalid, or may contain the id in an option.
#[test]
fn any_other_file_that_names_the_id_keeps_the_data() {
    for change in [("version = 1", "version = 1\nbroken"), ("version = 1", "version = 2")] {
        let home = home_with_entry("--option key.from=file");
        copy_store_file(&home);
        let copy = home.path(STORES).join("copy.toml");
        let text = fs::read_to_string(&copy).unwrap();
        fs::write(&copy, text.replace(change.0, change.1)).unwrap();
        home.keyward("rm s --yes").run().ends(0).says("copy.toml names the same id");
        fs::write(&copy, text).unwrap();
        home.keyward("get copy -p").run().ends(0).prints("x\n");
    }
}

#[test]
fn a_shared_id_is_reported() {
    let home = home_with_entry("--option key.from=file");
    home.keyward("config validate").run().ends(0);
    copy_store_file(&home);
    home.keyward("config validate").run().ends(2).prints("").says("name the same id");
    let found = home.keyward("doctor").run().ends(2);
    for store in ["s", "copy"] {
        let bad = format!("bad: store {store}: {}", home.path(STORES).join(store).display());
        assert!(found.text().contains(&bad), "{}", found.text());
    }
    home.keyward("info s").run().ends(0).says("warning: ").says("name the same id");
}

#[test]
fn doctor_lists_data_and_keys_that_no_store_names() {
    for storage in ["file", "sqlite", "redb"] {
        let home = home_with_entry(&format!("--option key.from=file --storage {storage}"));
        home.write(&format!("{DATA}/notes"), "of mine");
        let sound = home.keyward("doctor").run().ends(0);
        assert!(!sound.text().contains("unused"), "{}", sound.text());
        let file = home.path(STORES).join("s.toml");
        let text = fs::read_to_string(&file).unwrap();
        let id =
            text.lines().find_map(|line| line.strip_prefix("id = ")).unwrap().trim_matches('"');
        fs::remove_file(&file).unwrap();
        let found = home.keyward("doctor").run().ends(0);
        let listed = home.keyward("doctor --json").run().ends(0).json();
        for folder in [DATA, KEYS] {
            let path = home.path(folder).join(id).display().to_string();
            let note = format!("note: unused file: no store names the id of {path};");
            assert!(found.text().contains(&note), "{}", found.text());
            assert!(found.text().contains(&format!("rm -r {path}\n")), "{}", found.text());
            let text = |finding: &serde_json::Value| finding["text"].as_str().unwrap().to_owned();
            assert!(listed.iter().any(|finding| finding["about"] == "unused file"
                && finding["finding"] == "note"
                && text(finding).contains(&path)));
        }
        assert_eq!(listed.iter().filter(|finding| finding["about"] == "unused file").count(), 2);
        // While the file cannot be read, its ids are unknown. If it is only invalid, they are
        // known.
        fs::write(&file, format!("{text}\nbroken")).unwrap();
        let broken = home.keyward("doctor").run();
        assert!(!broken.text().contains("unused"), "{}", broken.text());
    }
}

#[test]
fn rm_leaves_another_stores_data_even_if_an_unsafe_folder_is_listed_first() {
    for encryption in ["aes-gcm", "clear"] {
        let home = Home::new();
        let init = |name: &str| {
            let key = if encryption == "aes-gcm" { "--option key.from=file" } else { "" };
            home.keyward(&format!("init {name} --encryption {encryption} {key}")).run().ends(0);
        };
        init("s");
        let own = only_entry(&home, DATA);
        fs::rename(&own, home.path("away")).unwrap();
        init("other");
        let other = only_entry(&home, DATA);
        let users = ["a", "b", "c", "d", "e", "f"];
        for user in users {
            home.keyward(&format!("set other ann --user {user} --stdin")).input(user).run().ends(0);
        }
        // The storage lists some of them before the keyset or mark, in the order of the disk.
        let mode = |user: &str, mode: u32| {
            fs::set_permissions(other.join(user), fs::Permissions::from_mode(mode)).unwrap();
        };
        users.iter().for_each(|user| mode(user, 0o770));
        fs::rename(&other, &own).unwrap();
        home.keyward("rm s --yes").run().ends(0);
        fs::rename(&own, &other).unwrap();
        users.iter().for_each(|user| mode(user, 0o700));
        for user in users {
            let got = home.keyward(&format!("get other --user {user} -p")).run().ends(0);
            got.prints(format!("{user}\n"));
        }
    }
}

#[test]
fn two_stores_that_share_an_id_are_removed_one_at_a_time() {
    let home = home_with_entry("--option key.from=file");
    copy_store_file(&home);
    home.keyward("rm s copy --yes").run().ends(2).says("remove one at a time");
    home.keyward("rm copy --yes").run().ends(0);
    home.keyward("get s -p").run().ends(0).prints("x\n");
}

#[test]
fn a_store_file_that_cannot_be_read_may_be_a_copy() {
    let home = home_with_entry("--option key.from=file");
    copy_store_file(&home);
    let copy = home.path(STORES).join("copy.toml");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o666)).unwrap();
    home.keyward("rm s --yes").run().ends(4).says("copy.toml cannot be read");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    home.keyward("get copy -p").run().ends(0).prints("x\n");
}

#[test]
fn rm_says_why_a_record_of_the_store_itself_stays() {
    let home = home_with_entry("--option key.from=file");
    for user in ["bob", "carol"] {
        home.keyward(&format!("set s ann --user {user} --stdin")).input("x").run().ends(0);
    }
    let data = only_entry(&home, DATA);
    fs::set_permissions(data.join("bob/%"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(data.join("carol/%"), "damaged").unwrap();
    let ran = home.keyward("rm s --yes").run().ends(0);
    let ran = ran.says("bob cannot be read: ").says("carol is damaged");
    assert!(!ran.err.contains("another store"), "{}", ran.err);
    assert!(is_there(&data.join("bob/%")) && is_there(&data.join("carol/%")));
}

#[test]
fn rm_of_a_copy_in_another_folder_of_stores_removes_the_copy_alone() {
    let home = home_with_entry("--option key.from=file");
    let copies = home.path("copies");
    fs::create_dir(&copies).unwrap();
    fs::copy(home.path(STORES).join("s.toml"), copies.join("s.toml")).unwrap();
    let rm = home.keyward("rm s --yes").env("KEYWARD_STORE_PATH", &copies);
    rm.run().ends(0).says("names the same id");
    assert!(!is_there(&copies.join("s.toml")));
    home.keyward("get s -p").run().ends(0).prints("x\n");
    // Another path to the same folder is not another folder.
    symlink(home.path(STORES), home.path("link")).unwrap();
    let rm = home.keyward("rm s --yes").env("KEYWARD_STORE_PATH", home.path("link"));
    rm.run().ends(0).says_nothing();
    assert_eq!(fs::read_dir(home.path(DATA)).unwrap().count(), 0);
}
