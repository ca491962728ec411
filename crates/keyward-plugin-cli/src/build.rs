//! Builds a crate of backends with cargo, as a shared library that Keyward can load.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

use keyward_core::{Error, ErrorKind, Result};
use keyward_loader::{Digest, Elf, read_elf};
use serde_json::{Value, json};

/// A shared library that was built.
#[derive(Debug)]
pub struct Built {
    /// Its path.
    pub path: PathBuf,
    /// Its digest.
    pub digest: Digest,
    /// The name in Rust of the crate whose backends it provides.
    pub crate_name: String,
}

/// Builds the crate in `dir` as a shared library, and copies it into a folder; without a folder,
/// into `plugins` in cargo's target folder. Cargo prints its messages to standard error.
///
/// A release has no symbol table, unless the manifest has its own `strip` in `[profile.release]`:
/// all of a library is read and hashed before it is loaded.
///
/// # Errors
/// - [`Invalid`](ErrorKind::Invalid): there is no crate.
/// - [`Unavailable`](ErrorKind::Unavailable): cargo is not installed.
/// - [`Other`](ErrorKind::Other): cargo cannot build the crate.
/// - Those of [`read_elf`] if the crate registers no backend.
pub fn build(dir: &Path, release: bool, folder: Option<&Path>) -> Result<Built> {
    let built = cargo(dir, release)?;
    let library = fs::read(&built).map_err(|error| Error::io("build", error))?;
    let crate_name = crate_of(&library, dir)?;
    // Cargo's libraries are in target/PROFILE/.
    let default = || built.ancestors().nth(2).unwrap_or(dir).join("plugins");
    let folder = folder.map_or_else(default, Path::to_owned);
    let path = put(&built, &folder).map_err(|error| Error::io("build", error))?;
    Ok(Built { path, digest: Digest::new(&library), crate_name })
}

/// Builds the crate as a shared library, also if the crate's manifest does not declare one. Returns
/// the library's path.
fn cargo(dir: &Path, release: bool) -> Result<PathBuf> {
    if !dir.join("Cargo.toml").is_file() {
        let why = format!("there is no crate in {}", dir.display());
        return Err(failed(ErrorKind::Invalid, &why)
            .hint("`keyward plugin new --role ROLE NAME DIR` makes a crate"));
    }
    let mut arguments = vec!["rustc", "--lib", "--crate-type", "cdylib"];
    arguments.extend(["--message-format", "json-render-diagnostics"]);
    if release {
        arguments.push("--release");
        if !sets_strip(&workspace_manifest(dir)?) {
            arguments.extend(["--", "-C", "strip=symbols"]);
        }
    }
    let messages = output_of_cargo(dir, &arguments)?;
    let messages = messages.split(|byte| *byte == b'\n');
    let mut libraries = messages.filter_map(|line| library(&serde_json::from_slice(line).ok()?));
    // The last one is the crate's: cargo builds the dependencies of a crate first.
    libraries.next_back().ok_or_else(|| failed(ErrorKind::Other, "cargo built no library"))
}

/// Runs cargo in a folder and returns what it prints to standard output.
fn output_of_cargo(dir: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut cargo = process::Command::new("cargo");
    cargo.args(arguments).current_dir(dir).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = cargo.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            failed(ErrorKind::Unavailable, "cargo is not installed, or is not on PATH")
                .hint("Install Rust, which includes cargo, or add cargo's folder to PATH")
        }
        _ => Error::io("cargo", error),
    })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(failed(ErrorKind::Other, "cargo could not build the library"))
    }
}

fn failed(kind: ErrorKind, why: &str) -> Error {
    Error::new(kind, "usage").because(why.to_owned())
}

/// Reads the manifest from which cargo takes the profiles for the crate in `dir`.
fn workspace_manifest(dir: &Path) -> Result<String> {
    let place = ["locate-project", "--workspace", "--message-format", "plain"];
    let place = output_of_cargo(dir, &place)?;
    let path = OsStr::from_bytes(place.trim_ascii_end());
    fs::read_to_string(path).map_err(|error| Error::io("build", error))
}

/// Whether a manifest says what to strip from a release. What it says wins: an argument of the
/// compiler would override it.
fn sets_strip(manifest: &str) -> bool {
    let table: toml::Table = manifest.parse().unwrap_or_default();
    let release = table.get("profile").and_then(|profiles| profiles.get("release"));
    release.is_some_and(|release| release.get("strip").is_some())
}

/// Returns the library that a message of cargo reports.
fn library(message: &Value) -> Option<PathBuf> {
    let kinds = message["target"]["crate_types"].as_array()?;
    let is_built = message["reason"] == "compiler-artifact" && kinds.contains(&json!("cdylib"));
    let file = message["filenames"].as_array()?.first()?.as_str()?;
    is_built.then(|| file.into())
}

/// Returns the crate whose backends a library provides.
fn crate_of(library: &[u8], dir: &Path) -> Result<String> {
    let entry = match read_elf(library)? {
        Elf::Library(library) => library.entry().map(|entry| entry.package().to_owned()),
        Elf::Program => Err(Error::new(ErrorKind::Unavailable, "build")),
    };
    entry.map_err(|error| {
        Error::new(error.kind(), "usage")
            .because(format!("the crate in {} registers no backend", dir.display()))
            .hint("The crate needs one line such as `keyward_plugin::register!(storage: Shelf);`")
    })
}

/// Copies the library into the folder. Every user can read the copy, and only its owner can write
/// it. A program may have the old file open: the copy replaces that file, which stays unchanged.
fn put(built: &Path, folder: &Path) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    let path = folder.canonicalize()?.join(built.file_name().unwrap_or_default());
    let new = path.with_extension("new");
    fs::copy(built, &new)?;
    fs::set_permissions(&new, Permissions::from_mode(0o644))?;
    fs::rename(new, &path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_built_libraries_count() {
        let message = |reason: &str, kind: &str| {
            let target = json!({ "crate_types": [kind] });
            json!({ "reason": reason, "target": target, "filenames": ["/t/debug/liba.so"] })
        };
        let built = message("compiler-artifact", "cdylib");
        assert_eq!(library(&built), Some("/t/debug/liba.so".into()));
        assert_eq!(library(&message("compiler-artifact", "lib")), None);
        assert_eq!(library(&message("compiler-message", "cdylib")), None);
        assert_eq!(library(&json!({ "reason": "build-finished" })), None);
    }

    #[test]
    fn only_a_setting_for_releases_says_what_to_strip() {
        for manifest in
            ["[profile.release]\nstrip = false", "profile.release.strip = \"debuginfo\""]
        {
            assert!(sets_strip(manifest), "{manifest}");
        }
        for manifest in ["", "[profile.dev]\nstrip = true", "[profile.release]\nlto = true", "="] {
            assert!(!sets_strip(manifest), "{manifest}");
        }
    }
}
