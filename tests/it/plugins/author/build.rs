//! `keyward plugin build`: what it builds, and how it fails.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::AuthorHome;

#[test]
fn build_reports_a_missing_cargo() {
    let author = AuthorHome::new();
    author.crate_of("crate", "serializer", "lines");
    let script = "PATH=/nowhere; \"$0\" plugin build crate";
    let build = author.program("sh").args(["-c", script]).arg(super::programs().join("keyward"));
    build.run().ends(7).says("cargo is not installed, or is not on PATH").says("Install Rust");
}

#[test]
fn what_is_no_crate_is_not_built() {
    let author = AuthorHome::new();
    author.keyward("plugin build").run().ends(2).says("there is no crate in .");
    author.keyward("plugin build nowhere").run().ends(2).says("there is no crate in nowhere");
}

#[test]
fn what_cargo_says_is_seen() {
    let author = AuthorHome::new();
    let dir = author.crate_of("crate", "serializer", "lines");
    std::fs::write(dir.join("src/lib.rs"), "fn broken() -> u8 {}").unwrap();
    let ran = author.keyward("plugin build crate").run().ends(1).prints("");
    ran.says("mismatched types").says("cargo could not build the library");
}

#[test]
fn a_crate_without_a_backend_is_no_plugin() {
    let author = AuthorHome::new();
    author.0.write(
        "crate/Cargo.toml",
        "[package]\nname = \"nothing\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    author.0.write("crate/src/lib.rs", "#[unsafe(no_mangle)] pub extern \"C\" fn nothing() {}\n");
    let ran = author.keyward("plugin build crate --output out").run();
    ran.ends(7).says("registers no backend").says("register!");
    assert!(!author.path("out").exists());
}

#[test]
fn a_library_can_be_trusted_whatever_the_umask() {
    let author = AuthorHome::new();
    author.crate_of("crate", "key", "lines");
    let script = "umask 0; keyward plugin build --json crate --output lib";
    let ran = author.program("sh").args(["-c", script]).run().ends(0);
    let built = ran.json().remove(0);
    let path = built["path"].as_str().unwrap();
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o644);
    let keys: Vec<_> = built.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["crate", "path", "sha256"], "as the guide says");
    assert_eq!(built["crate"], "keyward_key_lines");
    author.keyward("plugin trust --yes").arg(path).run().ends(0);
}

#[test]
fn a_release_is_stripped_unless_the_manifest_decides() {
    let author = AuthorHome::new();
    let code = "#[unsafe(no_mangle)] pub extern \"C\" fn keyward_plugin_v1__small() {}\n";
    author.0.write("crate/src/lib.rs", code);
    let package =
        "[package]\nname = \"small\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n";
    for (settings, is_stripped) in [("", true), ("[profile.release]\nstrip = false\n", false)] {
        author.0.write("crate/Cargo.toml", format!("{package}{settings}"));
        author.keyward("plugin build --release crate --output lib").run().ends(0);
        let library = author.path("lib/libsmall.so");
        let symbols = |table: &[&str]| {
            let output = Command::new("nm").args(table).arg(&library).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(symbols(&[]).is_empty(), is_stripped, "{settings}");
        assert!(symbols(&["--dynamic"]).contains(" T keyward_plugin_v1__small\n"));
    }
}
