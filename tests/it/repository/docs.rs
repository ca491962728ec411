//! The documentation is correct: the parts that are made from the code are current, the sessions
//! that it shows happen, and its links lead somewhere.
//!
//! With `KEYWARD_UPDATE_DOCS=1` (`cargo xtask docs`) the parts that are made from the code are
//! written instead of compared.

mod generated;
mod header;
mod json;
mod links;
mod oauth;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use xtask::root;

use crate::helpers::console_pages::{differences, steps_of};
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// Pages for people who work on Keyward itself. The program does not contain them.
const NOT_IN_THE_PROGRAM: [&str; 4] = ["architecture", "contributing", "performance", "style"];

#[test]
fn what_is_made_from_the_code_is_current() {
    let update = std::env::var_os("KEYWARD_UPDATE_DOCS").is_some();
    let mut stale = Vec::new();
    for (page, text) in generated::pages() {
        let path = root().join(&page);
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        } else {
            stale.push(page);
        }
    }
    assert!(stale.is_empty(), "`cargo xtask docs` brings these up to date: {stale:?}");
}

#[test]
fn no_page_of_a_command_is_left_over() {
    let made: BTreeSet<_> =
        generated::pages().into_iter().map(|(page, _)| root().join(page)).collect();
    let left: Vec<_> = pages()
        .into_iter()
        .filter(|path| path.parent().unwrap().ends_with("commands") && !made.contains(path))
        .collect();
    assert!(left.is_empty(), "there is no such command: {left:?}");
}

#[test]
fn every_session_is_true() {
    for page in pages() {
        let page = generated::relative(&page);
        if page == oauth::PAGE {
            continue;
        }
        let wrong = differences(&Home::in_memory(), steps_of(&page));
        assert!(wrong.is_empty(), "{page}:\n{}", wrong.join("\n\n"));
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages().into_iter().chain([root().join("README.md")]) {
        broken.extend(links::broken(&page));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_decision_is_in_the_index() {
    let folder = root().join("docs/adr");
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    assert!(!names.is_empty());
    let mut rows = String::new();
    for (number, name) in (1..).zip(&names) {
        assert!(name.starts_with(&format!("{number:04}-")), "{name} is not the next number");
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let title =
            text.lines().next().unwrap().strip_prefix("# ").expect("a page starts with its title");
        rows += &format!("{number}. [{title}]({name})\n");
    }
    assert!(index.ends_with(&rows), "docs/adr/README.md should end with\n{rows}");
}

#[test]
fn the_program_carries_every_page() {
    let carried = |path: &PathBuf| {
        ["docs", "clients"].iter().any(|folder| path.parent().unwrap().ends_with(folder))
    };
    for path in pages().iter().filter(|path| carried(path)) {
        let topic = path.file_stem().unwrap().to_str().unwrap();
        let output = Command::new(keyward()).args(["help", topic]).output().unwrap();
        assert_ne!(output.status.success(), NOT_IN_THE_PROGRAM.contains(&topic), "{topic}");
        if output.status.success() {
            let page = fs::read_to_string(path).unwrap();
            let shown: Vec<_> = page.lines().filter(|line| !line.starts_with("<!--")).collect();
            let printed = String::from_utf8(output.stdout).unwrap();
            let is_shown = printed.trim_end() == shown.join("\n").trim_end();
            assert!(is_shown, "`keyward help {topic}` shows another page than docs/{topic}.md");
        }
    }
}

/// Every page below `docs/`.
fn pages() -> Vec<PathBuf> {
    let mut folders = vec![root().join("docs")];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}
