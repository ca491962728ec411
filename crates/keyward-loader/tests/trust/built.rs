//! Shared libraries, built on the spot, that leave a mark when anything of them runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_core::{Error, ErrorKind, Result};
use keyward_loader::{Digest, Pin, Verified, verify_library};
use keyward_testkit::Scratch;

/// The way into a plugin that shows no table.
pub(crate) const GOOD: &str = "void *keyward_plugin_v1__good(void) { return 0; }";

/// A scratch folder with what was built in it.
pub(crate) struct Bench(Scratch);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(Scratch::new())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.folder().join(name)
    }

    /// A plugin as it should be.
    pub(crate) fn plugin(&self) -> PathBuf {
        self.build("plugin.so", GOOD, &[])
    }

    /// A shared library of this C code, which leaves the mark when it is loaded.
    pub(crate) fn build(&self, name: &str, code: &str, flags: &[&str]) -> PathBuf {
        self.compile(name, code, &[&["-shared", "-fPIC"], flags].concat())
    }

    /// What the compiler makes of this C code and its mark.
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

    /// A file with this content.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// Whether anything of what was built under this name has run.
    pub(crate) fn ran(&self, name: &str) -> bool {
        Path::new(&self.mark(name)).exists()
    }

    fn mark(&self, name: &str) -> String {
        self.0.path(&format!("{}.ran", name.replace('/', "-")))
    }

    /// Verifies and loads, and expects to be turned away before anything ran.
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

/// Holds an error against what it should be: its kind, one line, and that this is in it.
#[track_caller]
pub(crate) fn expect(error: &Error, kind: ErrorKind, why: &str) {
    let line = error.to_string();
    assert_eq!(error.kind(), kind, "{line}");
    assert!(line.contains(why), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
}

/// What configuration says of a file that is as it should be.
pub(crate) fn pin(path: &Path) -> Pin {
    Pin { path: path.to_owned(), digest: Digest::of(&fs::read(path).unwrap_or_default()) }
}

/// Verifies a library and loads it, for good.
pub(crate) fn load(pin: &Pin, needs: &[Pin]) -> Result<()> {
    verify_library(pin, needs).map(enter)
}

/// Loads what was verified, for good. These plugins show no table, which is noticed only when they
/// were loaded and their entry was called.
#[track_caller]
pub(crate) fn enter(verified: Verified) {
    let error = keyward_loader::load(verified).unwrap_err();
    expect(&error, ErrorKind::Unavailable, "the plugin does not want to run here");
}
