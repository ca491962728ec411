//! Rules for the manifest of every crate.

use super::File;

pub(super) fn inherits_the_lints(file: &File) -> Vec<String> {
    lacks(file, "[lints]\nworkspace = true\n", "a crate has `[lints] workspace = true`")
}

pub(super) fn is_described(file: &File) -> Vec<String> {
    lacks(file, "\ndescription = \"", "a crate has a description")
}

/// Applies to crates and plugins; `tests` is too general a name for a package.
pub(super) fn is_named_like_its_folder(file: &File) -> Vec<String> {
    let parts: Vec<_> = file.path.split('/').collect();
    let ["crates" | "plugins", folder, "Cargo.toml"] = parts[..] else {
        return Vec::new();
    };
    lacks(file, &format!("[package]\nname = \"{folder}\"\n"), "a package has its folder's name")
}

fn lacks(file: &File, needed: &str, rule: &str) -> Vec<String> {
    // The crates of the fixtures are written as third parties write theirs.
    let is_fixture = file.path.starts_with("tests/fixtures/");
    let is_crate = file.path.ends_with("/Cargo.toml") && !is_fixture;
    if is_crate && !file.text.contains(needed) { vec![file.complain(1, rule)] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    const GOOD: &str =
        "[package]\nname = \"a\"\ndescription = \"b\"\n\n[lints]\nworkspace = true\n";

    #[test]
    fn a_manifest_has_what_it_needs() {
        for rule in [inherits_the_lints, is_described, is_named_like_its_folder] {
            check(rule, "crates/a/Cargo.toml", GOOD, 0);
            check(rule, "crates/a/Cargo.toml", "", 1);
            check(rule, "Cargo.toml", "", 0);
            check(rule, "tests/fixtures/plugins/a/Cargo.toml", "", 0);
        }
        check(is_named_like_its_folder, "plugins/b/Cargo.toml", GOOD, 1);
        check(is_named_like_its_folder, "tests/Cargo.toml", GOOD, 0);
    }
}
