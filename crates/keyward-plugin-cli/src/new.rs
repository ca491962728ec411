//! Writes a crate that contains a new, working backend.

mod template;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Registry, Result, Role, printable};

use template::Template;
pub use template::{NAMES, how_to_use};

/// A crate to write.
#[derive(Debug)]
pub struct Crate<'a> {
    template: &'static Template,
    name: &'a str,
    source: Source,
}

/// Where the crate finds Keyward's own crates.
#[derive(Debug)]
pub enum Source {
    /// In the registry of crates.
    Registry,
    /// In this folder.
    Folder(PathBuf),
}

impl<'a> Crate<'a> {
    /// Describes a crate with a backend of this role and name, from the template of this name.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid): there is no template for this role, or the name cannot be the
    ///   name of a backend and a crate.
    /// - [`Exists`](ErrorKind::Exists): this program has such a backend.
    pub fn new(role: Role, template: &str, name: &'a str, source: Source) -> Result<Self> {
        let template = Template::find(role, template).ok_or_else(|| {
            Error::invalid("usage", format!("there is no template {template} for the role {role}"))
        })?;
        check_name(role, name)?;
        if Registry::linked()?.find(role, name).is_ok() {
            return Err(Error::new(ErrorKind::Exists, "usage")
                .because(format!("the {role} {name} is part of this program"))
                .hint("Choose another name: two backends of one role cannot have the same name"));
        }
        Ok(Self { template, name, source })
    }

    /// Writes all files or none: they appear together, in place of an empty folder if there is one.
    ///
    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if `dir` exists and is not an empty folder.
    pub fn write(&self, dir: &Path) -> Result<()> {
        write(dir, &self.files())
    }
}

impl Source {
    /// Returns the folder, if it contains Keyward's source.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if it does not.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        check_source(folder).map(Self::Folder)
    }

    /// Returns the source in which this program was built, if the program is still in the `target`
    /// folder there; otherwise the registry of crates.
    #[must_use]
    pub fn of_program(program: &Path) -> Self {
        let mut targets = program.ancestors().filter(|folder| folder.ends_with("target"));
        let found = targets.find_map(|target| check_source(target.parent()?).ok());
        found.map_or(Self::Registry, Self::Folder)
    }
}

/// Checks a name for a backend and, after `keyward-ROLE-`, for its crate. That of an authenticator
/// or a checker contains a dot.
fn check_name(role: Role, name: &str) -> Result<()> {
    if !role.allows_plugin(name) {
        return Err(Error::invalid("name", format!("in the role {role}, a name contains a dot"))
            .hint(format!("As in example.{}", printable(name))));
    }
    let marks: &[u8] = if Role::OF_STORES.contains(&role) { b"-" } else { b"-." };
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || marks.contains(&byte);
    let parts_are_there = !name.split(['-', '.']).any(str::is_empty);
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    if starts && parts_are_there && name.len() <= 40 && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::invalid("name", format!("`{}` is not a valid name for a backend", printable(name)))
        .hint("Use up to 40 lower-case letters and digits, starting with a letter, with `-` between words"))
}

/// Returns the path of a folder that contains Keyward's source.
fn check_source(folder: &Path) -> Result<PathBuf> {
    let found = folder.canonicalize().ok();
    let found = found.filter(|it| it.join("crates/keyward-plugin/Cargo.toml").is_file());
    let found = found.filter(|it| it.to_str().is_some_and(|text| !text.contains(['"', '\\'])));
    found.ok_or_else(|| {
        Error::invalid("usage", format!("{} is not Keyward's source", folder.display()))
    })
}

fn write(dir: &Path, files: &[(&'static str, u32, String)]) -> Result<()> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory => {
            Error::new(ErrorKind::Exists, "usage")
                .because(format!("{} exists and is not an empty folder", dir.display()))
        }
        _ => Error::io("new", error),
    };
    let is_taken = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some().then_some(io::ErrorKind::DirectoryNotEmpty),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(error.kind()),
    };
    if let Some(kind) = is_taken {
        return Err(failed(kind.into()));
    }
    let (Some(above), Some(name)) = (dir.parent(), dir.file_name()) else {
        return Err(failed(io::ErrorKind::DirectoryNotEmpty.into()));
    };
    let unfinished = format!(".{}.{}", name.to_string_lossy(), std::process::id());
    let unfinished = above.join(unfinished);
    let made = folder(&unfinished)
        .and_then(|()| fill(&unfinished, files))
        .and_then(|()| fs::rename(&unfinished, dir));
    made.map_err(|error| {
        // Only this process uses the unfinished folder. An error from removing it would say nothing
        // new.
        drop(fs::remove_dir_all(&unfinished));
        failed(error)
    })
}

fn fill(dir: &Path, files: &[(&'static str, u32, String)]) -> io::Result<()> {
    for (name, mode, content) in files {
        let path = dir.join(name);
        folder(path.parent().unwrap_or(dir))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(*mode).open(path)?;
        file.write_all(content.as_bytes())?;
    }
    Ok(())
}

fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for name in ["a", "shelf", "aes-gcm-2", &"a".repeat(40)] {
            check_name(Role::Storage, name).unwrap();
        }
        for role in [Role::Authenticator, Role::Checker] {
            check_name(role, "example.two-words").unwrap();
        }
        for name in ["token", "a..b", ".a", "a."] {
            let error = check_name(Role::Authenticator, name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
        }
        let long = "a".repeat(41);
        for name in ["", "2a", "-a", "a-", "a--b", "A", "a_b", "a.b", "a/b", "ä", "a\n", &long] {
            let error = check_name(Role::Storage, name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_left_behind() {
        let scratch = tempfile::tempdir().unwrap();
        let files = [("src/lib.rs", 0o644, "text".to_owned())];
        let dir = scratch.path().join("a");
        fs::create_dir(&dir).unwrap();
        write(&dir, &files).unwrap();
        assert_eq!(fs::read_to_string(dir.join("src/lib.rs")).unwrap(), "text");
        let other = [("other", 0o644, String::new())];
        assert_eq!(write(&dir, &other).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(write(&dir.join("src/lib.rs"), &other).unwrap_err().kind(), ErrorKind::Exists);
        let impossible = [("x", 0o644, String::new()), ("x/y", 0o644, String::new())];
        write(&scratch.path().join("b"), &impossible).unwrap_err();
        let left: Vec<_> = fs::read_dir(scratch.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
