//! Projects: what a folder declares, where it is found, and whether the user trusts it.

mod declaration;
mod pins;
mod search;

use std::path::{Path, PathBuf};

use keyward_core::{Digest, Error, ErrorKind, Result, printable, unescape};
use keyward_fs::{OwnedTree, TreeLimits};

use crate::tables::Table;
use crate::toml_file::TomlFile;

pub use declaration::{Declaration, DeclaredSecret};
pub use pins::{ProjectPin, Trust};

/// The file that makes a folder a project.
const FILE: &str = ".keyward.toml";

/// The folder of a project's further files.
const FOLDER: &str = ".keyward";

/// The largest `.keyward.toml`, in bytes.
const MAX_FILE: usize = 256 << 10;

const LIMITS: TreeLimits = TreeLimits { file: 1 << 20, entries: 256, depth: 8, total: 4 << 20 };

/// What Keyward reads of a project: `.keyward.toml`, and all files below `.keyward/`.
///
/// # Security
/// Each file is read once, without following symbolic links, and must belong to this process's user
/// or to root. The digests and the declaration are those of the bytes that were read, so exchanging
/// a file later has no effect.
///
/// # Examples
/// ```
/// use keyward_config::Project;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().canonicalize()?;
/// assert!(Project::read(&path)?.is_none());
/// std::fs::File::create(path.join(".keyward.toml"))?;
/// let project = Project::read(&path)?.unwrap();
/// assert_eq!(project.files[0].path, ".keyward.toml");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder, without symbolic links in its path.
    pub folder: PathBuf,
    /// The files, sorted by path.
    pub files: Vec<ProjectFile>,
    /// The content of `.keyward.toml`.
    content: Vec<u8>,
    /// The contents of the files below `.keyward/`, by their paths below the folder of the project.
    others: Vec<(PathBuf, Vec<u8>)>,
}

/// A file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// The path below the folder of the project. It can be shown as it is.
    pub path: String,
    /// The number of bytes.
    pub size: usize,
    /// The SHA-256 of the content.
    pub digest: Digest,
}

impl Project {
    /// Reads the project in this folder, whose path is canonical; `None` if it is not a project.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if a file cannot be trusted at all: see [`OwnedTree`].
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let tree = OwnedTree::open(folder)?;
        let Some(content) = tree.read(Path::new(FILE), MAX_FILE)? else { return Ok(None) };
        let others = tree.read_all(Path::new(FOLDER), LIMITS)?;
        let mut files = vec![ProjectFile::new(Path::new(FILE), &content)?];
        for (path, content) in &others {
            files.push(ProjectFile::new(path, content)?);
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Some(Self { folder: folder.to_owned(), files, content, others }))
    }

    /// Returns the digest of all files: that of a text with a line for each, as `sha256sum` prints
    /// it.
    pub fn digest(&self) -> Digest {
        digest_of(self.files.iter().map(|file| (file.path.as_str(), file.digest)))
    }

    /// Returns what `.keyward.toml` declares.
    ///
    /// # Errors
    /// Those of [`Declaration::parse`].
    pub fn declaration(&self) -> Result<Declaration> {
        Declaration::parse(self.content.clone(), Path::new(&file_of(&self.folder)))
    }
}

/// The files of a folder below `.keyward/`.
impl Project {
    /// Returns the files `NAME.toml` of `.keyward/FOLDER/`, as [`Config::tables`] does for the
    /// configuration. Text that is not UTF-8 is an error of its file.
    ///
    /// [`Config::tables`]: crate::Config::tables
    pub fn tables(&self, folder: &str) -> Vec<(String, Result<Table>)> {
        let folder = Path::new(FOLDER).join(folder);
        let tables = self.others.iter().filter_map(|(path, content)| {
            let name = path.strip_prefix(&folder).ok()?.to_str()?;
            let name = unescape(name.strip_suffix(".toml")?)?;
            let path = self.folder.join(path);
            let file = TomlFile::new(&path, content.clone());
            let from = printable(&path.display().to_string()).to_string();
            Some((name, file.map(|file| Table { text: file.text, from })))
        });
        tables.collect()
    }
}

impl ProjectFile {
    fn new(path: &Path, content: &[u8]) -> Result<Self> {
        let plain = path.to_str().filter(|text| printable(text).to_string() == *text);
        let Some(plain) = plain else {
            let why = format!("{} has a name that cannot be shown", path.display());
            return Err(Error::new(ErrorKind::Refused, "open").because(why));
        };
        Ok(Self { path: plain.to_owned(), size: content.len(), digest: Digest::new(content) })
    }
}

fn digest_of<'a>(files: impl Iterator<Item = (&'a str, Digest)>) -> Digest {
    let lines = files.map(|(path, digest)| format!("{digest}  {path}\n"));
    Digest::new(lines.collect::<String>().as_bytes())
}

/// Returns the path of a folder's `.keyward.toml`, escaped for a message of one line.
fn file_of(folder: &Path) -> String {
    printable(&folder.join(FILE).display().to_string()).to_string()
}

#[cfg(test)]
mod tests;
