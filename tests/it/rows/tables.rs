//! The tests that there are, for the tables of rows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of all tests in the sources below these paths.
pub(super) fn tests(paths: &[&str]) -> BTreeSet<String> {
    let mut files = Vec::new();
    for path in paths {
        add_sources(&xtask::root().join(path), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with("#[")) {
            let rest = pair[1].trim_start_matches("async ").strip_prefix("fn ");
            let name = rest.and_then(|rest| rest.split_once("()"));
            names.extend(name.map(|(name, _)| name.to_owned()));
        }
    }
    names
}

fn add_sources(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            add_sources(&entry.unwrap().path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        files.push(path.to_owned());
    }
}
