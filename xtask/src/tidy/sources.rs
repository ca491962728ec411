//! Rules for the content of Rust files.

use super::File;

const LONGEST: usize = 600;

/// Each is in two parts, so that this file does not break its own rule.
const UNFINISHED: &[(&str, &str)] =
    &[("to", "do!"), ("unimple", "mented!"), ("#[ign", "ore"), ("FIX", "ME"), ("XX", "X")];

/// A longer file is hard to keep in mind.
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

/// In an editor, many tabs called `mod.rs` look the same.
pub(super) fn is_not_called_mod(file: &File) -> Vec<String> {
    let is_mod = file.path.ends_with("/mod.rs");
    if is_mod { vec![file.complain(1, "a module `a` is in `a.rs`")] } else { Vec::new() }
}

/// Words that only some places may use.
struct Reserved {
    words: &'static [&'static str],
    places: &'static [&'static str],
    tests_too: bool,
    rule: &'static str,
}

/// The workspace denies the lints among these words. So code needs an attribute with the lint's
/// name to use it.
const RESERVED: &[Reserved] = &[
    Reserved {
        words: &["unsafe_code"],
        places: &[
            "crates/keyward-plugin/src/abi",
            "crates/keyward-plugin/src/process/confine.rs",
            "crates/keyward-loader/",
            "crates/keyward-cli/src/main.rs",
            "crates/keyward-cli/src/commands/run/masked/pty.rs",
            "crates/keyward-serve/src/listen/inherited.rs",
        ],
        tests_too: false,
        rule: "unsafe code is for keyward-plugin's abi and `confine`, for keyward-loader, for C's `main`, for a new terminal and for the sockets of systemd",
    },
    Reserved {
        words: &["clippy::print_", "print!(", "println!("],
        places: &["crates/keyward-cli/"],
        tests_too: true,
        rule: "only the program prints",
    },
    Reserved {
        words: &["escape_debug("],
        places: &[],
        tests_too: false,
        rule: "text is made safe to show by keyward_core::printable",
    },
    Reserved {
        words: &["std::env", "std::{env"],
        // The program needs its arguments, the build script its target, and a suite starts its test
        // program again.
        places: &[
            "crates/keyward-config/",
            "crates/keyward-cli/build.rs",
            "crates/keyward-cli/src/candidates.rs",
            "crates/keyward-cli/src/lib.rs",
            "crates/keyward-testkit/src/processes",
        ],
        tests_too: true,
        rule: "only keyward-config reads the environment",
    },
];

/// Clippy checks some of this too, but not code that `cfg` excludes on this machine.
pub(super) fn uses_only_allowed_words(file: &File) -> Vec<String> {
    if !file.is_rust() || file.path.starts_with("xtask/") {
        return Vec::new();
    }
    RESERVED.iter().flat_map(|reserved| misuses(file, reserved)).collect()
}

fn misuses(file: &File, reserved: &Reserved) -> Vec<String> {
    let at_home = reserved.places.iter().any(|place| file.path.starts_with(place));
    if at_home || reserved.tests_too && file.is_test() {
        return Vec::new();
    }
    let uses = |line: &str| reserved.words.iter().any(|word| line.contains(word));
    let lines = file.statements().filter(|(_, line)| uses(line));
    lines.map(|(number, _)| file.complain(number, reserved.rule)).collect()
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
    fn unfinished_code_is_found() {
        for (one, two) in UNFINISHED {
            check(is_finished, "a.rs", &format!("\n    {one}{two}"), 1);
        }
        check(is_finished, "a.rs", "fn finished() {}", 0);
    }

    #[test]
    fn a_file_called_mod_is_found() {
        check(is_not_called_mod, "a/mod.rs", "", 1);
        check(is_not_called_mod, "a/model.rs", "", 0);
    }

    #[test]
    fn reserved_words_are_found_elsewhere() {
        for (text, at_home, in_tests) in [
            ("#![allow(unsafe_code)]", "crates/keyward-loader/src/lib.rs", 1),
            ("#[expect(clippy::print_stdout)]", "crates/keyward-cli/src/out.rs", 0),
            ("    eprintln!();", "crates/keyward-cli/src/out.rs", 0),
            ("use std::env;", "crates/keyward-config/src/lib.rs", 0),
            ("let home = std::env::home_dir();", "crates/keyward-config/src/lib.rs", 0),
        ] {
            check(uses_only_allowed_words, "crates/keyward-core/src/lib.rs", text, 1);
            check(uses_only_allowed_words, at_home, text, 0);
            check(uses_only_allowed_words, "tests/it/main.rs", text, in_tests);
            check(uses_only_allowed_words, "docs/a.md", text, 0);
        }
    }

    #[test]
    fn comments_and_unit_tests_may_say_anything() {
        let text = "/// println!()\n#[cfg(test)]\nmod tests { println!(); }\n";
        check(uses_only_allowed_words, "crates/keyward-core/src/lib.rs", text, 0);
    }
}
