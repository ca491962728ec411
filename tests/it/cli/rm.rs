//! What `rm` deletes, and what it leaves and names.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

const KEYS: &str = ".local/state/keyward/keys";
const DATA: &str = ".local/share/keyward/stores";
const STORES: &str = ".config/keyward/stores";

/// The only entry of a folder in the home, beside Keyward's own hidden ones.
fn only_entry(home: &Sandbox, folder: &str) -> PathBuf {
    let entries = fs::read_dir(home.path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut shown = entries.filter(|path| !path.file_name().unwrap().as_bytes().starts_with(b"."));
    let first = shown.next().unwrap();
    assert_eq!(shown.next(), None);
    first
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Writes a key file as a user supplies it, and returns the options of `init` that name it.
fn supply_key(home: &Sandbox) -> String {
    let path = home.write("k/shared", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    fs::set_permissions(home.path("k"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    format!("--option key.from=file --option key.path={}", path.display())
}

/// Changes the parameters of the key in the header of a keyset, as one who can write the storage can.
fn change_parameters(keyset: &Path, from: &[u8], to: &[u8]) {
    let with_length = |text: &[u8]| [&(text.len() as u16).to_be_bytes()[..], text].concat();
    let (from, to) = (with_length(from), with_length(to));
    let blob = fs::read(keyset).unwrap();
    let start = blob.windows(from.len()).position(|window| window == from).unwrap();
    fs::write(keyset, [&blob[..start], &to, &blob[start + from.len()..]].concat()).unwrap();
}

#[test]
fn a_changed_keyset_does_not_make_rm_delete_a_supplied_key() {
    let home = Sandbox::new();
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
    let home = Sandbox::with_store("--option key.from=file");
    let key = only_entry(&home, KEYS);
    change_parameters(&only_entry(&home, DATA).join("%/keyset"), b"made", b"supplied");
    home.keyward("rm s --yes").run().ends(0).says_nothing();
    assert!(!is_there(&key));
}

#[test]
fn a_store_without_keyset_loses_its_key_too() {
    for damage in ["missing", "damaged"] {
        let home = Sandbox::with_store("--option key.from=file");
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
    let home = Sandbox::new();
    let options = supply_key(&home);
    home.keyward(&format!("init s {options}")).run().ends(0).says_nothing();
    home.keyward("rm s --yes").run().ends(0).says("k/shared stays");
    assert!(is_there(&home.path("k/shared")));
}

/// A passphrase that was forgotten, or that cannot be asked for, is not in the way.
#[test]
fn rm_asks_for_no_passphrase() {
    let home = Sandbox::new();
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
