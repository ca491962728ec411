mod template;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Registry, Result, Role};

use super::trust::this_program;
use crate::arguments::role;
use crate::output::{print, shown};
use crate::stop::Outcome;
use template::{Crate, Source};

/// Write a crate with a new backend, which works as it is
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin new --role storage shelf keyward-storage-shelf")]
pub(crate) struct Arguments {
    /// The role of the backend
    #[arg(long, value_parser = role())]
    role: Role,
    /// The name of the backend in configuration
    name: String,
    /// The folder for the crate; it must be empty or not exist
    dir: PathBuf,
    /// The folder of Keyward's source, for the crate's dependencies [default: the one in which this program was built, or the registry of crates]
    #[arg(long, value_name = "FOLDER")]
    keyward: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let Arguments { role, name, dir, keyward } = arguments;
    check_name(&name)?;
    if Registry::linked()?.find(role, &name).is_ok() {
        return Err(Error::new(ErrorKind::Exists, "usage")
            .because(format!("the {role} {name} is part of this program"))
            .hint("Choose another name: two backends of one role cannot have the same name")
            .into());
    }
    let source = match keyward {
        Some(folder) => Source::Folder(check_source(&folder)?),
        None => source_of_this_program().map_or(Source::Registry, Source::Folder),
    };
    let from = match &source {
        Source::Folder(folder) => folder.display().to_string(),
        Source::Registry => {
            "the registry of crates; until they are published there, use --keyward FOLDER".into()
        }
    };
    write(&dir, &Crate { role, name: &name, source }.files())?;
    print(&shown(&format!("Wrote the {role} {name} to {}", dir.display())))?;
    print(&shown(&format!("It takes Keyward's crates from {from}")))?;
    print(&shown(&format!("  cd {}", super::quoted(&dir.display().to_string()))))?;
    print("  cargo test")?;
    print("  keyward plugin build")
}

/// Checks a name for a backend and, after `keyward-ROLE-`, for its crate.
fn check_name(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let parts_are_there = !name.split('-').any(str::is_empty);
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    if starts && parts_are_there && name.len() <= 40 && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::invalid("name", format!("`{}` is not a valid name for a backend", name.escape_debug()))
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

/// Returns the source in which this program was built, if the program is still in the `target`
/// folder there.
fn source_of_this_program() -> Option<PathBuf> {
    let program = this_program().ok()?;
    let mut targets = program.ancestors().filter(|folder| folder.ends_with("target"));
    targets.find_map(|target| check_source(target.parent()?).ok())
}

/// Writes all files or none: they appear together, in place of an empty folder if there is one.
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
            check_name(name).unwrap();
        }
        let long = "a".repeat(41);
        for name in ["", "2a", "-a", "a-", "a--b", "A", "a_b", "a.b", "a/b", "ä", "a\n", &long] {
            assert_eq!(check_name(name).unwrap_err().kind(), ErrorKind::Invalid, "{name:?}");
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_left_behind() {
        let scratch = keyward_testkit::Scratch::new();
        let files = [("src/lib.rs", 0o644, "text".to_owned())];
        let dir = scratch.folder().join("a");
        fs::create_dir(&dir).unwrap();
        write(&dir, &files).unwrap();
        assert_eq!(fs::read_to_string(dir.join("src/lib.rs")).unwrap(), "text");
        let other = [("other", 0o644, String::new())];
        assert_eq!(write(&dir, &other).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(write(&dir.join("src/lib.rs"), &other).unwrap_err().kind(), ErrorKind::Exists);
        let impossible = [("x", 0o644, String::new()), ("x/y", 0o644, String::new())];
        write(&scratch.folder().join("b"), &impossible).unwrap_err();
        let left: Vec<_> = fs::read_dir(scratch.folder()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
