//! `cargo xtask plugins`: every crate of backends as a shared library, for `keyward plugin trust`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::shell::{self, Result, cargo, root, stage, target};

const USAGE: &str = "usage: cargo xtask plugins [--dev] [FOLDER]";

/// Builds the libraries into a folder, as they are released, or quickly and for tests alone.
pub(crate) fn run(arguments: &[String]) -> Result {
    let (is_dev, folder) = match arguments {
        [] => (false, None),
        [flag] if flag == "--dev" => (true, None),
        [folder] if !folder.starts_with('-') => (false, Some(folder)),
        [flag, folder] if flag == "--dev" && !folder.starts_with('-') => (true, Some(folder)),
        _ => return Err(USAGE.into()),
    };
    let folder = match folder {
        Some(folder) => PathBuf::from(folder),
        None => target()?.join("plugins"),
    };
    stage("plugins", || crates()?.iter().try_for_each(|name| build(name, is_dev, &folder)))?;
    println!("\nTo use one: keyward plugin trust {}/LIBRARY", folder.display());
    Ok(())
}

/// The crates below `plugins/`, by name.
pub(crate) fn crates() -> Result<Vec<String>> {
    let folders = fs::read_dir(root().join("plugins"))
        .map_err(|e| format!("cannot read the plugins' folder: {e}"))?;
    let names = folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Nothing in the crate says that it may be a library: how it is built does.
pub(crate) fn build(name: &str, is_dev: bool, folder: &Path) -> Result {
    fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
    let profile = if is_dev { "dev" } else { "release" };
    let options = ["--crate-type", "cdylib", "--lib", "--profile", profile];
    shell::run(cargo(["rustc", "--quiet", "--package", name]).args(options))?;
    let library = format!("lib{}.so", name.replace('-', "_"));
    let built = target()?.join(if is_dev { "debug" } else { "release" }).join(&library);
    put(&built, &folder.join(library))
        .map_err(|e| format!("cannot copy {} to {}: {e}", built.display(), folder.display()))
}

/// Puts a new file in place of the old one, which a program may have open, and which others can read
/// and nobody but its owner write.
fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    let new = to.with_extension("new");
    fs::copy(from, &new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o644))?;
    fs::rename(new, to)
}
