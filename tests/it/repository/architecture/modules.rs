//! Modules of one crate do not depend on each other in a circle.
//!
//! A module and the modules inside of it count as one: a parent names its children, and they may use
//! what it defines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use xtask::root;

/// The path of a module: `["serve", "pipe"]`; empty for the crate's root.
type Module = Vec<String>;

#[test]
fn no_modules_depend_on_each_other_in_a_circle() {
    let mut sources = vec![root().join("xtask/src")];
    for folder in ["crates", "plugins"] {
        let crates = fs::read_dir(root().join(folder)).unwrap();
        sources.extend(crates.map(|entry| entry.unwrap().path().join("src")));
    }
    let circles: Vec<_> = sources.iter().flat_map(|source| circles(source)).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found_and_a_child_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a; mod b; mod c;");
    write("a.rs", "mod child; use crate::{b::{self, B}, c::C};");
    write("a/child.rs", "use super::A;");
    write("b.rs", "use crate::c; #[cfg(test)]\nmod tests { use crate::a; }");
    write("c.rs", "// crate::a::A\n");
    assert_eq!(circles(folder.path()), Vec::<String>::new());
    write("c.rs", "fn f() { crate::a::child::g() }");
    assert_eq!(circles(folder.path()), Vec::<String>::new());
    write("a/child.rs", "use crate::b::B;");
    let name = |module: &str| format!("{}: {module}", folder.path().display());
    assert_eq!(circles(folder.path()), [name("a::child"), name("b"), name("c")]);
}

/// The modules of a crate that are part of a circle.
fn circles(source: &Path) -> Vec<String> {
    let mut texts = BTreeMap::new();
    read_modules(source, &mut Vec::new(), &mut texts);
    let edges: BTreeMap<_, _> =
        texts.iter().map(|(module, text)| (module, used(module, text, &texts))).collect();
    let in_circle = |module: &&Module| reachable(module, &edges).contains(*module);
    let name = |module: &Module| format!("{}: {}", source.display(), module.join("::"));
    texts.keys().filter(in_circle).map(name).collect()
}

/// Reads the text of each module below a folder, without its tests and comments.
fn read_modules(folder: &Path, path: &mut Module, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        if ["bin", "tests"].contains(&name.as_str()) {
            continue;
        }
        let is_root = path.is_empty() && ["lib", "main"].contains(&name.as_str());
        path.push(name);
        if entry.is_dir() {
            read_modules(&entry, path, texts);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let code = code.lines().map(|line| line.split("//").next().unwrap_or_default());
            let module = if is_root { Module::new() } else { path.clone() };
            *texts.entry(module).or_default() += &code.collect::<Vec<_>>().join("\n");
        }
        path.pop();
    }
}

/// The modules that a module's text names, without its parents and children.
fn used(module: &Module, text: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let mut paths = Vec::new();
    for (start, _) in text.match_indices("crate::").chain(text.match_indices("super::")) {
        if !text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            expand(&text[start..], &Module::new(), &mut paths);
        }
    }
    let is_family = |other: &Module| other.starts_with(module) || module.starts_with(other);
    let named = paths.iter().map(|path| resolve(module, path, all));
    named.filter(|other| !other.is_empty() && !is_family(other)).collect()
}

/// Reads a path or a tree of paths, as after `use`, and returns the rest of the text.
fn expand<'a>(text: &'a str, before: &Module, paths: &mut Vec<Module>) -> &'a str {
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.is_empty() && !rest.starts_with('}') {
            rest = expand(rest.trim_start(), before, paths);
            // What follows a path, such as `as other`, is passed over.
            rest = rest.trim_start_matches(|c| c != ',' && c != '}').trim_start_matches(',');
            rest = rest.trim_start();
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut path = before.clone();
    path.push(text[..end].to_owned());
    match text[end..].strip_prefix("::") {
        Some(rest) => expand(rest, &path, paths),
        None => {
            paths.push(path);
            &text[end..]
        }
    }
}

/// The module that a path leads to: the longest part of it that is one.
fn resolve(module: &Module, path: &Module, all: &BTreeMap<Module, String>) -> Module {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let mut target = match path.first() {
        Some(first) if first == "crate" => path[1..].to_vec(),
        _ => [&module[..module.len() - ups], &path[ups..]].concat(),
    };
    while !all.contains_key(&target) {
        target.pop();
    }
    target
}

/// The modules that can be reached from a module by one or more steps.
fn reachable(start: &Module, edges: &BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start.clone()];
    while let Some(module) = next.pop() {
        for other in &edges[&module] {
            if reached.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    reached
}
