//! What Rust files hold, and what they leave to others.

use super::File;

const LONGEST: usize = 600;

/// In two parts each, lest this file break its own rule.
const UNFINISHED: &[(&str, &str)] =
    &[("to", "do!"), ("unimple", "mented!"), ("#[ign", "ore"), ("FIX", "ME"), ("XX", "X")];

/// A reader holds this much in mind, and no more.
pub(super) fn is_short(file: &File) -> Vec<String> {
    let lines = file.code().count();
    if !file.is_rust() || lines <= LONGEST {
        return Vec::new();
    }
    vec![file.complain(lines, &format!("{lines} lines before the tests, {LONGEST} at most"))]
}

pub(super) fn is_finished(file: &File) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let marks: Vec<_> = UNFINISHED.iter().map(|(one, two)| format!("{one}{two}")).collect();
    let lines = file
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)));
    lines.map(|(number, _)| file.complain(number + 1, "this is not finished")).collect()
}

/// Ten editor tabs called `mod.rs` look alike.
pub(super) fn is_not_called_mod(file: &File) -> Vec<String> {
    let is_mod = file.path.ends_with("/mod.rs");
    if is_mod { vec![file.complain(1, "a module `a` is in `a.rs`")] } else { Vec::new() }
}

/// The workspace denies these lints, so that only an attribute that names one opens the door again.
pub(super) fn leaves_lints_on(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    if !is_in(file, &["crates/keyward-plugin/src/abi", "crates/keyward-loader/"]) {
        wrong.extend(uses(
            file,
            &["unsafe_code"],
            "unsafe code is for keyward-plugin's abi and for keyward-loader",
        ));
    }
    if !is_in(file, &["crates/keyward-cli/", "xtask/"]) {
        wrong.extend(uses(file, &["clippy::print_"], "only the program prints"));
    }
    wrong
}

/// `args` is the one thing a main cannot do without.
pub(super) fn leaves_the_environment_alone(file: &File) -> Vec<String> {
    if is_in(file, &["crates/keyward-config/", "xtask/", "crates/keyward-cli/src/main.rs"])
        || file.is_test()
    {
        return Vec::new();
    }
    uses(file, &["std::env", " env::", "(env::"], "only keyward-config reads the environment")
}

/// Clippy knows this rule, too, but not in what `cfg` leaves out on this machine.
pub(super) fn does_not_print(file: &File) -> Vec<String> {
    if is_in(file, &["crates/keyward-cli/", "xtask/"]) || file.is_test() {
        return Vec::new();
    }
    uses(file, &["print!(", "println!("], "only the program prints")
}

fn is_in(file: &File, places: &[&str]) -> bool {
    places.iter().any(|place| file.path.starts_with(place))
}

fn uses(file: &File, words: &[&str], rule: &str) -> Vec<String> {
    if !file.is_rust() || file.path.starts_with("xtask/") {
        return Vec::new();
    }
    let lines = file.statements().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
    lines.map(|(number, _)| file.complain(number, rule)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_file_is_short_without_its_tests() {
        let lines = "x\n".repeat(LONGEST);
        check(is_short, "a.rs", &lines, 0);
        check(is_short, "a.rs", &format!("{lines}x\n"), 1);
        check(is_short, "a.rs", &format!("{lines}#[cfg(test)]\nmod tests {{\n}}\n"), 0);
        check(is_short, "a.md", &format!("{lines}x\n"), 0);
    }

    #[test]
    fn an_unfinished_place_is_seen() {
        for (one, two) in UNFINISHED {
            check(is_finished, "a.rs", &format!("\n    {one}{two}"), 1);
        }
        check(is_finished, "a.rs", "fn finished() {}", 0);
    }

    #[test]
    fn a_module_has_a_name() {
        check(is_not_called_mod, "a/mod.rs", "", 1);
        check(is_not_called_mod, "a/model.rs", "", 0);
    }

    #[test]
    fn a_lint_stays_on_but_in_its_place() {
        let text = "#![allow(unsafe_code)]\n#[expect(clippy::print_stdout)]\n";
        check(leaves_lints_on, "crates/keyward-core/src/lib.rs", text, 2);
        check(leaves_lints_on, "crates/keyward-loader/src/lib.rs", text, 1);
        check(leaves_lints_on, "crates/keyward-cli/src/lib.rs", text, 1);
    }

    #[test]
    fn the_environment_is_for_config() {
        for text in ["use std::env;", "let home = std::env::home_dir();", "f(env::args());"] {
            check(leaves_the_environment_alone, "crates/keyward-core/src/lib.rs", text, 1);
            check(leaves_the_environment_alone, "crates/keyward-config/src/lib.rs", text, 0);
        }
        check(
            leaves_the_environment_alone,
            "crates/keyward-core/src/lib.rs",
            "// std::env\nenv!(\"A\")",
            0,
        );
    }

    #[test]
    fn printing_is_for_the_program() {
        let text = "println!();\neprint!(\"\");\n#[cfg(test)]\nmod tests { println!(); }\n";
        check(does_not_print, "crates/keyward-core/src/lib.rs", text, 2);
        check(does_not_print, "crates/keyward-cli/src/lib.rs", text, 0);
    }
}
