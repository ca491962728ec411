//! Tests that need a file on a disk and other processes.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{
    EntryId, ErrorKind, Expect, Host, MAX_BLOB, Operation, Put, Query, Registry, Storage, Value,
    Values,
};
use keyward_storage_redb::Redb;
use keyward_testkit::{Scratch, TestHost};

keyward_testkit::processes_suite! {
    Redb,
    |scratch| Values::new().with("path", Value::Text(scratch.path("store/store.redb"))),
    files = ["store/store.redb"],
}

fn open(path: &str) -> Box<dyn Storage> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new().within(Duration::from_secs(20)));
    let values = Values::new().with("path", Value::Text(path.to_owned()));
    Registry::linked().unwrap().open("redb", &values, &host).unwrap()
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

fn ann() -> EntryId {
    EntryId::new("ann", Some("counter")).unwrap()
}

/// Makes a store with `count` entries that no process has open.
fn filled(count: usize) -> (Scratch, String) {
    let scratch = Scratch::new();
    let path = scratch.path("store/store.redb");
    let storage = open(&path);
    let ids: Vec<_> = (0..count).map(|number| format!("entry {number}")).collect();
    let ids: Vec<_> = ids.iter().map(|name| EntryId::new("ann", Some(name)).unwrap()).collect();
    let puts: Vec<_> = ids.iter().map(|id| Operation::Put(id, &[b'x'; 600], any())).collect();
    storage.abilities().bulk.unwrap().apply(&puts).unwrap();
    (scratch, path)
}

/// Returns the files of a folder and their content.
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

const DAMAGES: [fn(&mut File); 4] = [
    |file| {
        file.seek(SeekFrom::Start(4096)).unwrap();
        file.write_all(&[0xff; 300 * 1024]).unwrap();
    },
    |file| file.set_len(2 * 4096).unwrap(),
    |file| file.set_len(0).unwrap(),
    |file| file.write_all(&[0x5a; 1000]).unwrap(),
];

/// Makes a store whose database is damaged.
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
fn a_damaged_database_can_be_destroyed_if_it_is_still_seen_to_be_redbs() {
    let [entries, length, empty, header] = DAMAGES.map(damaged);
    for (scratch, path) in [entries, length] {
        open(&path).destroy().unwrap();
        assert!(!scratch.folder().join("store").exists());
    }
    for (_scratch, path) in [empty, header] {
        let error = open(&path).destroy().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.advice().is_some_and(|advice| advice.contains(&path)), "{error}");
        assert!(Path::new(&path).exists());
    }
}

#[test]
fn a_file_that_is_not_private_is_refused() {
    let place: [fn(&Path); 4] = [
        |path| symlink("/etc/hostname", path).unwrap(),
        |path| symlink(path.with_file_name("elsewhere"), path).unwrap(),
        |path| fs::create_dir(path).unwrap(),
        |path| drop(File::create_new(path).unwrap()),
    ];
    for (number, place) in place.into_iter().enumerate() {
        let scratch = Scratch::new();
        place(&scratch.folder().join("store.redb"));
        let storage = open(&scratch.path("store.redb"));
        assert_eq!(storage.get(&ann()).unwrap_err().kind(), ErrorKind::Refused, "{number}");
        let put = storage.put(&ann(), b"blob", &any());
        assert_eq!(put.unwrap_err().kind(), ErrorKind::Refused, "{number}");
        assert!(!scratch.folder().join("elsewhere").exists());
    }
}

#[test]
fn another_programs_database_is_refused_and_not_touched() {
    const OTHER: redb::TableDefinition<&str, &str> = redb::TableDefinition::new("entries");
    let scratch = Scratch::new();
    let path = scratch.file("store.redb", b"");
    let other = redb::Database::create(&path).unwrap();
    let transaction = other.begin_write().unwrap();
    transaction.open_table(OTHER).unwrap().insert("a", "b").unwrap();
    transaction.commit().unwrap();
    drop(other);
    let before = contents(scratch.folder());
    let storage = open(&path);
    assert_eq!(storage.get(&ann()).unwrap_err().kind(), ErrorKind::Refused);
    let put = storage.put(&ann(), b"blob", &any());
    assert_eq!(put.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(storage.destroy().unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(contents(scratch.folder()), before);
}

#[test]
fn a_newer_version_is_refused_clearly() {
    const STATE: redb::TableDefinition<&str, u64> = redb::TableDefinition::new("keyward");
    let (_scratch, path) = filled(1);
    let database = redb::Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(STATE).unwrap().insert("version", 2).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = open(&path).get(&ann()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("version 2"), "{error}");
}

/// A storage accepts a blob of any size. A store never writes such a large one, but another program
/// may.
#[test]
fn an_entry_that_is_too_large_is_corrupt_and_others_are_read() {
    let (_scratch, path) = filled(3);
    let storage = open(&path);
    let id = |name| EntryId::new("ann", Some(name)).unwrap();
    storage.put(&id("entry 1"), &vec![7; MAX_BLOB + 1], &any()).unwrap();
    let found = storage.get(&id("entry 1")).map(|stored| stored.blob.len());
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(storage.get(&id("entry 2")).is_ok());
    assert_eq!(storage.list(&Query::default()).unwrap().entries.len(), 3);
}
