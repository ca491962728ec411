//! Children in Python: lines in a test, or a file in `tests/fixtures/programs`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{EntryId, Host, Registration, Result, Storage, Values};
use keyward_loader::process::{Command, Programs};
use keyward_testkit::{Scratch, TestHost};

/// The folder of the programs. Each of them starts with `common.py`.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/programs");

/// A program that is about to be run.
pub(crate) struct Script {
    path: PathBuf,
    pub(crate) command: Command,
    pub(crate) programs: Programs,
    /// It lies in here.
    _scratch: Scratch,
}

impl Script {
    /// The program of this name in `tests/fixtures/programs`.
    pub(crate) fn named(name: &str) -> Self {
        Self::new(&program(name))
    }

    /// A program of these lines, after the common ones.
    pub(crate) fn new(body: &str) -> Self {
        let scratch = Scratch::new();
        let path = scratch.folder().join("child.py");
        fs::write(&path, format!("{}\n{body}", program("common"))).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        let command = Command::new(&path).call_timeout(Duration::from_millis(1500));
        Self { path, command, programs: Programs::new(), _scratch: scratch }
    }

    /// The numbers of the children that were started so far.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.path.with_extension("py.pid")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// A file beside the script.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    pub(crate) fn registration(&self) -> Result<Registration> {
        Ok(self.programs.run(&self.command)?.remove(0))
    }

    pub(crate) fn storage(&self) -> Box<dyn Storage> {
        self.storage_for(&Arc::new(TestHost::new())).unwrap()
    }

    pub(crate) fn storage_for(&self, host: &Arc<impl Host + 'static>) -> Result<Box<dyn Storage>> {
        self.storage_told(&Values::new(), host)
    }

    pub(crate) fn storage_told(
        &self,
        values: &Values,
        host: &Arc<impl Host + 'static>,
    ) -> Result<Box<dyn Storage>> {
        let host: Arc<dyn Host> = host.clone();
        self.registration()?.open(values, &host)
    }

    /// Checks that none of the children is there any more, not even as a zombie.
    #[track_caller]
    pub(crate) fn is_gone(&self) {
        let pids = self.pids();
        assert!(!pids.is_empty(), "the script has not run");
        for pid in pids {
            gone(pid);
        }
    }
}

fn program(name: &str) -> String {
    fs::read_to_string(format!("{PROGRAMS}/{name}.py")).unwrap()
}

/// Checks that a process is not there any more, or will not be soon.
#[track_caller]
pub(crate) fn gone(pid: u32) {
    let started = Instant::now();
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(started.elapsed() < Duration::from_secs(10), "{pid} is still there");
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn ann() -> EntryId {
    EntryId::new("ann", None).unwrap()
}
