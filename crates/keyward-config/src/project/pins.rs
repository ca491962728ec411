use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use keyward_core::{Digest, Error, ErrorKind, Result, printable};
use keyward_fs::PrivateDir;
use toml::de::DeValue;

use super::{Declaration, Project, file_of};
use crate::config::Config;
use crate::layer::Layer;
use crate::toml_file::TomlFile;
use crate::toml_value::quoted;

/// The folder of the pins, in the user's state.
const FOLDER: &str = "projects";

/// The largest file of a pin, in bytes.
const MAX: usize = 1 << 20;

/// How many changes a message shows.
const MAX_SHOWN: usize = 3;

/// What a user trusts: a folder, with exactly this content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectPin {
    /// The project's folder.
    pub folder: PathBuf,
    /// The SHA-256 of each file, by its path below the folder.
    pub files: BTreeMap<String, Digest>,
}

/// Whether a user trusts a project as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It has not changed since the user trusted it.
    Trusted,
    /// The user trusted it, and it has changed: one line for each file.
    Changed(Vec<String>),
    /// The user has never trusted it.
    Untrusted,
}

/// A pin makes a project trusted. There is no other way.
impl Config {
    /// Returns what the project in this folder declares, which [`find_project`](Self::find_project)
    /// has found.
    ///
    /// # Errors
    /// Those of [`trusted_project`](Self::trusted_project); [`Invalid`](ErrorKind::Invalid) if the
    /// declaration is not valid.
    pub fn trusted_declaration(&self, folder: &Path) -> Result<Declaration> {
        self.trusted_project(folder)?.declaration()
    }

    /// Returns the project in this folder, which [`find_project`](Self::find_project) has found.
    ///
    /// # Errors
    /// - [`Refused`](ErrorKind::Refused) in one line if the user does not trust the project as it is
    ///   now, or its files cannot be trusted at all.
    /// - [`Invalid`](ErrorKind::Invalid) if the pin is not valid.
    pub fn trusted_project(&self, folder: &Path) -> Result<Project> {
        let ignored = |why: String, advice: &str| {
            let line = format!("{} is ignored: {}", file_of(folder), printable(&why));
            Error::new(ErrorKind::Refused, "config").because(format!("{line}; {advice}"))
        };
        let project = match Project::read(folder) {
            Ok(Some(project)) => project,
            Ok(None) => return Err(ignored("it is gone".into(), "nothing can be trusted here")),
            Err(error) if error.kind() == ErrorKind::Refused => {
                let advice = "once that is corrected, trust it with: keyward trust";
                return Err(ignored(error.message().to_owned(), advice));
            }
            Err(error) => return Err(error),
        };
        match self.trust_in(&project)? {
            Trust::Trusted => Ok(project),
            Trust::Changed(changes) => {
                let why = format!("since it was trusted, {}", shortened(&changes));
                Err(ignored(why, "to trust it again, run: keyward trust"))
            }
            Trust::Untrusted => {
                Err(ignored("it is not trusted".into(), "to trust it, run: keyward trust"))
            }
        }
    }

    /// Returns whether the user trusts this project as it was read.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if its pin is not valid; those of reading it.
    pub fn trust_in(&self, project: &Project) -> Result<Trust> {
        let Some(pin) = self.find_pin(&project.folder)? else { return Ok(Trust::Untrusted) };
        let changes = pin.changes(project);
        Ok(if changes.is_empty() { Trust::Trusted } else { Trust::Changed(changes) })
    }

    /// Records that the user trusts this project as it was read.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the path of the folder is not UTF-8; those of writing the
    /// pin.
    pub fn trust(&self, project: &Project) -> Result<()> {
        self.check_owner(Layer::User)?;
        let pin = ProjectPin {
            folder: project.folder.clone(),
            files: project.files.iter().map(|it| (it.path.clone(), it.digest)).collect(),
        };
        let text = pin.render()?;
        PrivateDir::create(&self.pin_folder())?.replace(&file_name(&pin.folder), text.as_bytes())
    }

    /// Returns the projects that the user has trusted, sorted by folder.
    ///
    /// # Errors
    /// Those of reading the pins.
    pub fn trusted_projects(&self) -> Result<Vec<Result<ProjectPin>>> {
        let path = self.pin_folder();
        let Some(folder) = PrivateDir::open(&path)? else { return Ok(Vec::new()) };
        let entries = std::fs::read_dir(&path).map_err(|error| Error::io("read", error))?;
        let mut pins = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| Error::io("read", error))?.file_name();
            let name = Path::new(&name);
            if name.extension().is_some_and(|it| it == "toml") {
                pins.extend(read_pin(&folder, name).transpose());
            }
        }
        pins.sort_by(|one, other| {
            let folder = |pin: &Result<ProjectPin>| pin.as_ref().ok().map(|pin| pin.folder.clone());
            folder(one).cmp(&folder(other))
        });
        Ok(pins)
    }

    /// Removes the pin of this folder, and returns whether there was one.
    ///
    /// # Errors
    /// Those of removing the file.
    pub fn revoke(&self, folder: &Path) -> Result<bool> {
        match PrivateDir::open(&self.pin_folder())? {
            Some(pins) => pins.remove(&file_name(folder)),
            None => Ok(false),
        }
    }

    fn find_pin(&self, folder: &Path) -> Result<Option<ProjectPin>> {
        let Some(pins) = PrivateDir::open(&self.pin_folder())? else { return Ok(None) };
        let pin = read_pin(&pins, &file_name(folder))?;
        Ok(pin.filter(|pin| pin.folder == folder))
    }

    fn pin_folder(&self) -> PathBuf {
        self.places().state.join(FOLDER)
    }
}

/// Returns the first of these changes in one line.
fn shortened(changes: &[String]) -> String {
    let (shown, rest) = changes.split_at(changes.len().min(MAX_SHOWN));
    let rest = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    shown.join(", ") + &rest
}

/// Returns the name of the file for a project's folder. A path may be longer than a name.
fn file_name(folder: &Path) -> PathBuf {
    PathBuf::from(format!("{}.toml", Digest::new(folder.as_os_str().as_bytes())))
}

fn read_pin(folder: &PrivateDir, name: &Path) -> Result<Option<ProjectPin>> {
    let Some(content) = folder.read(name, MAX)? else { return Ok(None) };
    let pin = ProjectPin::parse(content, &folder.path().join(name));
    pin.map(Some).map_err(|error| error.hint("Trust the project again with: keyward trust"))
}

impl ProjectPin {
    /// Returns the project's digest as it was trusted: see [`Project::digest`].
    pub fn digest(&self) -> Digest {
        super::digest_of(self.files.iter().map(|(path, digest)| (path.as_str(), *digest)))
    }

    /// Returns what has changed since then, in the words of a message.
    pub fn changes(&self, project: &Project) -> Vec<String> {
        let mut changes = Vec::new();
        for file in &project.files {
            match self.files.get(&file.path) {
                Some(digest) if *digest == file.digest => {}
                Some(_) => changes.push(format!("{} was changed", file.path)),
                None => changes.push(format!("{} was added", file.path)),
            }
        }
        let is_there = |path: &String| project.files.iter().any(|file| file.path == *path);
        let removed = self.files.keys().filter(|path| !is_there(path));
        changes.extend(removed.map(|path| format!("{path} was removed")));
        changes
    }

    fn render(&self) -> Result<String> {
        let folder = self.folder.to_str().ok_or_else(|| {
            let why = format!("{} is not UTF-8", self.folder.display());
            Error::invalid("config", why).hint("Rename the folder")
        })?;
        let mut text = format!("version = 1\nfolder = {}\n\n[files]\n", quoted(folder));
        for (path, digest) in &self.files {
            writeln!(text, "{} = \"{digest}\"", quoted(path)).unwrap_or_default();
        }
        Ok(text)
    }

    fn parse(content: Vec<u8>, path: &Path) -> Result<Self> {
        let file = TomlFile::new(path, content)?;
        let table = file.parse()?;
        file.check_version(&table)?;
        file.check_keys(&table, &["version", "folder", "files"], "a trusted project's file")?;
        let wrong = || file.wrong(0..0, "this is not the file of a trusted project");
        let folder = file.text_of(&table, "folder")?.ok_or_else(wrong)?;
        let Some(DeValue::Table(files)) = table.get("files").map(|files| files.get_ref()) else {
            return Err(wrong());
        };
        let files = files.iter().map(|(path, digest)| {
            let digest = digest.get_ref().as_str().ok_or_else(wrong)?;
            Ok((path.get_ref().to_string(), digest.parse().map_err(|_| wrong())?))
        });
        Ok(Self { folder: folder.into(), files: files.collect::<Result<_>>()? })
    }
}
