use std::path::{Path, PathBuf};

use keyward_core::Result;

use crate::errors::with_path;
use crate::library::elf::{self, Elf, Library};
use crate::library::runtime::{Part, part};
use crate::placement;
use crate::program::SCRIPT;
use keyward_core::{Digest, Pin};

/// A file that the user may want to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Where it is.
    pub path: PathBuf,
    /// The id of the user that it belongs to: root's, or this process's.
    pub owner: u32,
    /// Its permissions.
    pub mode: u32,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its content.
    pub digest: Digest,
    /// Its content.
    pub content: Content,
}

/// The kinds of file that may be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A shared library: a plugin to be loaded, or one that a plugin needs.
    Library(Library),
    /// An ELF program.
    Program,
    /// A script that names its interpreter.
    Script,
}

/// Reads a file that the user may want to trust. No code of it runs.
///
/// It must be in a place where a trusted file may be. [`Library::entry`] says whether a library is
/// a plugin that this program can use.
///
/// # Errors
/// Those of [`verify_library`](crate::verify_library), except those about the pin.
pub fn inspect(path: &Path) -> Result<Inspection> {
    let placed = placement::open(path)?;
    let bytes = placed.read(path)?;
    Ok(Inspection {
        path: path.to_owned(),
        owner: placed.owner(),
        mode: placed.mode(),
        size: bytes.len() as u64,
        digest: Digest::new(&bytes),
        content: Content::read(&bytes).map_err(with_path(path))?,
    })
}

impl Inspection {
    /// Returns the pin of the file, for the configuration.
    pub fn pin(&self) -> Pin {
        Pin { path: self.path.clone(), digest: self.digest }
    }
}

impl Content {
    fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(SCRIPT) {
            return Ok(Self::Script);
        }
        Ok(match elf::read(bytes)? {
            Elf::Program => Self::Program,
            Elf::Library(library) => Self::Library(library),
        })
    }
}

impl Library {
    /// Iterates over the libraries that must be pinned before this one can be loaded.
    pub fn foreign(&self) -> impl Iterator<Item = &str> {
        self.needed.iter().map(String::as_str).filter(|name| part(name) == Part::Foreign)
    }
}
