//! The pages of the authenticators and of the checkers.

use std::fs;

use keyward_core::{Registry, Role};

#[test]
fn the_page_names_each_authenticator_and_each_option() {
    assert_eq!(lacking(Role::Authenticator, "docs/authenticators.md", "##"), [""; 0]);
}

#[test]
fn the_page_names_each_checker_and_each_option() {
    assert_eq!(lacking(Role::Checker, "docs/checkers.md", "###"), [""; 0]);
}

/// The backends of a role without a section in a page, and their options that the section lacks.
fn lacking(role: Role, page: &str, level: &str) -> Vec<String> {
    let page = fs::read_to_string(xtask::root().join(page)).unwrap();
    let mut lacking = Vec::new();
    let registry = Registry::linked().unwrap();
    for known in registry.iter().filter(|known| known.role() == role) {
        let name = known.info.name;
        let Some((_, section)) = page.split_once(&format!("\n{level} {name}\n")) else {
            lacking.push(name.to_owned());
            continue;
        };
        let section = section.split("\n#").next().unwrap();
        let absent = known.options.iter().map(|option| option.name);
        let absent = absent.filter(|name| !section.contains(&format!("`{name}`")));
        lacking.extend(absent.map(|option| format!("{name}: {option}")));
    }
    lacking
}
