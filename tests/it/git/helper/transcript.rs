//! Transcripts of what git and Keyward send each other. Each was checked by hand once.
//!
//! With `KEYWARD_UPDATE_TRANSCRIPTS=1` the transcripts are written instead of compared.

use std::fs;
use std::path::PathBuf;

use xtask::root;

use super::version;

/// Compares what happened with `tests/vectors/git/NAME.txt`, git's version apart.
#[track_caller]
pub(super) fn compare(name: &str, title: &str, text: &str) {
    let path = root().join("tests/vectors/git").join(name).with_extension("txt");
    let head = format!("# {title}\n# As seen with git {}.\n", version());
    if std::env::var_os("KEYWARD_UPDATE_TRANSCRIPTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, head + text).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let expected = without_head(&found);
    if let Some(at) = first_difference(expected, text) {
        panic!(
            "{name}.txt says otherwise from line {} on; what happened:\n{text}\n\
             If that is right, KEYWARD_UPDATE_TRANSCRIPTS=1 writes it down.",
            at + 1
        );
    }
}

#[test]
fn no_transcript_is_left_over() {
    let text = |path: PathBuf| fs::read_to_string(path).unwrap();
    let tests: String = listed("tests/it/git/helper").into_iter().map(text).collect();
    for path in listed("tests/vectors/git") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(tests.contains(&format!("\"{name}\"")), "no test makes {name}.txt");
    }
}

fn listed(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Removes the head, which contains git's version.
fn without_head(text: &str) -> &str {
    text.find("\n\n").map_or("", |at| &text[at + 1..])
}

fn first_difference(expected: &str, found: &str) -> Option<usize> {
    let (mut one, mut other) = (expected.lines(), found.lines());
    (0..).find_map(|n| match (one.next(), other.next()) {
        (None, None) => Some(None),
        (one, other) if one == other => None,
        _ => Some(Some(n)),
    })?
}
