//! The crates that other people's crates depend on can be published.

use std::process::Command;

use xtask::root;

use crate::architecture::metadata;

/// What the author of a backend depends on.
const FOR_AUTHORS: [&str; 3] = ["keyward-core", "keyward-plugin", "keyward-testkit"];

/// Runs cargo in the workspace.
fn cargo(arguments: &[&str]) {
    let ran = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "cargo {arguments:?}: {error}");
}

/// Runs `cargo package` for these crates. They need not be in a registry: each finds the others' packages.
fn package(names: &[&str], options: &[&str]) {
    let names = names.iter().flat_map(|name| ["--package", name]);
    let arguments: Vec<_> = ["package", "--quiet", "--offline", "--allow-dirty"]
        .into_iter()
        .chain(options.iter().copied())
        .chain(names)
        .collect();
    cargo(&arguments);
}

/// The names of the crates that may be published.
fn published() -> Vec<String> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let published = packages.filter(|package| package["publish"].is_null());
    published.map(|package| package["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_authors_of_backends_depend_on_builds_from_its_packages() {
    package(&FOR_AUTHORS, &[]);
}

#[test]
fn every_published_crate_can_be_packaged() {
    let published = published();
    let names: Vec<_> = published.iter().map(String::as_str).collect();
    for needed in FOR_AUTHORS.iter().chain(&["keyward", "keyward-defaults"]) {
        assert!(names.contains(needed), "{needed} is not published");
    }
    package(&names, &["--no-verify"]);
}

#[test]
fn the_licences_that_the_manifests_name_are_there() {
    for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
        assert!(root().join(file).is_file(), "{file}");
    }
}
