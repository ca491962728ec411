//! `docs/architecture.md` is right about the crates.

mod modules;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use xtask::root;

/// A row of the layer table.
struct Layer {
    name: String,
    crates: Vec<String>,
    may_use: Vec<String>,
    in_tests: Vec<String>,
}

#[test]
fn every_crate_has_a_layer_and_every_layer_its_crates() {
    let layers = layers();
    let listed: Vec<_> =
        layers.iter().flat_map(|layer| &layer.crates).filter(|name| *name != "plugins/*").collect();
    let unique: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(listed.len(), unique.len(), "a crate is in two layers: {listed:?}");
    let packages = packages();
    let crates: BTreeSet<_> =
        packages.keys().filter(|name| !is_plugin(name) && !is_outside(name)).collect();
    assert_eq!(unique, crates, "left: docs/architecture.md, right: the workspace");
}

#[test]
fn every_dependency_points_down() {
    let layers = layers();
    let mut wrong = Vec::new();
    for (name, dependencies) in packages().iter().filter(|(name, _)| !is_outside(name)) {
        let layer = layer_of(&layers, name);
        // A crate may depend on itself to test a feature.
        for dependency in dependencies.iter().filter(|dependency| dependency.name != *name) {
            let allowed = if dependency.is_dev {
                [&layer.may_use[..], &layer.in_tests].concat()
            } else {
                layer.may_use.clone()
            };
            if !allowed.iter().any(|item| covers(item, &layers, &dependency.name)) {
                wrong.push(format!("{name} (layer {}) uses {}", layer.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "docs/architecture.md forbids: {wrong:#?}");
}

#[test]
fn every_dependency_is_used() {
    let mut unused = Vec::new();
    for package in metadata()["packages"].as_array().unwrap() {
        let name = text(&package["name"]);
        // The program for authors takes its dependencies for a file of the documentation.
        if name == "keyward-tests-program" {
            continue;
        }
        let manifest = text(&package["manifest_path"]);
        let folder = Path::new(&manifest).parent().unwrap();
        let source = rust_in(folder, &["src", "build.rs"]);
        let tests = rust_in(folder, &["tests", "it", "examples", "templates"]);
        for dependency in package["dependencies"].as_array().unwrap() {
            let renamed = dependency["rename"].as_str();
            let crate_name = renamed.map_or_else(|| text(&dependency["name"]), str::to_owned);
            let crate_name = crate_name.replace('-', "_");
            let is_dev = dependency["kind"] == "dev";
            if !(mentions(&source, &crate_name) || is_dev && mentions(&tests, &crate_name)) {
                unused.push(format!("{name}: {crate_name}"));
            }
        }
    }
    assert!(unused.is_empty(), "no line of the crate names these dependencies: {unused:#?}");
}

/// The text of the Rust files below these places in a crate's folder.
fn rust_in(folder: &Path, places: &[&str]) -> String {
    places.iter().map(|place| rust_below(&folder.join(place))).collect()
}

fn rust_below(path: &Path) -> String {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        return entries.map(|path| rust_below(&path)).collect();
    }
    if path.extension().is_none_or(|extension| extension != "rs") {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    // A module of another crate, as the fuzz targets have some.
    let shared = text.lines().filter_map(|line| {
        let shared = line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]")?;
        Some(rust_below(&path.parent()?.join(shared)))
    });
    let shared: String = shared.collect();
    text + &shared
}

/// Whether a text contains an identifier as a whole word.
fn mentions(text: &str, identifier: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(identifier).any(|(start, _)| {
        let rest = &text[start + identifier.len()..];
        !text[..start].ends_with(is_part) && !rest.starts_with(is_part)
    })
}

#[test]
fn every_plugin_is_linked_or_said_not_to_be() {
    let places = ["crates/keyward-defaults/src/lib.rs", "crates/keyward-checkers/src/main.rs"];
    let anchors = places.map(read).concat();
    let not_linked = xtask::not_linked().unwrap();
    let mut wrong = Vec::new();
    for name in packages().into_keys().filter(|name| is_plugin(name)) {
        let linked =
            anchors.lines().any(|line| line == format!("use {} as _;", name.replace('-', "_")));
        let listed = not_linked.contains(&name);
        if linked == listed {
            wrong.push(format!("{name}: linked {linked}, listed as not linked {listed}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_program_with_your_own_backends_contains_no_conformance_suites() {
    let arguments = ["tree", "--offline", "--package", "keyward-cli", "--edges", "normal"];
    let output = Command::new("cargo").args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("keyward-plugin-cli "), "{tree}");
    for name in ["keyward-testkit", "proptest"] {
        assert!(!tree.contains(&format!("{name} ")), "keyward-cli depends on {name}");
    }
}

#[test]
fn core_does_no_io() {
    for entry in fs::read_dir(root().join("crates/keyward-core/src")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for module in ["env", "fs", "net", "os", "process", "thread"] {
            assert!(
                !code.contains(&format!("std::{module}")),
                "{} uses std::{module}",
                path.display()
            );
        }
    }
}

/// Reads the table whose first column is the layer.
fn layers() -> Vec<Layer> {
    let text = read("docs/architecture.md");
    let table = text.lines().skip_while(|line| !line.starts_with("| layer |")).skip(2);
    let rows: Vec<_> = table.take_while(|line| line.starts_with('|')).map(layer).collect();
    assert!(!rows.is_empty(), "docs/architecture.md has no layer table");
    rows
}

fn layer(row: &str) -> Layer {
    let columns: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [name, crates, may_use, in_tests] = columns[..] else {
        panic!("this row has not four columns: {row}");
    };
    Layer {
        name: name.into(),
        crates: items(crates),
        may_use: items(may_use),
        in_tests: items(in_tests),
    }
}

fn items(column: &str) -> Vec<String> {
    column
        .split(", ")
        .filter(|item| *item != "–")
        .map(|item| item.trim_matches('`').into())
        .collect()
}

fn layer_of<'a>(layers: &'a [Layer], name: &str) -> &'a Layer {
    let listed = if is_plugin(name) { "plugins/*" } else { name };
    let layer = layers.iter().find(|layer| layer.crates.iter().any(|item| item == listed));
    layer.unwrap_or_else(|| panic!("{name} is in no layer"))
}

/// Whether an item of the table (a crate, a layer, a range `0–2`, `plugins/*`, `all`) covers a crate.
fn covers(item: &str, layers: &[Layer], name: &str) -> bool {
    if item == name || item == "all" {
        return true;
    }
    if item == "plugins/*" {
        return is_plugin(name);
    }
    let (first, last) = item.split_once('–').unwrap_or((item, item));
    let (Ok(first), Ok(last)) = (first.parse::<u8>(), last.parse::<u8>()) else {
        return false;
    };
    !is_plugin(name)
        && layer_of(layers, name).name.parse().is_ok_and(|layer| (first..=last).contains(&layer))
}

/// The tests, the examples and `xtask` are outside the layers.
fn is_outside(name: &str) -> bool {
    let outside = [
        "keyward-fuzz",
        "keyward-storage-redis",
        "keyward-tests",
        "keyward-tests-program",
        "xtask",
    ];
    outside.contains(&name)
}

fn is_plugin(name: &str) -> bool {
    root().join("plugins").join(name).is_dir()
}

struct Dependency {
    name: String,
    is_dev: bool,
}

/// The packages of the workspace with their dependencies on one another, of every kind and platform.
fn packages() -> BTreeMap<String, Vec<Dependency>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (text(&package["name"]), dependencies(package))).collect()
}

/// What cargo knows about the workspace.
pub(crate) fn metadata() -> Value {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new("cargo").args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn dependencies(package: &Value) -> Vec<Dependency> {
    let ours = package["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|dependency| dependency["path"].is_string());
    ours.map(|dependency| Dependency {
        name: text(&dependency["name"]),
        is_dev: dependency["kind"] == "dev",
    })
    .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("cargo gives a name").into()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}
