//! The page of the authenticators.

use std::fs;

use keyward_core::{Registry, Role};

/// Each authenticator has a section with all of its options.
#[test]
fn the_page_names_each_authenticator_and_each_option() {
    let page = fs::read_to_string(xtask::root().join("docs/authenticators.md")).unwrap();
    let mut lacking = Vec::new();
    let registry = Registry::linked().unwrap();
    let linked = registry.iter().filter(|known| known.role() == Role::Authenticator);
    for known in linked {
        let name = known.info.name;
        let Some((_, section)) = page.split_once(&format!("\n## {name}\n")) else {
            lacking.push(name.to_owned());
            continue;
        };
        let section = section.split("\n## ").next().unwrap();
        let absent = known.options.iter().map(|option| option.name);
        let absent = absent.filter(|name| !section.contains(&format!("`{name}`")));
        lacking.extend(absent.map(|option| format!("{name}: {option}")));
    }
    assert!(lacking.is_empty(), "{lacking:?}");
}
