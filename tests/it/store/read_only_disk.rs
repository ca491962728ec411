//! Stores on a disk that cannot be written are read, and a change says why it fails.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::helpers::home::{Home, STORAGES, fed, init, printed};
use crate::helpers::namespace::Namespace;
use crate::helpers::program::keyward;

/// A user without rights, as which a test as root can run a program.
const NOBODY: u32 = 65534;

/// What a command answered: the exit code and what it said.
fn ended(output: &Output) -> (i32, String) {
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[track_caller]
fn reads_and_refuses_changes(storage: &str, command: impl Fn() -> Command) {
    let get = command().args(["get", "store", "--user", "ann", "-p"]).output().unwrap();
    assert_eq!(ended(&get), (0, String::new()), "{storage}");
    assert_eq!(get.stdout, b"secret\n", "{storage}");
    let list = command().args(["list", "store"]).output().unwrap();
    assert_eq!(ended(&list), (0, String::new()), "{storage}");
    let verify = command().args(["store", "verify", "store"]).output().unwrap();
    assert_eq!(ended(&verify).0, 0, "{storage}: {verify:?}");
    let set = ["set", "store", "ann", "--user", "ann", "--stdin"];
    for arguments in [&set[..], &["unset", "store", "--user", "ann"]] {
        let (code, said) = ended(&fed(command().args(arguments), b"another"));
        assert!(code == 7 || code == 4, "{storage}: {code}: {said}");
        assert!(said.contains("/stores/"), "{storage}: it names no file: {said}");
        assert!(said.contains("hint: "), "{storage}: it does not say what to do: {said}");
    }
    let get = command().args(["get", "store", "--user", "ann", "-p"]).output().unwrap();
    assert_eq!(get.stdout, b"secret\n", "{storage}");
}

#[test]
fn a_store_on_a_read_only_disk_is_read() {
    for storage in STORAGES {
        let namespace = Namespace::new();
        let home = crate::helpers::home::scratch();
        let mounted = home.path().join("disk");
        namespace.run(&format!("mkdir {}", mounted.display()));
        namespace.run(&format!("mount -t tmpfs -o mode=700,size=9m none {}", mounted.display()));
        let command = || namespace.command(&mounted, &keyward());
        printed(command().args(init("store", storage, "clear")).output().unwrap());
        let set = ["set", "store", "ann", "--user", "ann", "--stdin"];
        printed(fed(command().args(set), b"secret"));
        namespace.run(&format!("mount -o remount,ro {}", mounted.display()));
        reads_and_refuses_changes(storage, command);
    }
}

/// A folder that its owner made read-only, as on a backup.
#[test]
fn a_store_in_a_folder_that_cannot_be_written_is_read() {
    for storage in STORAGES {
        let home = Home::new();
        chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        let command = || as_nobody(&home, keyward());
        printed(command().args(init("store", storage, "clear")).output().unwrap());
        let set = ["set", "store", "ann", "--user", "ann", "--stdin"];
        printed(fed(command().args(set), b"secret"));
        make_read_only(&home.path().join(".local/share/keyward/stores"));
        reads_and_refuses_changes(storage, command);
    }
}

/// A program in this home, about to start as a user without rights.
fn as_nobody(home: &Home, program: PathBuf) -> Command {
    let mut command = home.command("setpriv");
    let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
    command.args(ids).args(["--clear-groups", "--"]).arg(program);
    command
}

/// Takes the right to write from every file and folder.
fn make_read_only(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            make_read_only(&entry.path());
        } else {
            fs::set_permissions(entry.path(), Permissions::from_mode(0o400)).unwrap();
        }
    }
    fs::set_permissions(folder, Permissions::from_mode(0o500)).unwrap();
}

/// What a process leaves that is killed with changes in the log.
const KILLED: &str = "
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute('PRAGMA wal_autocheckpoint = 0')
database.execute('UPDATE state SET floor = floor + 1')
os._exit(0)
";

/// The log may hold changes that the database lacks: without it, an old value would be read.
#[test]
fn a_log_that_cannot_be_read_is_not_passed_over() {
    let home = Home::new();
    chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    printed(as_nobody(&home, keyward()).args(init("store", "sqlite", "clear")).output().unwrap());
    let set = ["set", "store", "ann", "--user", "ann", "--stdin"];
    printed(fed(as_nobody(&home, keyward()).args(set), b"secret"));
    let folder = home.store_folder();
    let database = folder.join("store.db");
    let killed = ["-c".as_ref(), KILLED.as_ref(), database.as_os_str()];
    printed(as_nobody(&home, "python3".into()).args(killed).output().unwrap());
    make_read_only(&home.path().join(".local/share/keyward/stores"));
    let get = || {
        let get = ["get", "store", "--user", "ann", "-p"];
        as_nobody(&home, keyward()).args(get).output().unwrap()
    };
    assert_eq!(ended(&get()), (0, String::new()));

    fs::remove_file(folder.join("store.db-shm")).unwrap();
    let (code, said) = ended(&get());
    assert_eq!(code, 7, "{said}");
    assert!(said.contains("store.db-wal") && said.contains("hint: Make "), "{said}");
}
