//! `cargo xtask plugins`: builds every crate of backends as a shared library, to trust and use.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::shell::{self, Result, cargo, failed, root, stage, target};

const USAGE: &str = "usage: cargo xtask plugins [--dev] [FOLDER]";

/// Builds the libraries into a folder, as for a release, or unoptimised.
pub(crate) fn run(arguments: &[String]) -> Result {
    let (is_dev, folder) = wanted(arguments, "plugins", USAGE)?;
    stage("plugins", || build(&crates()?, is_dev, &folder).map(drop))?;
    println!("\nTo use one: keyward plugin trust {}/LIBRARY", folder.display());
    Ok(())
}

/// Reads `[--dev] [FOLDER]`; the default folder is `default` in the target folder.
pub(crate) fn wanted(arguments: &[String], default: &str, usage: &str) -> Result<(bool, PathBuf)> {
    let (is_dev, folder) = match arguments {
        [flag, rest @ ..] if flag == "--dev" => (true, rest),
        rest => (false, rest),
    };
    match folder {
        [] => Ok((is_dev, target()?.join(default))),
        [folder] if !folder.starts_with('-') => Ok((is_dev, folder.into())),
        _ => Err(usage.into()),
    }
}

/// Returns the names of the crates below `plugins/`.
pub(crate) fn crates() -> Result<Vec<String>> {
    let folders = fs::read_dir(root().join("plugins"))
        .map_err(|e| format!("cannot read the plugins' folder: {e}"))?;
    let names = folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Returns the crates that the program does not link: `docs/architecture.md` names them.
///
/// # Errors
/// A line about the page that cannot be read or does not name them.
pub fn not_linked() -> Result<Vec<String>> {
    let page = root().join("docs/architecture.md");
    let text = fs::read_to_string(&page).map_err(|e| failed("read", &page, &e))?;
    listed(&text).ok_or_else(|| format!("{} does not say what is not linked", page.display()))
}

fn listed(page: &str) -> Option<Vec<String>> {
    let (_, section) = page.split_once("\n## Backends not linked by default\n")?;
    let lines = section.lines().take_while(|line| !line.starts_with("## "));
    let names = lines.filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
    Some(names.map(|(name, _)| name.to_owned()).collect())
}

/// Returns the cargo profile for packages, or the one for tests.
pub(crate) fn profile(is_dev: bool) -> &'static str {
    if is_dev { "dev" } else { "dist" }
}

/// Returns the folder where cargo puts the programs of that profile.
pub(crate) fn programs(is_dev: bool) -> Result<PathBuf> {
    Ok(target()?.join(if is_dev { "debug" } else { "dist" }))
}

/// Builds these crates as libraries and returns the libraries' paths. `tests/examples` has an example
/// for each of them, which is a shared library, so that one run of cargo builds them all.
pub(crate) fn build(
    names: &[impl AsRef<str>],
    is_dev: bool,
    folder: &Path,
) -> Result<Vec<PathBuf>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    fs::create_dir_all(folder).map_err(|e| failed("make", folder, &e))?;
    let examples: Vec<_> = names.iter().map(|name| name.as_ref().replace('-', "_")).collect();
    let mut build = cargo(["build", "--package", "keyward-tests", "--profile", profile(is_dev)]);
    shell::run(build.args(examples.iter().flat_map(|name| ["--example", name])))?;
    let built = programs(is_dev)?.join("examples");
    let put = |name: &String| {
        let library = format!("lib{name}.so");
        let place = folder.join(&library);
        put(&built.join(library), &place).map_err(|e| failed("write", &place, &e))?;
        Ok(place)
    };
    examples.iter().map(put).collect()
}

/// Replaces the old file, which a program may have open, with a new one that all users can read and
/// only its owner can write.
fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    let new = to.with_extension("new");
    fs::copy(from, &new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o644))?;
    fs::rename(new, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_and_the_profile_are_arguments() {
        let wanted = |words: &[&str]| {
            wanted(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), "x", USAGE).ok()
        };
        let default = target().unwrap().join("x");
        assert_eq!(wanted(&[]), Some((false, default.clone())));
        assert_eq!(wanted(&["--dev"]), Some((true, default)));
        assert_eq!(wanted(&["a"]), Some((false, "a".into())));
        assert_eq!(wanted(&["--dev", "a"]), Some((true, "a".into())));
        for wrong in [&["--fast"][..], &["a", "b"], &["a", "--dev"], &["--dev", "--dev"]] {
            assert_eq!(wanted(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn crates_that_are_not_linked_are_read_from_their_list() {
        let page = "- `a`: 1\n## Backends not linked by default\n\nWhy:\n\n- `b`: 2\n- `c`: 3\n## On\n- `d`: 4\n";
        assert_eq!(listed(page), Some(vec!["b".into(), "c".into()]));
        assert_eq!(listed("## Backends\n- `b`: 2\n"), None);
        not_linked().unwrap();
    }
}
