//! If the storage of another store is in a store's place, nothing of it is read, changed or
//! removed.

use std::fs;
use std::path::PathBuf;

use keyward::{Credentials, EntryId, ErrorKind, OpenStore};
use keyward_core::{Change, Expect, Persistence, Query, Record};

use crate::helpers::home::{Home, STORAGES, init};
use crate::helpers::scripted_storage;
use crate::store::tampering::{ENCRYPTIONS, make};

/// A home with the stores `a` and `b`, in which `a` keeps an entry of ann and `b` one of bob.
fn two_stores(storage: &str, encryption: &str) -> Home {
    let home = Home::in_memory();
    for (name, user) in [("a", "ann"), ("b", "bob")] {
        make(&home, name, storage, encryption);
        home.store(name).set_credentials(&entry(user), &password_of(user)).unwrap();
    }
    home
}

fn entry(user: &str) -> EntryId {
    EntryId::new(user, None).unwrap()
}

fn password_of(user: &str) -> Credentials {
    Credentials::new(user, format!("of {user}"))
}

fn folder(home: &Home, store: &str) -> PathBuf {
    let id = home.store(store).file.id.to_string();
    home.path(".local/share/keyward/stores").join(id)
}

/// Exchanges the storages of the two stores.
fn swap(home: &Home) {
    let (a, b, aside) = (folder(home, "a"), folder(home, "b"), home.path("aside"));
    fs::rename(&a, &aside).unwrap();
    fs::rename(&b, &a).unwrap();
    fs::rename(&aside, &b).unwrap();
}

#[track_caller]
fn is_foreign<T>(result: keyward::Result<T>, what: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{what} works"));
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error:?}");
    assert!(error.message().contains("belongs to another store"), "{what}: {error:?}");
    assert!(error.advice().is_some(), "{what}: {error:?}");
}

/// Tries every operation on a store in whose place another one's storage is.
fn nothing_works(store: impl Fn() -> OpenStore, what: &str) {
    for user in ["ann", "bob"] {
        let (id, what) = (entry(user), |operation| format!("{what}: {operation} {user}"));
        let put = |_| Ok(Change::Put(Box::new(Record::from(&password_of(user)))));
        let record = Record::from(&password_of(user));
        is_foreign(store().get(&id), &what("get"));
        is_foreign(store().contains(&id), &what("contains"));
        is_foreign(store().put(&id, &record, Expect::Any), &what("put"));
        is_foreign(store().update(&id, put), &what("update"));
        is_foreign(store().set_credentials(&id, &password_of(user)), &what("set"));
        is_foreign(store().unset(&id), &what("unset"));
    }
    is_foreign(store().list(&Query::default()), &format!("{what}: list"));
    is_foreign(store().verify(None, |_, _| {}), &format!("{what}: verify"));
    is_foreign(store().check_key(), &format!("{what}: check_key"));
}

#[test]
fn a_storage_that_names_another_store_is_left_alone() {
    for storage in STORAGES {
        for encryption in ENCRYPTIONS {
            let home = two_stores(storage, encryption);
            let what = format!("{storage} with {encryption}");
            swap(&home);
            nothing_works(|| home.store("a"), &what);
            if encryption != "clear" {
                is_foreign(home.store("a").rotate(|_| {}), &format!("{what}: rotate"));
            }
            if encryption == "aes-gcm" {
                is_foreign(home.store("a").retire(), &format!("{what}: retire"));
            }
            swap(&home);
            for (name, user) in [("a", "ann"), ("b", "bob")] {
                let found = home.store(name).credentials(&entry(user)).unwrap();
                assert_eq!(found, Some(password_of(user)), "{what}");
            }
        }
    }
}

/// A session's keyring may have no keyset yet, but not another store's.
#[test]
fn a_storage_that_does_not_last_is_left_alone_too() {
    let home = two_stores("file", "aes-gcm");
    swap(&home);
    scripted_storage::pretend(Persistence::Session);
    nothing_works(|| scripted_storage::library(&home).store("a").unwrap(), "a session's storage");
}

/// One store has a mark, the other a keyset.
#[test]
fn a_storage_of_another_encryption_is_left_alone() {
    for encryptions in [["clear", "aes-gcm"], ["aes-gcm", "clear"]] {
        let home = Home::in_memory();
        for (name, encryption) in ["a", "b"].into_iter().zip(encryptions) {
            make(&home, name, "file", encryption);
        }
        home.store("b").set_credentials(&entry("bob"), &password_of("bob")).unwrap();
        swap(&home);
        nothing_works(|| home.store("a"), encryptions[0]);
    }
}

#[test]
fn a_record_of_another_store_is_left_alone() {
    for encryption in ENCRYPTIONS {
        let home = two_stores("file", encryption);
        let foreign = folder(&home, "a").join("bob");
        fs::create_dir(&foreign).unwrap();
        fs::copy(folder(&home, "b").join("bob/%"), foreign.join("%")).unwrap();
        let before = fs::read(foreign.join("%")).unwrap();
        let a = home.store("a");
        is_foreign(a.credentials(&entry("bob")), "get");
        is_foreign(a.contains(&entry("bob")), "contains");
        is_foreign(a.set_credentials(&entry("bob"), &password_of("bob")), "set");
        is_foreign(a.unset(&entry("bob")), "unset");
        assert_eq!(fs::read(foreign.join("%")).unwrap(), before, "{encryption}");
        assert_eq!(a.credentials(&entry("ann")).unwrap(), Some(password_of("ann")), "{encryption}");
    }
}

#[test]
fn a_store_without_envelopes_replaces_no_record_in_one() {
    let home = two_stores("file", "clear");
    let mut arguments = init("bare", "file", "clear");
    arguments.push("--no-envelope");
    home.run_ok(&arguments);
    let config = home.path(".config/keyward/stores/bare.toml");
    let root = folder(&home, "b");
    let text = fs::read_to_string(&config).unwrap();
    let root = text.replace("%data%/stores/%id%", root.to_str().unwrap());
    fs::write(&config, root).unwrap();
    let bare = home.store("bare");
    is_foreign(bare.credentials(&entry("bob")), "get");
    is_foreign(bare.set_credentials(&entry("bob"), &password_of("bob")), "set");
    is_foreign(bare.unset(&entry("bob")), "unset");
    assert_eq!(home.store("b").credentials(&entry("bob")).unwrap(), Some(password_of("bob")));
}

/// The check costs nothing where the record itself names its store.
#[test]
fn an_entry_that_exists_is_read_without_the_mark() {
    for (encryption, get, set) in [("clear", 1, 1), ("aes-gcm", 2, 3)] {
        let home = two_stores("file", encryption);
        let open = || scripted_storage::library(&home).store("a").unwrap();
        scripted_storage::take_reads();
        open().credentials(&entry("ann")).unwrap();
        assert_eq!(scripted_storage::take_reads(), get, "{encryption}: get");
        open().set_credentials(&entry("ann"), &password_of("ann")).unwrap();
        assert_eq!(scripted_storage::take_reads(), set, "{encryption}: set");
    }
}

#[test]
fn a_damaged_mark_is_no_missing_entry() {
    let home = two_stores("file", "clear");
    fs::write(folder(&home, "a").join("%/mark"), "damaged").unwrap();
    let a = home.store("a");
    assert_eq!(a.credentials(&entry("bob")).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(
        a.set_credentials(&entry("bob"), &password_of("bob")).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
    assert_eq!(a.credentials(&entry("ann")).unwrap(), Some(password_of("ann")));
}

#[test]
fn the_program_says_that_the_storage_is_another_stores() {
    let home = two_stores("file", "clear");
    swap(&home);
    for line in ["get a --user ann", "set a u --user bob --stdin", "unset a --user bob", "list a"] {
        let finished = home.keyward(line).input("new").run().ends(6);
        finished.says("belongs to another store").says("hint: Put the store's own storage back");
    }
    let doctor = home.run(&["doctor"]).into_text();
    assert!(doctor.contains("bad: store a: the storage belongs to another store"), "{doctor}");

    home.run_ok(&["rm", "a", "--yes"]);
    let b = home.path(".local/share/keyward/stores");
    let folders = fs::read_dir(&b).unwrap().map(|found| found.unwrap().path());
    let kept = folders.filter(|folder| folder.join("bob/%").exists()).count();
    assert_eq!(kept, 1, "the record of b is still there");
}
