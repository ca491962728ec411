//! Plugins for their authors: `plugin new`, `build` and `check`.

mod build;
mod check;
mod linked_program;
mod new;
mod new_to_store;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::root;

use crate::helpers::home::Home;
use crate::helpers::invocation::Invocation;
use crate::helpers::plugin_fixtures::library_in_c;
use crate::helpers::program::keyward;

/// The home of an author of plugins, with cargo and without a network.
pub(super) struct AuthorHome(pub(super) Home);

impl AuthorHome {
    pub(super) fn new() -> Self {
        Self(Home::new())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    /// A program that can run cargo and keyward.
    fn program(&self, name: &str) -> Invocation {
        let homes = ["CARGO_HOME", "RUSTUP_HOME"].map(|name| (name, std::env::var_os(name)));
        let call = self
            .0
            .program(name)
            .env("PATH", self.path_variable())
            .env("CARGO_HOME", PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cargo"))
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TERM_COLOR", "never")
            // What one test has built, the others do not build again.
            .env("CARGO_BUILD_BUILD_DIR", programs().join("../author"));
        homes.into_iter().fold(call, |call, (name, value)| match value {
            Some(value) => call.env(name, value),
            None => call,
        })
    }

    pub(super) fn keyward(&self, line: &str) -> Invocation {
        self.program("keyward").args(line.split_whitespace())
    }

    /// Makes a crate of this author, with the versions of dependencies that are on this machine.
    fn crate_of(&self, dir: &str, role: &str, name: &str) -> PathBuf {
        let new = self.keyward("plugin new").args(["--role", role, name, dir]);
        new.arg("--keyward").arg(root()).run().ends(0);
        self.lock(dir);
        self.path(dir)
    }

    fn lock(&self, dir: &str) {
        fs::copy(root().join("Cargo.lock"), self.path(dir).join("Cargo.lock")).unwrap();
    }

    fn path_variable(&self) -> OsString {
        let cargo = Path::new(env!("CARGO")).parent().unwrap();
        let folders = [cargo, programs(), Path::new("/usr/bin"), Path::new("/bin")];
        std::env::join_paths(folders).unwrap()
    }
}

fn programs() -> &'static Path {
    static PROGRAMS: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PROGRAMS.get_or_init(|| keyward().parent().unwrap().to_owned())
}

/// Builds one of the C plugins in `tests/fixtures/plugins`, in the home.
fn built(home: &Home, source: &str, flags: &[&str]) -> PathBuf {
    let library = home.path(format!("{}.so", source.trim_end_matches(".c")));
    library_in_c(&library, source, flags);
    library
}
