//! Rules for the places of files, and for paths and hosts that no file may name.

use super::File;
use crate::shell::root;

const TOP: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "crates",
    "docs",
    "plugins",
    "tests",
    "xtask",
];

/// The top folders that many machines have.
const COMMON: &[&str] = &[
    "bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run",
    "sbin", "srv", "sys", "tmp", "usr", "var", "Users",
];

/// Each is in two parts, so that this file does not break its own rule.
const REGISTRIES: &[(&str, &str)] = &[
    ("crates", "io"),
    ("deb.debian", "org"),
    ("npmjs", "com"),
    ("npmjs", "org"),
    ("proxy.golang", "org"),
    ("pypi", "org"),
    ("pythonhosted", "org"),
];

/// The top level must stay small enough to read at once.
pub(super) fn is_in_its_place(file: &File) -> Vec<String> {
    let top = file.path.split('/').next().unwrap_or_default();
    if top.starts_with('.') || TOP.contains(&top) {
        return Vec::new();
    }
    vec![file.complain(1, "the top level contains only the known files and folders, and dotfiles")]
}

/// A path of one machine does not exist on another.
pub(super) fn names_no_machine(file: &File) -> Vec<String> {
    let here = root().to_string_lossy();
    let top =
        here.split('/').nth(1).filter(|top| !COMMON.contains(top)).map(|top| format!("/{top}/"));
    let named = |line: &str| {
        begins_a_path(line, &here) || top.as_ref().is_some_and(|top| begins_a_path(line, top))
    };
    complaints(file, named, "this is a path of one machine")
}

/// Each machine configures where packages come from.
pub(super) fn names_no_registry(file: &File) -> Vec<String> {
    if file.path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let hosts: Vec<_> = REGISTRIES.iter().map(|(name, top)| format!("{name}.{top}")).collect();
    let named = |line: &str| hosts.iter().any(|host| line.contains(host));
    complaints(file, named, "this names a package registry's host")
}

fn begins_a_path(line: &str, start: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || "-_./%~}".contains(c);
    line.match_indices(start).any(|(at, _)| !line[..at].ends_with(goes_on))
}

fn complaints(file: &File, wrong: impl Fn(&str) -> bool, what: &str) -> Vec<String> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| wrong(line));
    lines.map(|(number, _)| file.complain(number + 1, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn an_unknown_file_at_the_top_level_is_found() {
        check(is_in_its_place, "crates/a/src/lib.rs", "", 0);
        check(is_in_its_place, ".ci/run", "", 0);
        check(is_in_its_place, "NOTES.md", "", 1);
    }

    #[test]
    fn the_path_of_this_folder_is_found() {
        check(names_no_machine, "a", "/usr/bin:/home/alice/.config", 0);
        check(names_no_machine, "a", &format!("\ncd {}/docs", root().display()), 1);
    }

    #[test]
    fn a_part_of_another_path_is_not_found() {
        assert!(begins_a_path("cd /data/x", "/data/"));
        assert!(begins_a_path("\"/data/x\"", "/data/"));
        assert!(!begins_a_path("%home%/data/x and ./data/x", "/data/"));
    }

    #[test]
    fn the_host_of_a_registry_is_found() {
        let (name, top) = REGISTRIES[0];
        check(names_no_registry, "a", &format!("see https://{name}.{top}/x"), 1);
        check(names_no_registry, "Cargo.lock", &format!("https://{name}.{top}/x"), 0);
    }
}
