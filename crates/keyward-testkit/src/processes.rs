//! Tests of a storage that keeps all entries in one file, used and killed by several processes.
//!
//! [`processes_suite!`](crate::processes_suite) makes a module with one `#[test]` for each method of
//! [`Processes`].

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    EntryId, ErrorKind, Expect, Host, Put, Query, Registry, Storage, Value, Values,
};

use crate::{Scratch, TestHost};

/// A user without rights.
const OTHER_USER: u32 = 65534;

/// Tests a storage with an option `path`: `processes_suite!("sqlite", files = ["store.db"], child =
/// "sqlite-child")`. The first of the files is the one at `path`; all of them must be private.
///
/// The child is an example of the crate, whose `main` calls [`run_child`](crate::processes::run_child).
/// A function after `check =` examines the file that a killed writer leaves.
#[macro_export]
macro_rules! processes_suite {
    ($backend:literal, files = $files:expr, child = $child:literal $(, check = $check:expr)? $(,)?) => {
        mod processes_suite {
            #[allow(unused_imports)]
            use super::*;

            fn processes() -> $crate::processes::Processes {
                let tests = ::std::env::current_exe().unwrap();
                let child = tests.ancestors().nth(2).unwrap().join("examples").join($child);
                $crate::processes::Processes { backend: $backend, files: &$files, child }
            }

            #[test]
            fn reading_a_missing_store_makes_nothing() {
                processes().reading_a_missing_store_makes_nothing();
            }

            #[test]
            fn a_revision_is_never_used_again() {
                processes().a_revision_is_never_used_again();
            }

            #[test]
            fn a_killed_writer_loses_nothing_it_acknowledged() {
                let _file = processes().a_killed_writer_loses_nothing_it_acknowledged();
                $($check(&_file.1);)?
            }

            #[test]
            fn processes_lose_no_increment() {
                processes().processes_lose_no_increment();
            }

            #[test]
            fn destroy_leaves_a_link_and_names_it() {
                processes().destroy_leaves_a_link_and_names_it();
            }

            #[test]
            fn files_are_private_under_any_umask() {
                processes().files_are_private_under_any_umask();
            }
        }
    };
}

/// A storage under test.
#[derive(Debug)]
pub struct Processes {
    /// The name of the backend.
    pub backend: &'static str,
    /// The names of its files; the first is that of its option `path`.
    pub files: &'static [&'static str],
    /// The program that [`run_child`] makes.
    pub child: PathBuf,
}

#[expect(clippy::missing_panics_doc, reason = "a case that fails panics, as every test does")]
impl Processes {
    /// Reading and deleting in a folder without a store makes no file.
    pub fn reading_a_missing_store_makes_nothing(&self) {
        let scratch = Scratch::new();
        let storage = self.open(&self.path(&scratch));
        assert!(storage.get(&ann()).unwrap_err().is_miss());
        assert!(storage.delete(&ann(), &Expect::Any).unwrap_err().is_miss());
        assert!(storage.list(&Query::default()).unwrap().entries.is_empty());
        storage.destroy().unwrap();
        assert!(!scratch.folder().join("store").exists());
    }

    /// An entry that is made again after it was deleted has another revision.
    pub fn a_revision_is_never_used_again(&self) {
        let scratch = Scratch::new();
        let storage = self.open(&self.path(&scratch));
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(storage.put(&ann(), b"1", &any()).unwrap());
            seen.push(storage.put(&ann(), b"2", &any()).unwrap());
            storage.delete(&ann(), &Expect::Any).unwrap();
        }
        let different: HashSet<_> = seen.iter().collect();
        assert_eq!(different.len(), seen.len());
    }

    /// Returns the folder and the file of the store.
    pub fn a_killed_writer_loses_nothing_it_acknowledged(&self) -> (Scratch, String) {
        let scratch = Scratch::new();
        let path = self.path(&scratch);
        for round in 0..30 {
            let mut writer = self.child(&path, &["write"]).spawn().unwrap();
            let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            std::thread::sleep(Duration::from_micros(round * 700));
            writer.kill().unwrap();
            writer.wait().unwrap();
            // A line that the kill cut short is not an acknowledgement.
            let acknowledged = lines.map_while(Result::ok).last().unwrap_or(first);
            let acknowledged: u64 = acknowledged.parse().unwrap();
            let blob = String::from_utf8(self.open(&path).get(&ann()).unwrap().blob).unwrap();
            let kept: u64 = blob.trim_end().parse().unwrap();
            assert!(blob == padded(kept), "the blob of {kept} is torn: {} bytes", blob.len());
            assert!(kept == acknowledged || kept == acknowledged + 1, "{kept}, {acknowledged}");
        }
        (scratch, path)
    }

    /// Eight processes add to one number by compare-and-swap.
    pub fn processes_lose_no_increment(&self) {
        let scratch = Scratch::new();
        let path = self.path(&scratch);
        let start = |_| self.child(&path, &["count", "50"]).spawn().unwrap();
        let mut children: Vec<Child> = (0..8).map(start).collect();
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(self.open(&path).get(&ann()).unwrap().blob, b"400");
    }

    /// `destroy` does not follow a symbolic link, and logs that it stays.
    pub fn destroy_leaves_a_link_and_names_it(&self) {
        let scratch = Scratch::new();
        let path = scratch.path(self.files[0]);
        let target = scratch.file("elsewhere", b"precious");
        symlink(&target, &path).unwrap();
        let host = Arc::new(TestHost::new());
        self.open_with(&path, &host).destroy().unwrap();
        assert!(Path::new(&path).is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        let message = format!("{path} is a symbolic link: it stays, and so does {target}");
        assert!(host.log().iter().any(|(_, logged)| *logged == message), "{:?}", host.log());
    }

    /// The modes of the files do not depend on the umask.
    pub fn files_are_private_under_any_umask(&self) {
        for umask in ["0", "777"] {
            let scratch = Scratch::new();
            let mut writer = self.start_under_umask(umask, &scratch);
            let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
            assert!(lines.by_ref().nth(3).is_some(), "umask {umask}");
            let mode = |name: &str| {
                let file = scratch.folder().join("store").join(name);
                fs::metadata(file).unwrap().permissions().mode() & 0o7777
            };
            assert_eq!(mode(""), 0o700);
            for file in self.files {
                assert_eq!(mode(file), 0o600, "{file} under umask {umask}");
            }
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
    }

    fn start_under_umask(&self, umask: &str, scratch: &Scratch) -> Child {
        // Other users must not get access to the folder of the build.
        let program = scratch.path("program");
        fs::copy(&self.child, &program).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh", &program]);
        shell.args([&self.path(scratch), "write"]).stdout(Stdio::piped());
        // File modes do not restrict root.
        if fs::metadata(scratch.folder()).unwrap().uid() == 0 {
            chown(scratch.folder(), Some(OTHER_USER), Some(OTHER_USER)).unwrap();
            shell.uid(OTHER_USER).gid(OTHER_USER);
        }
        shell.spawn().unwrap()
    }

    fn path(&self, scratch: &Scratch) -> String {
        scratch.path(&format!("store/{}", self.files[0]))
    }

    fn open(&self, path: &str) -> Box<dyn Storage> {
        self.open_with(path, &Arc::new(TestHost::new().within(Duration::from_secs(20))))
    }

    fn open_with(&self, path: &str, host: &Arc<TestHost>) -> Box<dyn Storage> {
        let host: Arc<dyn Host> = Arc::<TestHost>::clone(host);
        let values = Values::new().with("path", Value::Text(path.to_owned()));
        Registry::linked().unwrap().open(self.backend, &values, &host).unwrap()
    }

    fn child(&self, path: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.child);
        command.arg(path).args(arguments).stdout(Stdio::piped());
        command
    }
}

/// Runs the child of [`processes_suite!`](crate::processes_suite) with the arguments after its name.
///
/// `PATH write` puts 1, 2, 3, … and prints each number after it is stored. `PATH count N` adds one N
/// times by compare-and-swap.
///
/// # Errors
/// If the arguments are wrong or the storage fails.
pub fn run_child(backend: &str, arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let path = Value::Text(arguments.first().cloned().unwrap_or_default());
    let values = Values::new().with("path", path);
    let storage = Registry::linked()?.open::<dyn Storage>(backend, &values, &host)?;
    match arguments.get(2) {
        None => write(&*storage),
        Some(times) => count(&*storage, times.parse()?),
    }
}

fn write(storage: &dyn Storage) -> Result<(), Box<dyn Error>> {
    let mut number = match storage.get(&ann()) {
        Ok(stored) => String::from_utf8(stored.blob)?.trim_end().parse()?,
        Err(_) => 0_u64,
    };
    loop {
        number += 1;
        storage.put(&ann(), padded(number).as_bytes(), &any())?;
        writeln!(std::io::stdout(), "{number}")?;
    }
}

/// A blob for this number, large enough for several pages.
fn padded(number: u64) -> String {
    format!("{number:<9000}")
}

fn count(storage: &dyn Storage, times: u64) -> Result<(), Box<dyn Error>> {
    let mut done = 0;
    while done < times {
        let (number, expect) = match storage.get(&ann()) {
            Ok(stored) => {
                let expect = Expect::Revision(stored.revision());
                (String::from_utf8(stored.blob)?.parse()?, expect)
            }
            Err(error) if error.is_miss() => (0_u64, Expect::Absent),
            Err(error) => return Err(error.into()),
        };
        let next = (number + 1).to_string();
        match storage.put(&ann(), next.as_bytes(), &Put::expecting(expect)) {
            Ok(_) => done += 1,
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

fn ann() -> EntryId {
    EntryId::new("ann", Some("counter")).unwrap()
}
