//! `cargo xtask dist`: builds the program as a Debian package, reproducibly.

mod control;
mod copyright;
mod tree;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Result, cargo, failed, output, root, stage};
use crate::{packages, plugins};
use tree::Tree;

const USAGE: &str = "usage: cargo xtask dist [--dev] [FOLDER]";

/// The paths in the package.
const PROGRAMS: [&str; 4] = [
    "usr/bin/keyward",
    "usr/bin/keyward-check",
    "usr/bin/keyward-checkers",
    "usr/bin/keyward-serve",
];
const HELPER: &str = "usr/bin/git-credential-keyward";
const LIBRARIES: &str = "usr/lib/keyward/plugins";
const MANUAL: &str = "usr/share/man/man1";
const ABOUT: &str = "usr/share/doc/keyward";
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/keyward"),
    ("fish", "usr/share/fish/vendor_completions.d/keyward.fish"),
    ("zsh", "usr/share/zsh/vendor-completions/_keyward"),
];

/// The folders of the system's configuration. Administrators add stores and plugins to them, which
/// stay when the package is removed.
const CONFIGURATION: [&str; 2] = ["etc/keyward/plugins", "etc/keyward/stores"];

/// Builds the program and the plugins that are not linked, and packs them into a folder.
pub(crate) fn run(arguments: &[String]) -> Result {
    let (is_dev, folder) = plugins::wanted(arguments, "dist", USAGE)?;
    stage("programs for packing", || packages::ensure(packages::PACKING))?;
    stage("build", || {
        let profile = plugins::profile(is_dev);
        shell::run(cargo(["build", "--profile", profile]).args(of_packages()))
    })?;
    let programs = plugins::programs(is_dev)?;
    let libraries = stage("plugins", || {
        plugins::build(&plugins::not_linked()?, is_dev, &programs.join("plugins"))
    })?;
    let package = stage("pack", || pack(&programs.join("keyward"), &libraries, &date(), &folder))?;
    println!("\nTo install it: sudo apt install {}", package.display());
    Ok(())
}

/// Returns cargo's arguments for the packages of the programs.
fn of_packages() -> impl Iterator<Item = &'static str> {
    ["keyward-cli", "keyward-check", "keyward-checkers", "keyward-serve"]
        .into_iter()
        .flat_map(|name| ["--package", name])
}

/// Packs a program, those next to it, and libraries of backends into a folder, as
/// `keyward_VERSION_ARCHITECTURE.deb`, and returns its path. Every file in it has the same `date`,
/// in seconds since 1970.
///
/// # Errors
/// A line about the file that cannot be written or the program that fails.
pub fn pack(program: &Path, libraries: &[PathBuf], date: &str, folder: &Path) -> Result<PathBuf> {
    let folder = std::path::absolute(folder).map_err(|e| failed("find", folder, &e))?;
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))?;
    let name = format!("keyward_{}_{}", control::VERSION, architecture.trim());
    let tree = Tree::new(folder.join(format!("{name}.tree")))?;
    add_programs(&tree, program, libraries)?;
    add_completions(&tree, program)?;
    add_manual(&tree, program)?;
    add_guide(&tree, program)?;
    add_papers(&tree, date)?;
    for folder in CONFIGURATION {
        tree.folder(folder)?;
    }
    control::add(&tree, architecture.trim())?;
    tree.set_modes(&PROGRAMS)?;
    let package = folder.join(format!("{name}.deb"));
    // With gzip, the bytes do not depend on the number of processors.
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zgzip", "-z6", "--build"]).arg(tree.path()).arg(&package);
    shell::run(pack.env("SOURCE_DATE_EPOCH", date))?;
    Ok(package)
}

fn add_programs(tree: &Tree, program: &Path, libraries: &[PathBuf]) -> Result {
    tree.folder(LIBRARIES)?;
    let mut strip = Command::new("strip");
    strip.args(["--strip-unneeded", "--remove-section=.comment"]);
    for place in PROGRAMS {
        let name = Path::new(place).file_name().unwrap_or_default();
        tree.copy(&program.with_file_name(name), place)?;
        strip.arg(tree.path().join(place));
    }
    for library in libraries {
        let name = library.file_name().unwrap_or_default().to_string_lossy();
        let place = format!("{LIBRARIES}/{name}");
        tree.copy(library, &place)?;
        strip.arg(tree.path().join(place));
    }
    shell::run(&mut strip)?;
    // git finds its helper by this name.
    tree.link("keyward", HELPER)
}

fn add_completions(tree: &Tree, program: &Path) -> Result {
    COMPLETIONS.iter().try_for_each(|(shell, place)| {
        tree.write(place, &output(Command::new(program).args(["completions", shell]))?)
    })
}

fn add_manual(tree: &Tree, program: &Path) -> Result {
    let folder = tree.folder(MANUAL)?;
    shell::run(Command::new(program).args(["man", "--all"]).arg(&folder))?;
    let pages = fs::read_dir(&folder).map_err(|e| failed("read", &folder, &e))?;
    compress(pages.flatten().map(|page| page.path()))?;
    let page = folder.join("git-credential-keyward.1.gz");
    symlink("keyward-helper-git.1.gz", &page).map_err(|e| failed("make", &page, &e))
}

/// Adds the guide and its topics as HTML.
fn add_guide(tree: &Tree, program: &Path) -> Result {
    shell::run(Command::new(program).args(["help", "--write-html"]).arg(tree.folder(ABOUT)?))
}

fn add_papers(tree: &Tree, date: &str) -> Result {
    tree.write(&format!("{ABOUT}/copyright"), &copyright::text()?)?;
    let changelog = format!("{ABOUT}/changelog");
    tree.write(&changelog, &control::changelog(date)?)?;
    compress([tree.path().join(changelog)])
}

/// Compresses files in place, without a timestamp.
fn compress(files: impl IntoIterator<Item = PathBuf>) -> Result {
    output(Command::new("gzip").args(["--best", "--no-name"]).args(files)).map(drop)
}

/// Returns the date of the last commit, unless the environment sets another one.
fn date() -> String {
    #[expect(clippy::disallowed_methods, reason = "the standard variable for this")]
    let told = std::env::var("SOURCE_DATE_EPOCH").ok();
    let committed = || output(Command::new("git").arg("-C").arg(root()).args(LAST_COMMIT)).ok();
    told.or_else(committed).map_or_else(|| "0".into(), |date| date.trim().to_owned())
}

const LAST_COMMIT: [&str; 3] = ["log", "-1", "--format=%ct"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_date() {
        assert!(date().parse::<u64>().is_ok(), "{}", date());
    }
}
