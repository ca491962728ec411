//! Words that no function may be called, and calls that no code may contain.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::root;

/// `docs/style.md` asks for a verb phrase, or for a noun that names the result.
const NO_NAMES: [&str; 6] = ["of", "at", "one", "look", "which", "told"];

/// How clap returns an argument by its name. The program has a type for the arguments of each command.
const LOOK_UPS: [&str; 7] = [
    ".get_one(",
    ".get_one::",
    ".get_flag(",
    ".get_many(\"",
    ".get_many::",
    ".get_count(",
    ".get_raw(",
];

#[test]
fn the_name_of_a_function_says_what_it_does() {
    let is_bad = |line: &str| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.any(|word| word == "fn") && words.next().is_some_and(|name| NO_NAMES.contains(&name))
    };
    assert!(
        is_bad(concat!("pub const fn", " of(bytes: &[u8])")) && !is_bad("fn of_user(at: &str)")
    );
    let found = lines(&["crates", "plugins", "tests", "xtask"], is_bad);
    assert!(found.is_empty(), "docs/style.md forbids these names: {found:#?}");
}

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
