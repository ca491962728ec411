//! Folders of definitions. Each file in such a folder describes one thing, such as a store or a
//! plugin, and is named after it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result, escape, unescape};
use keyward_fs::{PrivateDir, check_trusted_folder};

use crate::layer::Layer;
use crate::toml_file::TomlFile;

/// The content of a definition's file.
pub(crate) trait Definition: Sized {
    /// The type of its name.
    type Name: DefinitionName;

    /// Reads the content of a file.
    ///
    /// # Errors
    /// `Invalid`, with file and line.
    fn read(file: &TomlFile, name: &Self::Name, layer: Layer) -> Result<Self>;
}

/// The name of a definition.
pub(crate) trait DefinitionName: Clone + Ord {
    /// Returns the name of its file.
    fn file_name(&self) -> String;

    /// Returns the name for which [`file_name`](Self::file_name) returns this.
    fn from_file_name(file: &str) -> Option<Self>;
}

/// The name of a definition as the name of its file contains it. Reading the file checks it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EscapedName(pub(crate) String);

impl DefinitionName for EscapedName {
    fn file_name(&self) -> String {
        format!("{}.toml", escape(&self.0))
    }

    fn from_file_name(file: &str) -> Option<Self> {
        unescape(file.strip_suffix(".toml")?).map(Self)
    }
}

/// A folder of definitions of one type, in one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionFolder {
    /// The path of the folder, which may not exist.
    pub path: PathBuf,
    /// The layer of the definitions in it.
    pub layer: Layer,
}

impl DefinitionFolder {
    /// Checks that other users cannot write to the folder. Returns whether it exists.
    ///
    /// # Errors
    /// As [`check_trusted_folder`].
    pub(crate) fn check(&self) -> Result<bool> {
        check_trusted_folder(&self.path)
    }

    /// Returns the names of the definitions in the folder, sorted.
    ///
    /// # Errors
    /// Those of [`check`](Self::check) and of reading the folder.
    pub(crate) fn names<N: DefinitionName>(&self) -> Result<Vec<N>> {
        if !self.check()? {
            return Ok(Vec::new());
        }
        let failed = |error: std::io::Error| {
            let why = format!("{}: {error}", self.path.display());
            Error::io("config", error).because(why)
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            names.extend(entry.file_name().to_str().and_then(N::from_file_name));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Returns the path of a definition's file, which may not exist.
    pub(crate) fn file(&self, name: &impl DefinitionName) -> PathBuf {
        self.path.join(name.file_name())
    }

    /// Returns the definition of this name, if the folder has it.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); `Refused` for a file that other users can write; `Invalid`,
    /// with the line, for one that is not valid.
    pub(crate) fn find<D: Definition>(&self, name: &D::Name) -> Result<Option<D>> {
        let Some(file) = TomlFile::read(&self.file(name))? else { return Ok(None) };
        self.check()?;
        D::read(&file, name, self.layer).map(Some)
    }

    /// Removes the file of a definition, and returns whether there was one.
    ///
    /// # Errors
    /// Those of removing the file.
    pub(crate) fn remove(&self, name: &impl DefinitionName) -> Result<bool> {
        match PrivateDir::open(&self.path)? {
            Some(folder) => folder.remove(Path::new(&name.file_name())),
            None => Ok(false),
        }
    }
}

/// Returns the definition of this name from the first of these folders that has it.
///
/// # Errors
/// As [`DefinitionFolder::find`].
pub(crate) fn find<D: Definition>(
    folders: &[DefinitionFolder],
    name: &D::Name,
) -> Result<Option<D>> {
    for folder in folders {
        if let Some(found) = folder.find(name)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Writes the file, unless there is one.
///
/// # Errors
/// `Exists` if there is one.
pub(crate) fn create(path: &Path, layer: Layer, text: &str) -> Result<()> {
    let (folder, file) = folder_and_file(path)?;
    PrivateDir::create(folder)?.create_new(file, text.as_bytes())?;
    publish(path, layer)
}

/// Replaces the file.
pub(crate) fn replace(path: &Path, layer: Layer, text: &str) -> Result<()> {
    let (folder, file) = folder_and_file(path)?;
    PrivateDir::create(folder)?.replace(file, text.as_bytes())?;
    publish(path, layer)
}

/// Makes a file of the system readable for all users and writable only for its owner.
pub(crate) fn publish(path: &Path, layer: Layer) -> Result<()> {
    if layer != Layer::System {
        return Ok(());
    }
    let open = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .map_err(|error| Error::io("config", error))
    };
    open(path, 0o644)?;
    path.ancestors().skip(1).take(2).try_for_each(|folder| open(folder, 0o755))
}

fn folder_and_file(path: &Path) -> Result<(&Path, &Path)> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(file)) => Ok((folder, Path::new(file))),
        _ => Err(Error::new(ErrorKind::Other, "config")),
    }
}
