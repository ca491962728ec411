//! Calls that no code may contain.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::root;

/// How clap returns an argument by its name. The program has a type for the arguments of each command.
const LOOK_UPS: [&str; 6] =
    [".get_one(", ".get_one::", ".get_flag(", ".get_many", ".get_count(", ".get_raw("];

#[test]
fn the_program_looks_up_no_argument_by_its_name() {
    let is_look_up = |line: &str| LOOK_UPS.iter().any(|call| line.contains(call));
    assert!(is_look_up("matches.get_one::<String>(\"user\")"));
    let found = lines(&["crates/keyward-cli/src"], is_look_up);
    assert!(found.is_empty(), "use the command's `clap::Args`: {found:#?}");
}

/// The lines of the Rust files below these folders that a predicate selects, without comments.
fn lines(folders: &[&str], is_selected: impl Fn(&str) -> bool) -> Vec<String> {
    let mut files = Vec::new();
    for folder in folders {
        add_files(&root().join(folder), &mut files);
    }
    assert!(!files.is_empty());
    let mut found = Vec::new();
    for file in files {
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if is_selected(line.split("//").next().unwrap()) {
                found.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

fn add_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            add_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
