//! The cases for a storage that keeps all entries in one file.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use keyward_core::{Backend, Expect, Host, Query, Storage, Values};

use super::child::{Job, Worker};
use super::{Processes, entry};
use crate::{Scratch, TestHost};

/// A user without rights.
const OTHER_USER: u32 = 65534;

/// Reading and deleting in a folder without a store makes no file.
///
/// # Panics
/// If the storage breaks the contract.
pub fn reading_a_missing_store_makes_nothing(processes: &Processes, files: &[&str]) {
    let storage = processes.open();
    let id = entry("counter");
    assert!(storage.get(&id).unwrap_err().is_miss());
    assert!(storage.delete(&id, &Expect::Any).unwrap_err().is_miss());
    assert!(storage.list(&Query::default()).unwrap().entries.is_empty());
    storage.destroy().unwrap();
    let file = processes.scratch.folder().join(files[0]);
    assert!(!file.parent().unwrap().exists());
}

/// A storage and the host that it logs to.
pub type Logged = (Box<dyn Storage>, Arc<TestHost>);

/// Opens a storage for [`destroy_leaves_a_link_and_names_it`].
///
/// # Panics
/// If it does not open.
pub fn logged<B: Backend + Storage>(
    scratch: &Scratch,
    values: impl Fn(&Scratch) -> Values,
) -> Logged {
    let logger = Arc::new(TestHost::new());
    let host: Arc<dyn Host> = Arc::<TestHost>::clone(&logger);
    (Box::new(crate::subject::open::<B>(&values(scratch), &host).unwrap()), logger)
}

/// `destroy` does not follow a symbolic link, and logs that it stays.
///
/// # Panics
/// If the storage breaks the contract.
pub fn destroy_leaves_a_link_and_names_it(
    processes: &Processes,
    files: &[&str],
    open: impl Fn(&Scratch) -> Logged,
) {
    let scratch = &processes.scratch;
    let path = scratch.path(files[0]);
    fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
    let target = scratch.file("elsewhere", b"precious");
    symlink(&target, &path).unwrap();
    let (storage, host) = open(scratch);
    storage.destroy().unwrap();
    assert!(Path::new(&path).is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    let message = format!("{path} is a symbolic link: it stays, and so does {target}");
    assert!(host.log().iter().any(|(_, logged)| *logged == message), "{:?}", host.log());
}

/// The modes of the files do not depend on the umask.
///
/// # Panics
/// If the storage breaks the contract.
pub fn files_are_private_under_any_umask(processes: &Processes, files: &[&str]) {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for umask in ["0", "777"] {
        let mut writer = Worker::start(&mut under_umask(umask, processes));
        writer.begin();
        writer.hear();
        let folder = processes.scratch.folder();
        let store = folder.join(files[0]);
        let store = store.parent().unwrap();
        assert_eq!(mode(store), 0o700, "umask {umask}");
        for file in files {
            assert_eq!(mode(&folder.join(file)), 0o600, "{file} under umask {umask}");
        }
        writer.kill();
        fs::remove_dir_all(store).unwrap();
    }
}

/// The command of a writer with this umask and, because file modes do not restrict root, without rights.
fn under_umask(umask: &str, processes: &Processes) -> Command {
    let scratch = &processes.scratch;
    // Other users must not get access to the folder of the build.
    let program = scratch.path("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let child = processes.command_of(Path::new(&program), Job::Write);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh", &program])
        .args(child.get_args());
    shell.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if fs::metadata(scratch.folder()).unwrap().uid() == 0 {
        chown(scratch.folder(), Some(OTHER_USER), Some(OTHER_USER)).unwrap();
        shell.uid(OTHER_USER).gid(OTHER_USER);
    }
    shell
}
