//! `cargo xtask tidy`: checks the repository's own rules, which no compiler checks.

use std::fs;
use std::process::Command;

use crate::shell::{Result, output, root};

mod manifests;
mod places;
mod sources;
mod words;

/// A rule: returns a line, with the file's name, for each fault in a file.
type Rule = fn(&File) -> Vec<String>;

const RULES: &[Rule] = &[
    manifests::inherits_the_lints,
    manifests::is_described,
    manifests::is_named_like_its_folder,
    places::is_in_its_place,
    places::names_no_machine,
    places::names_no_registry,
    sources::is_short,
    sources::is_finished,
    sources::is_not_called_mod,
    sources::uses_only_allowed_words,
    words::are_plain,
];

/// Checks the rules for every file that git tracks, or that is new and not ignored.
pub(crate) fn run() -> Result {
    let files = files()?;
    let wrong: Vec<_> =
        files.iter().flat_map(|file| RULES.iter().flat_map(|rule| rule(file))).collect();
    wrong.iter().for_each(|line| println!("{line}"));
    match wrong.len() {
        0 => {
            println!("{} files, {} rules.", files.len(), RULES.len());
            Ok(())
        }
        n => Err(format!("{n} things to tidy up")),
    }
}

/// A file of the repository.
struct File {
    /// The path from the root of the repository, with `/`.
    path: String,
    /// The text; empty for a binary file.
    text: String,
}

impl File {
    /// Makes the line for a fault, in a form from which an editor can open the file.
    fn complain(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file is test code, or a program that tests run.
    fn is_test(&self) -> bool {
        self.path.split('/').any(|part| ["examples", "tests", "tests.rs"].contains(&part))
    }

    /// Returns the lines of the file with their numbers, up to the start of its tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<_> = self.text.lines().collect();
        let is_start =
            |pair: &[&str]| pair[0].starts_with("#[cfg(test)]") && pair[1].starts_with("mod ");
        let end = lines.windows(2).position(is_start).unwrap_or(lines.len());
        lines.into_iter().take(end).enumerate().map(|(number, line)| (number + 1, line))
    }

    /// Returns the lines of its code without comments.
    fn statements(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
    }
}

fn files() -> Result<Vec<File>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let listed = output(Command::new("git").args(list).current_dir(root()))?;
    let read = |path: &str| {
        // git also lists a file that was deleted without a commit.
        let bytes = fs::read(root().join(path)).ok()?;
        Some(File { path: path.into(), text: String::from_utf8(bytes).unwrap_or_default() })
    };
    Ok(listed.split_terminator('\0').filter_map(read).collect())
}

#[cfg(test)]
fn check(rule: Rule, path: &str, text: &str, wrong: usize) {
    let found = rule(&File { path: path.into(), text: text.into() });
    assert_eq!(found.len(), wrong, "{path}: {text:?}: {found:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ends_where_tests_begin() {
        let text = "a // b\n#[cfg(test)]\nuse c;\n/// d\n#[cfg(test)]\nmod tests {\n}\n".into();
        let file = File { path: "x.rs".into(), text };
        assert_eq!(file.code().count(), 4);
        assert_eq!(
            file.statements().map(|(_, line)| line).collect::<Vec<_>>(),
            ["a ", "#[cfg(test)]", "use c;", ""]
        );
    }
}
