//! An empty home directory for a test, and programs in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward::{Environment, Keyward, OpenStore, Silent};
use keyward_defaults as _;
use tempfile::TempDir;

use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::program::keyward;

/// The storages that keep their entries in files on this machine.
pub(crate) const STORAGES: [&str; 3] = ["file", "sqlite", "redb"];

/// An empty home directory. It is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Home {
    top: TempDir,
    folder: PathBuf,
    variables: Vec<(String, OsString)>,
}

impl Home {
    /// A home where the system keeps temporary files, usually on a disk.
    pub(crate) fn new() -> Self {
        Self::inside(builder().tempdir().unwrap(), "")
    }

    /// A home in memory, if the system has a file system for that. It is for tests that write often: a
    /// disk would only make them slow.
    pub(crate) fn in_memory() -> Self {
        Self::nested("")
    }

    /// A home in memory at this path below an empty folder, [`Home::top`].
    pub(crate) fn nested(path: &str) -> Self {
        let top = builder().tempdir_in("/dev/shm").or_else(|_| builder().tempdir());
        Self::inside(top.unwrap(), path)
    }

    /// A home on disk with a store `s` that `init` made with these options.
    pub(crate) fn with_store(options: &str) -> Self {
        let home = Self::new();
        home.keyward(&format!("init s {options}")).run().ends(0);
        home
    }

    fn inside(top: TempDir, path: &str) -> Self {
        let folder = if path.is_empty() { top.path().to_owned() } else { top.path().join(path) };
        let run = folder.join("run");
        DirBuilder::new().recursive(true).mode(0o700).create(&run).unwrap();
        let variables = vec![("XDG_RUNTIME_DIR".to_owned(), run.into_os_string())];
        Self { top, folder, variables }
    }

    /// Sets an environment variable of the programs and of the library in this home.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The home directory.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The empty folder in which the home was made; the home itself unless it is nested.
    pub(crate) fn top(&self) -> &Path {
        self.top.path()
    }

    /// The path of `name` in the home.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file and folder below the home, with its content.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.folder)
    }

    /// `keyward` with the words of `line`, ready to run.
    pub(crate) fn keyward(&self, line: &str) -> Invocation {
        self.program(keyward()).args(line.split_whitespace())
    }

    /// Runs `keyward` with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        self.program(keyward()).args(arguments).run()
    }

    /// Runs `keyward` with these arguments, which must succeed, and returns its output.
    pub(crate) fn run_ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ends(0).into_text()
    }

    /// A program in this home, ready to run, without a terminal, in a new session.
    pub(crate) fn program(&self, name: impl AsRef<OsStr>) -> Invocation {
        let mut command = self.command("setsid");
        command.arg("--wait").arg(name);
        Invocation::from(command)
    }

    /// A program in this home in the session of the test, for tests that start it themselves.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        clean_environment(&mut command, &self.folder);
        command.current_dir(&self.folder);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes a store; if the encryption needs a key, it is in a file.
    pub(crate) fn init(&self, store: &str, storage: &str, encryption: &str) {
        self.run_ok(&init(store, storage, encryption));
    }

    /// The library with the environment of this home.
    pub(crate) fn library(&self) -> Keyward {
        Keyward::with(self.environment(), Silent).unwrap()
    }

    /// The environment of this home for the library.
    pub(crate) fn environment(&self) -> Environment {
        let home = ("HOME".to_owned(), self.folder.clone().into_os_string());
        Environment::new([home].into_iter().chain(self.variables.iter().cloned()))
    }

    pub(crate) fn store(&self, name: &str) -> OpenStore {
        self.library().store(name).unwrap()
    }

    /// The folder of the only store.
    pub(crate) fn store_folder(&self) -> PathBuf {
        let stores = self.path(".local/share/keyward/stores");
        let mut folders = fs::read_dir(stores).unwrap().map(|found| found.unwrap().path());
        let folder = folders.next().unwrap();
        assert_eq!(folders.next(), None, "there is more than one store");
        folder
    }
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("keyward-").permissions(Permissions::from_mode(0o700));
    builder
}

/// The arguments of [`Home::init`].
pub(crate) fn init<'a>(store: &'a str, storage: &'a str, encryption: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["init", store, "--storage", storage, "--encryption", encryption];
    if encryption == "aes-gcm" {
        arguments.extend(["--option", "key.from=file"]);
    }
    arguments
}

/// Gives a command an environment of three variables.
pub(crate) fn clean_environment(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

/// Every file and folder below `folder`, with its content.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    add_files(folder, &mut files);
    files
}

fn add_files(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        let content = if kind.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        files.insert(path.clone(), content);
        if kind.is_dir() {
            add_files(&path, files);
        }
    }
}

/// The operating system's name for the user who runs the tests.
pub(crate) fn me() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
