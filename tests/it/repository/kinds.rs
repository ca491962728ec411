//! Only `keyward-kinds` spells the names of kinds and of their fields.

use std::fs;
use std::path::{Path, PathBuf};

use keyward_kinds::Kinds;
use xtask::root;

/// Crates below `keyward-kinds`, or beside it. Their examples spell some names.
const BELOW: [&str; 3] = ["keyward-core", "keyward-kinds", "keyward-testkit"];

/// Calls that take the name of a kind or field.
const CALLS: [&str; 7] = [
    "Record::new(\"",
    ".with_kind(\"",
    ".kind == \"",
    ".kind != \"",
    "record.field(\"",
    ".fields.get(\"",
    ".fields.remove(\"",
];

#[test]
fn only_one_crate_spells_kinds_and_fields() {
    let kinds = Kinds::linked();
    let names = kinds.iter().map(|kind| kind.name.as_str()).filter(|name| name.contains('-'));
    let names: Vec<_> = names.map(|name| format!("\"{name}\"")).collect();
    assert!(names.iter().any(|name| name == "\"user-password\""));
    let spells = |line: &str| {
        let line = line.split("//").next().unwrap().replace("Record::new(\"\")", "");
        CALLS.iter().any(|call| line.contains(call)) || names.iter().any(|name| line.contains(name))
    };
    assert!(spells("    if record.kind == \"token\" {") && !spells("// \"user-password\""));

    let mut found = Vec::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let lines = (1..).zip(code.lines()).filter(|(_, line)| spells(line));
        found.extend(lines.map(|(number, line)| format!("{}:{number}: {line}", file.display())));
    }
    assert!(found.is_empty(), "use the constants of keyward_kinds: {found:#?}");
}

/// The files of all other crates, without those that contain only tests.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        if !BELOW.iter().any(|name| path.ends_with(name)) {
            add_files(&path.join("src"), &mut files);
        }
    }
    assert!(!files.is_empty());
    files
}

fn add_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.to_string_lossy().contains("tests")
        {
            files.push(path);
        }
    }
}
