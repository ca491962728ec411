//! `keyward plugin new`, where it refuses.

use super::Workshop;

#[test]
fn what_makes_no_sense_writes_nothing() {
    let workshop = Workshop::new();
    workshop.0.write("full/file", "");
    workshop.0.write("file", "");
    for (words, why) in [
        ("--role storage Shelf crate", "no name for a backend"),
        ("--role storage ../shelf crate", "no name for a backend"),
        ("--role storage sqlite crate", "the storage sqlite is a part of this program"),
        ("--role cupboard shelf crate", "cupboard"),
        ("--role storage shelf full", "full is there already"),
        ("--role storage shelf file", "file is there already"),
        ("--role storage shelf .", "is there already"),
        ("--role storage shelf crate --keyward full", "full is not Keyward's source"),
    ] {
        workshop.keyward(&format!("plugin new {words}")).run().ends(2).prints("").says(why);
    }
    let left: Vec<_> = workshop.0.files().into_keys().collect();
    let expected = ["file", "full", "full/file", "run"].map(|name| workshop.path(name));
    assert_eq!(left, expected);
}

#[test]
fn without_a_source_the_crates_are_where_the_program_was_built() {
    let workshop = Workshop::new();
    let ran = workshop.keyward("plugin new --role storage shelf crate").run().ends(0);
    let source = xtask::root().display().to_string();
    let told = format!("It takes Keyward's crates from {source}\n");
    assert!(ran.text().contains(&told), "{}", ran.text());
    let manifest = workshop.0.read("crate/Cargo.toml");
    let path = format!("\nkeyward-plugin = {{ path = \"{source}/crates/keyward-plugin\" }}\n");
    assert!(manifest.contains(&path), "{manifest}");
}

#[test]
fn elsewhere_the_registry_has_the_crates() {
    let workshop = Workshop::new();
    let program = workshop.path("keyward");
    std::fs::copy(crate::program::keyward(), &program).unwrap();
    let new = workshop.program(program.to_str().unwrap());
    let ran = new.args("plugin new --role storage shelf crate".split(' ')).run().ends(0);
    assert!(ran.text().contains("--keyward FOLDER"), "{}", ran.text());
    let manifest = workshop.0.read("crate/Cargo.toml");
    let version = env!("CARGO_PKG_VERSION");
    assert!(manifest.contains(&format!("\nkeyward-plugin = \"{version}\"\n")), "{manifest}");
}
