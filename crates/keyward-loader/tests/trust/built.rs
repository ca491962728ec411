//! Shared libraries that are built by the test, and that leave a mark when any of their code runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_core::{Error, ErrorKind, Result};
use keyward_loader::{Digest, Pin, Verified, verify_library};
use keyward_testkit::Scratch;

/// The entry of a plugin that returns no table.
pub(crate) const GOOD: &str = "void *keyward_plugin_v1__good(void) { return 0; }";

/// A scratch folder with built files.
pub(crate) struct Bench(Scratch);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(Scratch::new())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.folder().join(name)
    }

    /// Builds a valid plugin.
    pub(crate) fn plugin(&self) -> PathBuf {
        self.build("plugin.so", GOOD, &[])
    }

    /// Builds a shared library of this C code, which leaves the mark when it is loaded.
    pub(crate) fn build(&self, name: &str, code: &str, flags: &[&str]) -> PathBuf {
        self.compile(name, code, &[&["-shared", "-fPIC"], flags].concat())
    }

    /// Compiles this C code together with the code that leaves the mark.
    pub(crate) fn compile(&self, name: &str, code: &str, flags: &[&str]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let source = self.path("source.c");
        let mark = self.mark(name);
        fs::write(&source, format!("{}\n{code}\n", LEAVE_A_MARK.replace("MARK", &mark))).unwrap();
        let mut compiler = Command::new("cc");
        let built = compiler.arg(&source).arg("-o").arg(&path).args(flags).status().unwrap();
        assert!(built.success(), "{compiler:?}");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// Makes a file with this content.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// Whether any code that was built under this name has run.
    pub(crate) fn ran(&self, name: &str) -> bool {
        Path::new(&self.mark(name)).exists()
    }

    fn mark(&self, name: &str) -> String {
        self.0.path(&format!("{}.ran", name.replace('/', "-")))
    }

    /// Verifies and loads, and expects an error before any code ran.
    pub(crate) fn turned_away(
        &self,
        pin: &Pin,
        needs: &[Pin],
        kind: ErrorKind,
        why: &str,
    ) -> Error {
        let error = load(pin, needs).unwrap_err();
        expect(&error, kind, why);
        let left = fs::read_dir(self.0.folder()).unwrap();
        let marks =
            left.filter(|file| file.as_ref().unwrap().path().extension() == Some("ran".as_ref()));
        assert_eq!(marks.count(), 0, "something ran");
        error
    }
}

const LEAVE_A_MARK: &str = r#"
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void leave_a_mark(void) {
    close(open("MARK", O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
}
"#;

/// Checks an error: its kind, that it is one line, and that it contains this text.
#[track_caller]
pub(crate) fn expect(error: &Error, kind: ErrorKind, why: &str) {
    let line = error.to_string();
    assert_eq!(error.kind(), kind, "{line}");
    assert!(line.contains(why), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}

/// Makes the correct pin of a file.
pub(crate) fn pin(path: &Path) -> Pin {
    Pin { path: path.to_owned(), digest: Digest::new(&fs::read(path).unwrap_or_default()) }
}

/// Verifies a library and loads it for ever.
pub(crate) fn load(pin: &Pin, needs: &[Pin]) -> Result<()> {
    verify_library(pin, needs).map(enter)
}

/// Loads a verified library for ever. These plugins return no table, which is noticed only after
/// they were loaded and their entry was called.
#[track_caller]
pub(crate) fn enter(verified: Verified) {
    let error = keyward_loader::load(verified).unwrap_err();
    expect(&error, ErrorKind::Unavailable, "the plugin refuses to run");
}
