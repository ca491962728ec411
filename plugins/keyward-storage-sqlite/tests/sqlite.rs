//! Tests that need a file on a disk, other processes and the real `sqlite3`.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::fs::{self, File, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{
    EntryId, ErrorKind, Expect, Host, Operation, Put, Query, Registry, Storage, Value, Values,
};
use keyward_storage_sqlite::Sqlite;
use keyward_testkit::{Scratch, TestHost};

keyward_testkit::processes_suite! {
    Sqlite,
    |scratch| Values::new().with("path", Value::Text(scratch.path("store/store.db"))),
    files = ["store/store.db", "store/store.db-wal", "store/store.db-shm"],
    check = |scratch| {
        let found = sqlite3(&scratch.path("store/store.db"), "PRAGMA integrity_check");
        assert_eq!(found.trim(), "ok");
    },
}

fn open(path: &str) -> Box<dyn Storage> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new().within(Duration::from_secs(20)));
    let values = Values::new().with("path", Value::Text(path.to_owned()));
    Registry::linked().unwrap().open("sqlite", &values, &host).unwrap()
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

fn ann() -> EntryId {
    EntryId::new("ann", Some("counter")).unwrap()
}

/// A store with `count` entries that no process has open.
fn filled(count: usize) -> (Scratch, String) {
    let scratch = Scratch::new();
    let path = scratch.path("store/store.db");
    let storage = open(&path);
    let ids: Vec<_> = (0..count).map(|number| format!("entry {number}")).collect();
    let ids: Vec<_> = ids.iter().map(|name| EntryId::new("ann", Some(name)).unwrap()).collect();
    let puts: Vec<_> = ids.iter().map(|id| Operation::Put(id, &[b'x'; 600], any())).collect();
    storage.abilities().bulk.unwrap().apply(&puts).unwrap();
    (scratch, path)
}

fn sqlite3(path: &str, statement: &str) -> String {
    let output = Command::new("sqlite3").args([path, statement]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The files of a folder and what is in them.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn sqlite3_finds_the_database_sound() {
    let (_scratch, path) = filled(300);
    let storage = open(&path);
    for entry in storage.list(&Query::default().with_limit(100)).unwrap().entries {
        storage.delete(&entry, &Expect::Any).unwrap();
    }
    assert_eq!(sqlite3(&path, "PRAGMA integrity_check").trim(), "ok");
    assert_eq!(sqlite3(&path, "SELECT count(*) FROM entry").trim(), "200");
}

#[test]
fn a_deleted_blob_is_in_no_file() {
    let (scratch, path) = filled(20);
    let storage = open(&path);
    let found = || {
        let canary = b"a canary that sings";
        let sings = |bytes: &[u8]| bytes.windows(canary.len()).any(|part| part == canary);
        contents(&scratch.folder().join("store")).iter().any(|(_, bytes)| sings(bytes))
    };
    for size in [1, 1000] {
        storage.put(&ann(), &b"a canary that sings ".repeat(size), &any()).unwrap();
        assert!(found());
        storage.delete(&ann(), &Expect::Any).unwrap();
        assert!(!found());
    }
}

const DAMAGES: [fn(&mut File); 3] = [
    |file| {
        file.seek(SeekFrom::Start(4096)).unwrap();
        file.write_all(&[0xff; 300 * 1024]).unwrap();
    },
    |file| file.set_len(2 * 4096).unwrap(),
    |file| file.write_all(&[0x5a; 1000]).unwrap(),
];

/// A store whose database was damaged.
fn damaged(damage: fn(&mut File)) -> (Scratch, String) {
    let (scratch, path) = filled(1000);
    damage(&mut File::options().write(true).open(&path).unwrap());
    (scratch, path)
}

#[test]
fn a_damaged_database_is_corrupt() {
    for (number, damage) in DAMAGES.into_iter().enumerate() {
        let (_scratch, path) = damaged(damage);
        let storage = open(&path);
        let id = EntryId::new("ann", Some("entry 500")).unwrap();
        assert_eq!(storage.get(&id).unwrap_err().kind(), ErrorKind::Corrupt, "{number}");
        assert_eq!(storage.put(&id, b"", &any()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn a_damaged_database_can_be_destroyed_if_it_is_still_seen_to_be_ours() {
    let [entries, length, header] = DAMAGES.map(damaged);
    for (scratch, path) in [entries, length] {
        open(&path).destroy().unwrap();
        assert!(!scratch.folder().join("store").exists());
    }
    let (_scratch, path) = header;
    let error = open(&path).destroy().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.advice().is_some_and(|advice| advice.contains(&path)), "{error}");
    assert!(Path::new(&path).exists());
}

#[test]
fn destroying_leaves_what_is_not_ours() {
    let place: [fn(&Scratch, &str); 3] = [
        |scratch, name| drop(scratch.file(name, b"precious")),
        |scratch, name| drop(scratch.file(name, b"")),
        |scratch, name| {
            sqlite3(&scratch.file(name, b""), "CREATE TABLE entry (x)");
        },
    ];
    for (number, place) in place.into_iter().enumerate() {
        let scratch = Scratch::new();
        place(&scratch, "store.db");
        let path = scratch.path("store.db");
        assert!(open(&path).destroy().is_err(), "{number}");
        assert!(fs::symlink_metadata(&path).is_ok(), "{number}");
    }
}

#[test]
fn what_is_not_a_private_file_is_refused() {
    let place: [fn(&Path); 5] = [
        |path| symlink("/etc/hostname", path).unwrap(),
        |path| symlink(path.with_file_name("elsewhere"), path).unwrap(),
        |path| fs::create_dir(path).unwrap(),
        |path| drop(File::create_new(path).unwrap()),
        |path| drop(File::options().write(true).create_new(true).mode(0o600).open(path).unwrap()),
    ];
    for (number, place) in place.into_iter().enumerate() {
        let scratch = Scratch::new();
        place(&scratch.folder().join("store.db"));
        let storage = open(&scratch.path("store.db"));
        assert_eq!(storage.get(&ann()).unwrap_err().kind(), ErrorKind::Refused, "{number}");
        let put = storage.put(&ann(), b"blob", &any());
        assert_eq!(put.unwrap_err().kind(), ErrorKind::Refused, "{number}");
        assert!(!scratch.folder().join("elsewhere").exists());
    }
}

#[test]
fn a_database_of_another_shape_is_corrupt() {
    let shapes = [
        // To read it never ends.
        "DROP TABLE entry;
         CREATE VIEW entry (id, user, name, revision, expires, blob) AS
            WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number)
            SELECT n, 'bob', '', n, NULL, x'00' FROM number",
        "CREATE TRIGGER lost AFTER UPDATE ON entry BEGIN DELETE FROM entry; END",
        "CREATE INDEX slow ON entry (hex(zeroblob(1000000)))",
        "DROP TABLE state",
    ];
    for shape in shapes {
        let (_scratch, path) = filled(1);
        sqlite3(&path, shape);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let storage = open(&path);
            let put = storage.put(&ann(), b"blob", &any()).map(drop);
            let list = storage.list(&Query::default()).map(drop);
            sender.send([storage.get(&ann()).map(drop), put, list]).unwrap();
        });
        let results = receiver.recv_timeout(Duration::from_secs(20)).expect(shape);
        for result in results {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Corrupt, "{shape}");
        }
    }
}

#[test]
fn another_programs_database_is_refused_and_not_touched() {
    for mode in ["delete", "wal"] {
        let scratch = Scratch::new();
        let path = scratch.path("store.db");
        sqlite3(&path, &format!("PRAGMA journal_mode = {mode}; CREATE TABLE entry (x)"));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let before = contents(scratch.folder());
        let storage = open(&path);
        assert_eq!(storage.get(&ann()).unwrap_err().kind(), ErrorKind::Refused);
        let put = storage.put(&ann(), b"blob", &any());
        assert_eq!(put.unwrap_err().kind(), ErrorKind::Refused);
        assert_eq!(contents(scratch.folder()), before);
    }
}

#[test]
fn a_newer_version_is_refused_clearly() {
    let (_scratch, path) = filled(1);
    sqlite3(&path, "PRAGMA user_version = 2");
    let error = open(&path).get(&ann()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("version 2"), "{error}");
}

#[test]
fn a_database_in_use_is_locked_when_the_time_is_over() {
    let (_scratch, path) = filled(1);
    let mut holder = Command::new("sqlite3")
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = holder.stdin.take().unwrap();
    writeln!(orders, "BEGIN IMMEDIATE; SELECT 'held';").unwrap();
    holder.stdout.as_mut().unwrap().read_exact(&mut [0; 4]).unwrap();

    let host: Arc<dyn Host> = Arc::new(TestHost::new().within(Duration::from_millis(50)));
    let values = Values::new().with("path", Value::Text(path));
    let storage =
        Registry::linked().unwrap().open::<dyn Storage>("sqlite", &values, &host).unwrap();
    assert_eq!(storage.put(&ann(), b"", &any()).unwrap_err().kind(), ErrorKind::Locked);
    drop(orders);
    holder.wait().unwrap();
    storage.put(&ann(), b"", &any()).unwrap();
}

/// Another program can write a row that this one never would.
#[test]
fn a_row_that_is_too_large_is_corrupt_and_others_are_read() {
    let (_scratch, path) = filled(3);
    sqlite3(&path, "UPDATE entry SET blob = zeroblob(20000000) WHERE name = 'entry 1'");
    let storage = open(&path);
    let id = |name| EntryId::new("ann", Some(name)).unwrap();
    let error = storage.get(&id("entry 1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.message().contains("too large"), "{error}");
    assert!(storage.get(&id("entry 2")).is_ok());
    assert_eq!(storage.list(&Query::default()).unwrap().entries.len(), 3);
    storage.put(&id("entry 1"), b"small", &any()).unwrap();
    storage.get(&id("entry 1")).unwrap();
}

#[test]
fn an_error_of_sqlite_names_the_file_and_what_to_do() {
    let (_scratch, path) = filled(40);
    File::options().write(true).open(&path).unwrap().set_len(8192).unwrap();
    let error = open(&path).get(&ann()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().starts_with(&format!("{path}: SQLite: ")), "{error}");
    assert_eq!(error.advice(), Some("Put the file back from a backup"));
}
