//! Finds words that `docs/style.md` replaces, in all text that a user or a caller reads.

use super::File;

/// Words and phrases, in lower case, that make a sentence hard to read.
const AVOIDED: &[&str] = &[
    "anew",
    "is the answer",
    "nobody",
    "of its own",
    "of one's own",
    "somebody",
    "stands",
    "whereupon",
    "wherein",
    "whoever",
];

/// Finds avoided words in pages, comments and strings. The strings of tests may contain any word.
pub(super) fn are_plain(file: &File) -> Vec<String> {
    let is_page = file.path == "README.md"
        || file.path.starts_with("docs/")
            && file.path.ends_with(".md")
            && file.path != "docs/style.md";
    if !(is_page || file.is_rust()) || file.path == "xtask/src/tidy/words.rs" {
        return Vec::new();
    }
    let is_read = |line: &str| !file.is_test() || line.trim_start().starts_with("//");
    file.code()
        .filter(|(_, line)| is_read(line))
        .filter_map(|(number, line)| complaint(file, number, line))
        .collect()
}

fn complaint(file: &File, number: usize, line: &str) -> Option<String> {
    let word = AVOIDED.iter().find(|word| contains(line, word))?;
    let what = format!("`{word}` makes this hard to read; docs/style.md has another word");
    Some(file.complain(number, &what))
}

/// Whether a line contains a phrase as whole words, in any case.
fn contains(line: &str, phrase: &str) -> bool {
    let line = line.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(phrase).any(|(start, _)| {
        !line[..start].ends_with(is_part) && !line[start + phrase.len()..].starts_with(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn an_avoided_word_is_found_in_pages_comments_and_strings() {
        for text in ["/// Nobody reads it.", "    let why = \"somebody reads it\";", "// made anew"]
        {
            check(are_plain, "new/src/lib.rs", text, 1);
        }
    }

    #[test]
    fn a_part_of_a_word_is_not_the_word() {
        check(are_plain, "new/src/lib.rs", "// It withstands; is_anew_made() renews.", 0);
    }

    #[test]
    fn comments_of_tests_and_decision_records_are_read_too() {
        check(are_plain, "new/tests/a.rs", "// nobody", 1);
        check(are_plain, "new/tests/a.rs", "let user = \"nobody\";", 0);
        check(are_plain, "docs/adr/0099-new.md", "nobody", 1);
    }
}
