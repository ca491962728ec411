//! A home of its own for each test, with the program and the library at work in it.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use keyward::{Environment, Keyward, OpenStore, Silent};
use keyward_defaults as _;
use tempfile::TempDir;

use crate::helpers::program::keyward;

/// The storages that are files of ours on this machine.
pub(crate) const STORAGES: [&str; 3] = ["file", "sqlite", "redb"];

/// A home, removed in the end.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
    /// What programs find in their environment beside `HOME` and `PATH`.
    variables: Vec<(&'static str, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: scratch(), variables: Vec::new() }
    }

    /// The same home, its programs started with one variable more.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `program`, about to start in this home.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = at_home(Command::new(program.as_ref()), self.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `keyward` with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(keyward()).args(arguments).output().unwrap()
    }

    /// Runs `keyward`, which must succeed, and gives what it printed.
    pub(crate) fn keyward(&self, arguments: &[&str]) -> String {
        printed(self.run(arguments))
    }

    /// Makes a store, its key, if it has one, in a file.
    pub(crate) fn init(&self, store: &str, storage: &str, encryption: &str) {
        self.keyward(&init(store, storage, encryption));
    }

    pub(crate) fn library(&self) -> Keyward {
        let home = ("HOME".to_owned(), self.path().as_os_str().to_owned());
        let others = self.variables.iter().map(|(name, value)| ((*name).into(), value.into()));
        Keyward::with(Environment::of([home].into_iter().chain(others)), Silent).unwrap()
    }

    pub(crate) fn store(&self, name: &str) -> OpenStore {
        self.library().store(name).unwrap()
    }

    /// The folder of the only store.
    pub(crate) fn store_folder(&self) -> PathBuf {
        let stores = self.path().join(".local/share/keyward/stores");
        let mut folders = std::fs::read_dir(stores).unwrap().map(|found| found.unwrap().path());
        let folder = folders.next().unwrap();
        assert_eq!(folders.next(), None, "there is more than one store");
        folder
    }
}

/// The arguments that make a store, its key, if it has one, in a file.
pub(crate) fn init<'a>(store: &'a str, storage: &'a str, encryption: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["init", store, "--storage", storage, "--encryption", encryption];
    if encryption == "aes-gcm" {
        arguments.extend(["--option", "key.from=file"]);
    }
    arguments
}

/// The command, in this home and nothing else around it.
pub(crate) fn at_home(mut command: Command, home: &Path) -> Command {
    command
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// A private folder in memory, where there is such a place: what these tests ask for is the kernel's
/// doing, and a disk would only make them slow.
pub(crate) fn scratch() -> TempDir {
    let private = std::fs::Permissions::from_mode(0o700);
    let mut builder = tempfile::Builder::new();
    builder.prefix("keyward-").permissions(private);
    builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir()).unwrap()
}

/// What a program printed, which must have succeeded.
pub(crate) fn printed(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command with this on its standard input.
pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A program that fails early reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}
