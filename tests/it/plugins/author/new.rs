//! `keyward plugin new`, if it fails.

use super::AuthorHome;

#[test]
fn an_invalid_setting_writes_nothing() {
    let author = AuthorHome::new();
    author.0.write("full/file", "");
    author.0.write("file", "");
    for (words, why) in [
        ("--role storage Shelf crate", "not a valid name for a backend"),
        ("--role storage ../shelf crate", "not a valid name for a backend"),
        ("--role storage sqlite crate", "the storage sqlite is part of this program"),
        ("--role cupboard shelf crate", "cupboard"),
        ("--role storage shelf full", "full exists and is not an empty folder"),
        ("--role storage shelf file", "file exists and is not an empty folder"),
        ("--role storage shelf .", "exists and is not an empty folder"),
        ("--role storage shelf crate --keyward full", "full is not Keyward's source"),
    ] {
        author.keyward(&format!("plugin new {words}")).run().ends(2).prints("").says(why);
    }
    let left: Vec<_> = author.0.files().into_keys().collect();
    let expected = ["file", "full", "full/file", "run"].map(|name| author.path(name));
    assert_eq!(left, expected);
}

#[test]
fn without_a_source_the_crates_are_where_the_program_was_built() {
    let author = AuthorHome::new();
    author.0.write("source/crates/keyward-plugin/Cargo.toml", "");
    let source = author.path("source").canonicalize().unwrap().display().to_string();
    let (told, manifest) = new_by_a_program_in(&author, "source/target/debug");
    assert!(told.contains(&format!("It takes Keyward's crates from {source}\n")), "{told}");
    let path = format!("\nkeyward-plugin = {{ path = \"{source}/crates/keyward-plugin\" }}\n");
    assert!(manifest.contains(&path), "{manifest}");
}

#[test]
fn elsewhere_the_registry_has_the_crates() {
    let (told, manifest) = new_by_a_program_in(&AuthorHome::new(), "bin");
    assert!(told.contains("--keyward FOLDER"), "{told}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(manifest.contains(&format!("\nkeyward-plugin = \"{version}\"\n")), "{manifest}");
}

/// Returns what a program in this folder says of a new crate, and the crate's manifest.
fn new_by_a_program_in(author: &AuthorHome, folder: &str) -> (String, String) {
    let program = author.0.write(&format!("{folder}/keyward"), "");
    std::fs::copy(crate::helpers::program::keyward(), &program).unwrap();
    let new = author.program(program.to_str().unwrap());
    let ran = new.args("plugin new --role storage shelf crate".split(' ')).run().ends(0);
    (ran.text().to_owned(), author.0.read("crate/Cargo.toml"))
}
