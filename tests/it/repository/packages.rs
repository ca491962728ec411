//! The crates that other people's crates depend on can be published.

use std::fs;
use std::path::Path;
use std::process::Command;

use xtask::root;

use crate::helpers::program::keyward;
use crate::repository::architecture::metadata;

/// What the author of a backend depends on.
const FOR_AUTHORS: [&str; 4] = ["keyward-core", "keyward-fs", "keyward-plugin", "keyward-testkit"];

/// Runs cargo in a workspace, and returns what it prints.
fn cargo(workspace: &Path, arguments: &[&str]) -> String {
    let ran = Command::new(env!("CARGO")).args(arguments).current_dir(workspace).output().unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "cargo {arguments:?}: {error}");
    String::from_utf8(ran.stdout).unwrap()
}

/// Runs `cargo package` for these crates without building them. They need not be in a registry: each
/// finds the others' packages.
fn package(names: &[&str]) {
    let names = names.iter().flat_map(|name| ["--package", name]);
    let options = ["package", "--quiet", "--offline", "--allow-dirty", "--no-verify"];
    cargo(root(), &options.into_iter().chain(names).collect::<Vec<_>>());
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
    package(&FOR_AUTHORS);
    let target = keyward().ancestors().nth(2).unwrap().to_owned();
    let workspace = target.join("packages");
    let _ = fs::remove_dir_all(&workspace);
    fs::create_dir_all(&workspace).unwrap();
    let mut manifest =
        "[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n[patch.crates-io]\n".to_owned();
    for name in FOR_AUTHORS {
        let folder = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        let package = target.join(format!("package/{folder}.crate"));
        // The archive has old times of change, by which cargo would not see what has changed.
        let tar = Command::new("tar").arg("-xzmf").arg(package).current_dir(&workspace).status();
        assert!(tar.unwrap().success());
        manifest += &format!("{name} = {{ path = \"{folder}\" }}\n");
    }
    fs::write(workspace.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), workspace.join("Cargo.lock")).unwrap();
    let target = target.join("packages-target").display().to_string();
    cargo(&workspace, &["check", "--quiet", "--offline", "--workspace", "--target-dir", &target]);
}

#[test]
fn an_application_that_loads_no_library_does_not_compile_what_loads_them() {
    let tree = |options: &[&str]| {
        let always = ["tree", "--offline", "--package", "keyward", "--edges", "normal"];
        cargo(root(), &[&always, options].concat())
    };
    let loads = |tree: &str| tree.contains("libloading v") || tree.contains("elf v");
    assert!(!loads(&tree(&[])));
    assert!(loads(&tree(&["--features", "loaded"])));
    let target = keyward().ancestors().nth(2).unwrap().join("packages-target");
    let target = target.to_str().unwrap();
    let check = ["check", "--quiet", "--offline", "--package", "keyward", "--target-dir", target];
    cargo(root(), &check);
}

#[test]
fn every_published_crate_can_be_packaged() {
    let published = published();
    let names: Vec<_> = published.iter().map(String::as_str).collect();
    for needed in FOR_AUTHORS.iter().chain(&["keyward", "keyward-defaults"]) {
        assert!(names.contains(needed), "{needed} is not published");
    }
    package(&names);
}

#[test]
fn the_licences_that_the_manifests_name_are_there() {
    for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
        assert!(root().join(file).is_file(), "{file}");
    }
}
