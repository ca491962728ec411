//! Stores on a disk that cannot be written are read, and a change says why it fails.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::helpers::home::{Home, STORAGES, init};
use crate::helpers::invocation::Invocation;
use crate::helpers::namespace::Namespace;
use crate::helpers::program::keyward;

/// A user without rights, as which a test as root can run a program.
const NOBODY: u32 = 65534;

const SET: [&str; 6] = ["set", "store", "ann", "--user", "ann", "--stdin"];
const GET: [&str; 5] = ["get", "store", "--user", "ann", "-p"];

#[track_caller]
fn reads_and_refuses_changes(storage: &str, keyward: impl Fn() -> Invocation) {
    keyward().args(GET).run().ends(0).prints("secret\n").says_nothing();
    keyward().args(["list", "store"]).run().ends(0).says_nothing();
    keyward().args(["store", "verify", "store"]).run().ends(0);
    for arguments in [&SET[..], &["unset", "store", "--user", "ann"]] {
        let finished = keyward().args(arguments).input("another").run();
        let (code, said) = (finished.code, finished.err);
        assert!(code == 7 || code == 4, "{storage}: {code}: {said}");
        assert!(said.contains("/stores/"), "{storage}: it names no file: {said}");
        assert!(said.contains("hint: "), "{storage}: it does not say what to do: {said}");
    }
    keyward().args(GET).run().prints("secret\n");
}

#[test]
fn a_store_on_a_read_only_disk_is_read() {
    for storage in STORAGES {
        let namespace = Namespace::new();
        let home = Home::in_memory();
        let mounted = home.path("disk");
        namespace.run(&format!("mkdir {}", mounted.display()));
        namespace.run(&format!("mount -t tmpfs -o mode=700,size=9m none {}", mounted.display()));
        let keyward = || Invocation::from(namespace.command(&mounted, &keyward()));
        let new = keyward().args(init("store", storage, "clear"));
        new.arg("--track-use").run().ends(0);
        keyward().args(SET).input("secret").run().ends(0);
        namespace.run(&format!("mount -o remount,ro {}", mounted.display()));
        reads_and_refuses_changes(storage, keyward);
    }
}

/// A folder that its owner made read-only, as on a backup.
#[test]
fn a_store_in_a_folder_that_cannot_be_written_is_read() {
    for storage in STORAGES {
        let home = Home::in_memory();
        chown(home.folder(), Some(NOBODY), Some(NOBODY)).unwrap();
        let keyward = || as_nobody(&home, keyward());
        keyward().args(init("store", storage, "clear")).run().ends(0);
        keyward().args(SET).input("secret").run().ends(0);
        make_read_only(&home.path(".local/share/keyward/stores"));
        reads_and_refuses_changes(storage, keyward);
    }
}

/// A user should not go through a login whose tokens cannot be stored.
#[test]
fn a_login_shows_no_page_if_its_store_cannot_be_written() {
    const LOGIN: &str = "oauth login store --user ann --name api --client-id cli \
        --token-url http://127.0.0.1:9/token --authorization-url http://127.0.0.1:9/page";
    for storage in STORAGES {
        let home = Home::in_memory();
        chown(home.folder(), Some(NOBODY), Some(NOBODY)).unwrap();
        let keyward = || as_nobody(&home, keyward());
        keyward().args(init("store", storage, "clear")).run().ends(0);
        make_read_only(&home.path(".local/share/keyward/stores"));
        let finished = keyward().args(LOGIN.split_whitespace()).run();
        assert!(matches!(finished.code, 4 | 7), "{storage}: {}: {}", finished.code, finished.err);
        assert!(finished.err.contains("/stores/"), "{storage}: {}", finished.err);
        assert!(!finished.err.contains("browser"), "{storage}: {}", finished.err);
    }
}

/// A program in this home, ready to run as a user without rights.
fn as_nobody(home: &Home, program: PathBuf) -> Invocation {
    let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
    home.program("setpriv").args(ids).args(["--clear-groups", "--"]).arg(program)
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

/// Leaves the database as a process does that is killed while the log contains changes.
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
    let home = Home::in_memory();
    chown(home.folder(), Some(NOBODY), Some(NOBODY)).unwrap();
    as_nobody(&home, keyward()).args(init("store", "sqlite", "clear")).run().ends(0);
    as_nobody(&home, keyward()).args(SET).input("secret").run().ends(0);
    let folder = home.store_folder();
    let database = folder.join("store.db");
    let killed = ["-c".as_ref(), KILLED.as_ref(), database.as_os_str()];
    as_nobody(&home, "python3".into()).args(killed).run().ends(0);
    make_read_only(&home.path(".local/share/keyward/stores"));
    let get = || as_nobody(&home, keyward()).args(GET).run();
    get().ends(0).says_nothing();

    fs::remove_file(folder.join("store.db-shm")).unwrap();
    get().ends(7).says("store.db-wal").says("hint: Make ");
}
