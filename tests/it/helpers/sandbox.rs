//! Somebody at a shell, with nothing around them: an empty home, and programs run in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::helpers::program::keyward;

/// An empty home, apart from the account of whoever runs the tests; removed in the end.
pub(crate) struct Sandbox(TempDir);

impl Sandbox {
    pub(crate) fn new() -> Self {
        let private = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("keyward-").permissions(private).tempdir();
        let sandbox = Self(folder.unwrap());
        fs::create_dir(sandbox.path("run")).unwrap();
        sandbox
    }

    /// A home with a store `s`, made with these words of `init`.
    pub(crate) fn with_store(options: &str) -> Self {
        let sandbox = Self::new();
        sandbox.keyward(&format!("init s {options}")).run().ends(0);
        sandbox
    }

    /// The path of `name` in the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
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

    /// Every file and folder below the home, with what is in it.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(self.0.path())
    }

    /// The program with the words of `line`, to be run.
    pub(crate) fn keyward(&self, line: &str) -> Call {
        Call::new(self, keyward().as_os_str()).args(line.split_whitespace())
    }

    /// Another program in this home, to be run.
    pub(crate) fn program(&self, name: &str) -> Call {
        Call::new(self, OsStr::new(name))
    }
}

/// Every file and folder below `folder`, with what is in it.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    gather(folder, &mut files);
    files
}

fn gather(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        let content = if kind.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
        files.insert(path.clone(), content);
        if kind.is_dir() {
            gather(&path, files);
        }
    }
}

/// A program about to be run: without a terminal, with an environment of a few variables.
pub(crate) struct Call {
    command: Command,
    input: Option<Vec<u8>>,
}

impl Call {
    fn new(sandbox: &Sandbox, program: &OsStr) -> Self {
        // A session of its own, lest it find the terminal of whoever runs the tests.
        let mut command = Command::new("setsid");
        command
            .arg("--wait")
            .arg(program)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", sandbox.0.path())
            .env("XDG_RUNTIME_DIR", sandbox.path("run"))
            .env("LC_ALL", "C.UTF-8")
            .current_dir(sandbox.0.path())
            .stdin(Stdio::null());
        Self::of(command)
    }

    /// A command put together elsewhere.
    pub(crate) fn of(command: Command) -> Self {
        Self { command, input: None }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// It starts in this folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What comes on standard input.
    pub(crate) fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = Some(bytes.as_ref().to_vec());
        self.command.stdin(Stdio::piped());
        self
    }

    pub(crate) fn run(mut self) -> Ran {
        let piped = self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let writer = child.stdin.take().zip(self.input).map(|(mut pipe, bytes)| {
            // A program that needs no input closes the pipe.
            std::thread::spawn(move || drop(pipe.write_all(&bytes)))
        });
        let output = child.wait_with_output().unwrap();
        drop(writer.map(std::thread::JoinHandle::join));
        Ran {
            line: format!("{:?}", self.command),
            code: output.status.code().unwrap_or(-1),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// How a program went.
pub(crate) struct Ran {
    line: String,
    pub(crate) code: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Ran {
    /// It ended with this code, and did not panic.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        let (line, err) = (&self.line, &self.err);
        assert_eq!(self.code, code, "{line}\n{}{err}", String::from_utf8_lossy(&self.out));
        assert!(!err.contains("fault in keyward"), "{line}\n{err}");
        self
    }

    /// It printed exactly this.
    #[track_caller]
    pub(crate) fn prints(self, expected: impl AsRef<[u8]>) -> Self {
        let expected = expected.as_ref();
        assert!(
            self.out == expected,
            "{}\nprinted  {}\nnot      {}\n{}",
            self.line,
            self.out.escape_ascii(),
            expected.escape_ascii(),
            self.err
        );
        self
    }

    /// It said this on standard error.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.err.contains(words), "{}\nsays not `{words}` but\n{}", self.line, self.err);
        self
    }

    /// It said nothing on standard error.
    #[track_caller]
    pub(crate) fn says_nothing(self) -> Self {
        assert_eq!(self.err, "", "{}", self.line);
        self
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    /// The JSON objects it printed, one a line.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The name by which the operating system knows whoever runs the tests.
pub(crate) fn me() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
