//! The authors and licences of the code in the package.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::plugins;
use crate::shell::{Result, cargo, failed, host, output};

const LICENCE: &str = "\
Keyward is Copyright the Keyward authors.

It is licensed under the Apache License, Version 2.0, or the MIT license, at
your choice. On Debian systems the text of the former is in
/usr/share/common-licenses/Apache-2.0. The latter is:

";

const MIT: &str = include_str!("../../../LICENSE-MIT");

const LINKED: &str = "
Linked with it are Rust's standard library (MIT OR Apache-2.0), SQLite (in the
public domain), and these crates:

";

const THEIRS: &str = "
Where there is a choice, Keyward takes the Apache License, Version 2.0. These
are the texts of the others:
";

/// Returns the file `copyright` of the package.
pub(super) fn text() -> Result<String> {
    let linked = linked()?;
    let mut text = [LICENCE, MIT, LINKED].concat();
    for (name, licence) in &linked {
        text += &format!("  {name}: {licence}\n");
    }
    text += THEIRS;
    for (licence, names) in licences(&linked)? {
        text += &format!("\n---- {}\n\n{}\n", names.join(", "), licence.trim_end());
    }
    Ok(text)
}

/// Returns the foreign crates in the programs and in the libraries next to them, as `NAME-VERSION`,
/// and their licences.
fn linked() -> Result<BTreeSet<(String, String)>> {
    let mut tree = cargo(["tree", "--locked", "--prefix", "none"]);
    tree.args(super::of_packages());
    tree.args(["--edges", "normal,no-proc-macro", "--no-dedupe", "--format", "{p}|{l}"]);
    tree.args(plugins::not_linked()?.iter().flat_map(|name| ["--package", name]));
    let tree = output(&mut tree)?;
    // Keyward's crates have a path after their version.
    let foreign = tree.lines().filter(|line| !line.contains(" ("));
    let pairs = foreign.filter_map(|line| line.split_once('|'));
    Ok(pairs.map(|(name, licence)| (name.replacen(" v", "-", 1), licence.into())).collect())
}

/// Returns the texts of the licences that Debian does not have, and the crates with these licences.
fn licences(linked: &BTreeSet<(String, String)>) -> Result<BTreeMap<String, Vec<&str>>> {
    let sources = sources()?;
    let mut texts = BTreeMap::<_, Vec<_>>::new();
    for (name, licence) in linked.iter().filter(|(_, licence)| !is_apache(licence)) {
        let source = sources.iter().find(|source| source.ends_with(name));
        let source = source.ok_or_else(|| format!("cargo does not know where {name} is"))?;
        let found = licence_files(source)?;
        if found.is_empty() {
            let bare = format!("Its package contains no text, but names: {licence}");
            texts.entry(bare).or_default().push(name.as_str());
        }
        for file in found {
            let text = fs::read_to_string(&file).map_err(|e| failed("read", &file, &e))?;
            texts.entry(text).or_default().push(name.as_str());
        }
    }
    Ok(texts)
}

fn is_apache(licence: &str) -> bool {
    licence.contains("Apache-2.0") && !licence.contains(" AND ")
}

/// Returns the folders of the manifests of all crates.
fn sources() -> Result<Vec<PathBuf>> {
    // On a new machine, crates for other platforms are not downloaded.
    let host = host()?;
    let metadata = ["metadata", "--format-version", "1", "--locked", "--filter-platform", &host];
    let metadata = output(&mut cargo(metadata))?;
    let manifests = metadata.split("\"manifest_path\":\"").skip(1);
    let paths = manifests.filter_map(|rest| Path::new(rest.split('"').next()?).parent());
    Ok(paths.map(Path::to_owned).collect())
}

fn licence_files(source: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(source).map_err(|e| failed("read", source, &e))?.flatten();
    let is_licence = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        let words = ["LICENSE", "LICENCE", "COPYRIGHT", "NOTICE"];
        words.iter().any(|word| name.starts_with(word)) && !name.ends_with("APACHE")
    };
    let mut found: Vec<_> = files.map(|file| file.path()).filter(is_licence).collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_apache_needs_no_text() {
        assert!(is_apache("MIT OR Apache-2.0"));
        assert!(!is_apache("MIT"));
        assert!(!is_apache("(MIT OR Apache-2.0) AND Unicode-3.0"));
    }
}
