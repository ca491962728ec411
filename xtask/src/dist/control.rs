//! The control files for dpkg.

use std::process::Command;

use super::tree::Tree;
use super::{LIBRARIES, PROGRAMS};
use crate::shell::{Result, failed, output};

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

const MAINTAINER: &str = "The Keyward maintainers <maintainers@keyward.invalid>";

const DESCRIPTION: &str = "\
Description: keeps credentials in any storage, under any encryption
 Keyward keeps usernames and passwords for people and programs. A store is made
 of a serializer, an encryption and a storage, which are chosen one by one.
 .
 Git asks it as a credential helper; `keyward setup git` sets that up.
";

/// Adds the control file and the checksums, after all other files.
pub(super) fn add(tree: &Tree, architecture: &str) -> Result {
    let size = size(tree)?;
    let checksums = checksums(tree)?;
    // dpkg-shlibdeps recognises a package's tree by this folder, and the package by the control
    // file of its source.
    tree.write("DEBIAN/md5sums", &checksums)?;
    tree.write("debian/control", "Source: keyward\n\nPackage: keyward\nArchitecture: any\n")?;
    let needs = libraries_needed(tree);
    let source = tree.path().join("debian");
    std::fs::remove_dir_all(&source).map_err(|e| failed("remove", &source, &e))?;
    let control = format!(
        "Package: keyward\nVersion: {VERSION}\nArchitecture: {architecture}\nMaintainer: {MAINTAINER}\n\
         Installed-Size: {size}\nDepends: {}\nSuggests: git\nSection: utils\nPriority: optional\n{DESCRIPTION}",
        needs?
    );
    tree.write("DEBIAN/control", &control)
}

/// Returns the changelog. It contains only the packed version; git has the rest.
pub(super) fn changelog(date: &str) -> Result<String> {
    let mut format = Command::new("date");
    let day = output(format.env("LC_ALL", "C").args(["-u", "-R", "-d", &format!("@{date}")]))?;
    Ok(format!(
        "keyward ({VERSION}) unstable; urgency=medium\n\n  * Version {VERSION}.\n\n -- {MAINTAINER}  {day}"
    ))
}

/// Returns the size on the disk, in KiB, as dpkg counts it.
fn size(tree: &Tree) -> Result<u64> {
    let sizes = tree.entries()?.into_iter().map(|entry| {
        let path = tree.path().join(entry);
        let found = path.symlink_metadata().map_err(|e| failed("read", &path, &e))?;
        Ok(if found.is_file() { found.len().div_ceil(1024) } else { 1 })
    });
    sizes.sum()
}

fn checksums(tree: &Tree) -> Result<String> {
    let entries = tree.entries()?.into_iter();
    let files = entries.filter(|entry| {
        let path = tree.path().join(entry);
        path.is_file() && !path.is_symlink()
    });
    output(Command::new("md5sum").args(files).current_dir(tree.path()))
}

/// Returns the packages with the libraries that the programs and the plugins need.
fn libraries_needed(tree: &Tree) -> Result<String> {
    let libraries = tree
        .entries()?
        .into_iter()
        .filter(|entry| entry.parent().is_some_and(|folder| folder.as_os_str() == LIBRARIES));
    let mut ask = Command::new("dpkg-shlibdeps");
    ask.arg("-O").args(PROGRAMS).args(libraries).current_dir(tree.path());
    let answer = output(&mut ask)?;
    let needs = answer.trim().strip_prefix("shlibs:Depends=");
    needs.map(str::to_owned).ok_or_else(|| format!("dpkg-shlibdeps printed `{}`", answer.trim()))
}
