//! However many processes work on one store at once, none of their work is lost or done twice.

use std::collections::BTreeSet;
use std::process::{Child, Command, Output, Stdio};

use keyward::{Credentials, EntryId, OpenStore};
use keyward_accounts::Accounts;
use keyward_core::{Change, ErrorKind, Expect, Field, Origin, Record, Timestamp};
use keyward_origin::Location;
use keyward_tests::{count, counted};

use crate::helpers::crash_worker::WORKER;
use crate::helpers::home::{Home, STORAGES, init};
use crate::helpers::program::keyward;
use crate::helpers::scripted_storage;
use crate::helpers::secret_service::Session;

const PROCESSES: u64 = 50;

#[test]
fn increments_of_files_add_up() {
    let home = Home::in_memory();
    home.init("store", "file", "aes-gcm");
    add_up(&home, 200);
}

#[test]
fn increments_of_sqlite_add_up() {
    let home = Home::in_memory();
    home.init("store", "sqlite", "aes-gcm");
    add_up(&home, 200);
}

#[test]
fn increments_of_redb_add_up() {
    let home = Home::in_memory();
    home.init("store", "redb", "aes-gcm");
    add_up(&home, 200);
}

/// GNOME Keyring writes its whole file for each change. So all 200 run only with
/// `KEYWARD_TESTS_FULL=1`, and take a quarter of an hour.
#[test]
fn increments_of_the_secret_service_add_up() {
    let session = Session::unlocked();
    let home = Home::in_memory().with("DBUS_SESSION_BUS_ADDRESS", &session.bus);
    home.init("store", "keyring", "aes-gcm");
    add_up(&home, if std::env::var_os("KEYWARD_TESTS_FULL").is_some() { 200 } else { 5 });
}

#[test]
fn one_of_many_makes_the_store() {
    for storage in STORAGES {
        let home = Home::in_memory();
        let outputs = at_once(|_| {
            let mut command = home.command(keyward());
            command.args(init("store", storage, "aes-gcm"));
            command
        });
        let codes: Vec<_> = outputs.iter().map(|output| output.status.code()).collect();
        let made = codes.iter().filter(|code| **code == Some(0)).count();
        let refused = codes.iter().filter(|code| **code == Some(2)).count();
        assert_eq!((made, refused), (1, PROCESSES as usize - 1), "{storage}: {codes:?}");
        home.run_ok(&["set", "store", "ann", "--password-file", "/etc/hostname"]);
        // The other processes have removed what they made.
        assert!(home.store_folder().is_dir());
        assert_eq!(keys(&home), 1, "{storage}");
    }
}

#[test]
fn first_entries_written_at_once_all_stay() {
    for storage in STORAGES {
        let home = Home::in_memory();
        home.init("store", storage, "aes-gcm");
        let outputs = at_once(|index| {
            let mut command = home.command(keyward());
            let user = format!("user-{index}");
            command.args(["set", "store", &user, "--user", &user]);
            command.args(["--password-file", "/etc/hostname"]);
            command
        });
        for output in outputs {
            assert!(output.status.success(), "{storage}: {output:?}");
        }
        let store = home.store("store");
        let found: BTreeSet<_> =
            store.entries(None).map(|id| id.unwrap().user().to_owned()).collect();
        assert_eq!(found, (0..PROCESSES).map(|index| format!("user-{index}")).collect());
        let verified = store.verify(None, |_, _| {}).unwrap();
        assert_eq!((verified.good, verified.closed, verified.corrupt), (PROCESSES, 0, 0));
    }
}

#[test]
fn a_new_password_keeps_what_another_writer_adds_meanwhile() {
    let home = Home::in_memory();
    home.init("store", "file", "aes-gcm");
    let store = scripted_storage::library(&home).store("store").unwrap();
    let id = store.entry(Some("ann"), None).unwrap();
    store.set_credentials(&id, &Credentials::new("ann", "old")).unwrap();

    let other = home.store("store");
    let place = id.clone();
    scripted_storage::before_put(move || add_label_and_origin(&other, &place));
    store.set_credentials(&id, &Credentials::new("ann", "new")).unwrap();

    let record = store.get(&id).unwrap();
    assert_eq!(store.credentials(&id).unwrap().unwrap().password.expose(), b"new");
    assert_eq!(record.labels.get("team").map(String::as_str), Some("red"));
    assert_eq!(record.origins, [origin()]);
}

#[test]
fn a_list_of_accounts_that_is_made_meanwhile_is_not_replaced() {
    let home = Home::in_memory();
    home.init("store", "file", "aes-gcm");
    let store = scripted_storage::library(&home).store("store").unwrap();
    let id = store.entry(Some("ann"), Some("https://x.example")).unwrap();

    let other = home.store("store");
    scripted_storage::before_put(move || add_account(&other, "ann", "bob"));
    let refused = store.set_credentials(&id, &Credentials::new("ann", "1")).unwrap_err();

    assert_eq!(refused.kind(), ErrorKind::Exists, "{refused:?}");
    let listed = Accounts::new(&*store, "ann").list(&origin()).unwrap();
    assert_eq!(listed.len(), 1);
}

#[test]
fn a_record_that_opens_again_is_not_replaced_as_one_that_does_not() {
    let home = Home::in_memory();
    home.init("store", "file", "aes-gcm");
    let store = scripted_storage::library(&home).store("store").unwrap();
    let id = store.entry(Some("ann"), None).unwrap();
    store.set_credentials(&id, &Credentials::new("ann", "old")).unwrap();
    add_label_and_origin(&store, &id);

    let file = home.store_folder().join("ann/%");
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, "damaged").unwrap();
    scripted_storage::before_put(move || std::fs::write(file, good).unwrap());
    store.set_credentials(&id, &Credentials::new("ann", "new")).unwrap();

    let record = store.get(&id).unwrap();
    assert_eq!(store.credentials(&id).unwrap().unwrap().password.expose(), b"new");
    assert_eq!(record.origins, [origin()]);
}

#[test]
fn a_password_replaces_no_record_of_another_kind() {
    let home = Home::in_memory();
    home.init("store", "file", "aes-gcm");
    let store = home.store("store");
    let id = store.entry(Some("ann"), None).unwrap();
    let token = Record::new("token").with("token", Field::secret("t"));
    store.put(&id, &token, Expect::Absent).unwrap();

    let refused = store.set_credentials(&id, &Credentials::new("ann", "1")).unwrap_err();

    assert_eq!(refused.kind(), ErrorKind::Exists);
    assert_eq!(refused.message(), "the entry holds a record of the kind `token`");
    assert!(refused.advice().unwrap().contains("keyward unset"), "{refused:?}");
    assert_eq!(store.get(&id).unwrap(), token);
    store.unset(&id).unwrap();
    store.set_credentials(&id, &Credentials::new("ann", "1")).unwrap();
}

fn origin() -> Origin {
    Origin { scheme: "https".into(), host: "x.example".into(), port: 443 }
}

fn add_label_and_origin(store: &OpenStore, id: &EntryId) {
    let add = |old: Option<Record>| {
        let mut record = old.expect("the entry is there");
        record.labels.insert("team".into(), "red".into());
        record.origins.push(origin());
        Ok(Change::Put(Box::new(record)))
    };
    store.update(id, add).unwrap();
}

fn add_account(store: &OpenStore, user: &str, account: &str) {
    let location = Location::new(origin(), Some(account), None).unwrap();
    let credentials = Credentials::new(account, "1");
    Accounts::new(&**store, user)
        .keep(&location, Timestamp::from_unix(1), &|old| credentials.write(old))
        .unwrap();
}

/// Has fifty processes add one, `times` times each.
fn add_up(home: &Home, times: u64) {
    let store = home.store("store");
    let id = store.entry(Some("counter"), None).unwrap();
    store.set_credentials(&id, &count(0)).unwrap();
    let outputs = at_once(|_| {
        let mut command = home.command(WORKER);
        command.args(["increment", "store", "counter", &times.to_string()]);
        command
    });
    for output in outputs {
        assert_eq!(output.stdout, b"done\n", "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(counted(&store.credentials(&id).unwrap().unwrap()), PROCESSES * times);
}

/// Starts fifty processes and waits for all of them.
fn at_once(command: impl Fn(u64) -> Command) -> Vec<Output> {
    let start = |index| {
        let mut command = command(index);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<Child> = (0..PROCESSES).map(start).collect();
    children.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

/// How many keys there are in files.
fn keys(home: &Home) -> usize {
    let folder = home.path(".local/state/keyward/keys");
    let files = std::fs::read_dir(folder).unwrap();
    files.filter(|file| file.as_ref().unwrap().file_type().unwrap().is_file()).count()
}
