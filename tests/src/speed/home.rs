//! An empty home directory for the stores that are measured.

use std::path::{Path, PathBuf};

use keyward::{Environment, Keyward, NewStore, OpenStore, Silent};
use keyward_defaults as _;
use tempfile::TempDir;

use super::Result;
use super::program::Program;

/// The search path of every program that is started.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// An empty home on the disk of the program. It has no session bus, so that keys are in files. Unlike
/// the tests' home, it starts programs with `posix_spawn` and an environment of two variables.
pub(super) struct BenchHome {
    folder: TempDir,
    program: PathBuf,
}

impl BenchHome {
    pub(super) fn new(program: &Path) -> Result<Self> {
        let above = program.parent().ok_or("the program is in no folder")?;
        Ok(Self { folder: tempfile::tempdir_in(above)?, program: program.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn below(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(super) fn keyward(&self) -> Result<Keyward> {
        let environment = Environment::new([("HOME", self.path())]);
        Ok(Keyward::with(environment, Silent)?)
    }

    /// Does the same with one more variable.
    pub(super) fn keyward_with(&self, name: &str, value: &str) -> Result<Keyward> {
        let environment = Environment::new([("HOME", self.path())]);
        Ok(Keyward::with(environment.with(name, value), Silent)?)
    }

    /// A new store, default but for its storage.
    pub(super) fn store(&self, name: &str, storage: &str) -> Result<OpenStore> {
        self.store_of(name, "cbor", storage)
    }

    /// A new store of these two and the default cipher, its key in a file.
    pub(super) fn store_of(
        &self,
        name: &str,
        serializer: &str,
        storage: &str,
    ) -> Result<OpenStore> {
        let keyward = self.keyward()?;
        let key =
            keyward_core::SecretRef { from: "file".into(), options: keyward_core::Values::new() };
        keyward.init_store(&NewStore {
            serializer: Some(serializer.into()),
            storage: Some(storage.into()),
            key: Some(key),
            ..NewStore::named(name)?
        })?;
        Ok(keyward.store(name)?)
    }

    /// The program under test, started in this home.
    pub(super) fn program(&self, arguments: &[&str]) -> Program {
        Program::new(&self.program, arguments).env("HOME", self.path())
    }

    /// Another program, started in this home.
    pub(super) fn other(&self, name: &str, arguments: &[&str]) -> Result<Program> {
        Ok(Program::find(name)?.args(arguments).env("HOME", self.path()))
    }
}
