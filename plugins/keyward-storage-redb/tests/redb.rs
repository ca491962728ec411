//! Tests that need a file on a disk and other processes.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{
    EntryId, ErrorKind, Expect, Host, MAX_BLOB, Operation, Put, Query, Registry, Storage, Value,
    Values,
};
use keyward_storage_redb as _;
use keyward_testkit::{Scratch, TestHost};

const NOBODY: u32 = 65534;

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

/// The example program `redb-child`, which cargo builds with the tests.
fn child(path: &str, arguments: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program.ancestors().nth(2).unwrap().join("examples/redb-child"));
    command.arg(path).args(arguments).stdout(Stdio::piped());
    command
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

#[test]
fn reading_a_missing_store_makes_nothing() {
    let scratch = Scratch::new();
    let storage = open(&scratch.path("store/store.redb"));
    assert!(storage.get(&ann()).unwrap_err().is_miss());
    assert!(storage.delete(&ann(), &Expect::Any).unwrap_err().is_miss());
    assert!(storage.list(&Query::default()).unwrap().entries.is_empty());
    storage.destroy().unwrap();
    assert!(!scratch.folder().join("store").exists());
}

#[test]
fn a_revision_is_never_used_again() {
    let (_scratch, path) = filled(0);
    let storage = open(&path);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(storage.put(&ann(), b"1", &any()).unwrap());
        seen.push(storage.put(&ann(), b"2", &any()).unwrap());
        storage.delete(&ann(), &Expect::Any).unwrap();
    }
    let different: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(different.len(), seen.len());
}

#[test]
fn a_killed_writer_loses_nothing_it_acknowledged() {
    let (_scratch, path) = filled(1);
    for round in 0..30 {
        let mut writer = child(&path, &["write"]).spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        std::thread::sleep(Duration::from_micros(round * 700));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // A line that the kill cut short is not an acknowledgement.
        let acknowledged = lines.map_while(Result::ok).last().unwrap_or(first);
        let acknowledged: u64 = acknowledged.parse().unwrap();
        let blob = open(&path).get(&ann()).unwrap().blob;
        let kept: u64 = String::from_utf8(blob).unwrap().trim_end().parse().unwrap();
        assert!(kept == acknowledged || kept == acknowledged + 1, "{kept}, {acknowledged}");
    }
}

#[test]
fn processes_lose_no_increment() {
    let scratch = Scratch::new();
    let path = scratch.path("store/store.redb");
    let mut children: Vec<Child> =
        (0..8).map(|_| child(&path, &["count", "50"]).spawn().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(open(&path).get(&ann()).unwrap().blob, b"400");
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
fn destroy_leaves_a_link_and_names_it() {
    let scratch = Scratch::new();
    let path = scratch.path("store.redb");
    let target = scratch.file("elsewhere", b"precious");
    symlink(&target, &path).unwrap();
    let host = Arc::new(TestHost::new());
    let shared: Arc<dyn Host> = Arc::<TestHost>::clone(&host);
    let values = Values::new().with("path", Value::Text(path.clone()));
    let storage =
        Registry::linked().unwrap().open::<dyn Storage>("redb", &values, &shared).unwrap();
    storage.destroy().unwrap();
    assert!(Path::new(&path).is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    let message = format!("{path} is a symbolic link: it stays, and so does {target}");
    assert!(host.log().iter().any(|(_, logged)| *logged == message), "{:?}", host.log());
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

#[test]
fn files_are_private_under_any_umask() {
    for umask in ["0", "777"] {
        let scratch = Scratch::new();
        let path = scratch.path("store/store.redb");
        let writer = child(&path, &["write"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
        // Other users must not get access to the folder of the build.
        let program = scratch.path("program");
        fs::copy(writer.get_program(), &program).unwrap();
        shell.arg(&program).args(writer.get_args()).stdout(Stdio::piped());
        // File modes do not restrict root.
        if rustix::process::geteuid().is_root() {
            chown(scratch.folder(), Some(NOBODY), Some(NOBODY)).unwrap();
            shell.uid(NOBODY).gid(NOBODY);
        }
        let mut writer = shell.spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().nth(3).is_some(), "umask {umask}");
        let mode = |name: &str| {
            let file = scratch.folder().join("store").join(name);
            fs::metadata(file).unwrap().permissions().mode() & 0o7777
        };
        assert_eq!(mode(""), 0o700);
        assert_eq!(mode("store.redb"), 0o600, "umask {umask}");
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
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
