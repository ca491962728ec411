//! The C header of the plugin interface, made from the tables in Rust.

use cbindgen::{Builder, Config, DocumentationStyle, Language, RenameRule, Style};
use xtask::root;

/// The path of the header, and what it must contain.
pub(super) fn page() -> (String, String) {
    let page = "crates/keyward-plugin/include/keyward_plugin.h";
    let sources = ["error.rs"].map(|file| root().join("crates/keyward-core/src").join(file));
    let tables = ["abi.rs", "abi/data.rs", "abi/table.rs"];
    let tables = tables.map(|file| root().join("crates/keyward-plugin/src").join(file));
    let builder = Builder::new().with_config(config());
    let builder = sources.iter().chain(&tables).fold(builder, Builder::with_src);
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    (page.to_owned(), without_links(&String::from_utf8(header).unwrap()))
}

fn config() -> Config {
    let mut config = Config {
        language: Language::C,
        header: Some(PREFACE.trim().to_owned()),
        after_includes: Some(ENTRY.to_owned()),
        include_guard: Some("KEYWARD_PLUGIN_H".into()),
        cpp_compat: true,
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        usize_is_size_t: true,
        style: Style::Both,
        documentation_style: DocumentationStyle::C99,
        ..Config::default()
    };
    config.enumeration.rename_variants = RenameRule::ScreamingSnakeCase;
    config.enumeration.prefix_with_name = true;
    config.export.prefix = Some("Keyward".into());
    // Tables that only pointers of other tables refer to, and constants.
    config.export.include = INCLUDED.iter().map(|&name| name.into()).collect();
    config.export.exclude = vec!["ENTRY_PREFIX".into()];
    for name in CONSTANTS {
        config.export.rename.insert((*name).into(), format!("KEYWARD_{name}"));
    }
    config
}

const INCLUDED: &[&str] = &[
    "ErrorKind",
    "Plugin",
    "SerializerMethods",
    "EncryptionMethods",
    "KeyMethods",
    "StorageMethods",
];

const CONSTANTS: &[&str] = &[
    "MAGIC",
    "MAJOR",
    "MINOR",
    "FLAG_PANIC_ABORTS",
    "STATUS_OK",
    "STATUS_PANICKED",
    "STATUS_POISONED",
    "ROLE_SERIALIZER",
    "ROLE_ENCRYPTION",
    "ROLE_KEY",
    "ROLE_STORAGE",
    "ROLE_AUTHENTICATOR",
    "ROLE_CHECKER",
    "NONE",
];

const PREFACE: &str = "
// The interface of Keyward's plugins, version 1. `docs/plugin-abi.md` is its specification.
//
// This file is made from the tables in Rust: `cargo xtask docs` writes it.";

const ENTRY: &str = "
// The function that a plugin exports; `name` distinguishes it from those of other plugins. It
// returns a table that is valid for ever, or NULL if the plugin refuses to run.
#define KEYWARD_PLUGIN_ENTRY(name) const struct KeywardPlugin *keyward_plugin_v1__##name(void)";

/// Replaces the links of Rust by words, with the prefix that constants have in C.
fn without_links(header: &str) -> String {
    let mut text = String::new();
    for line in header.lines() {
        let mut rest = line;
        while let Some((before, link)) = rest.split_once("[`") {
            let (word, after) = link.split_once('`').unwrap();
            let is_constant = word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            let prefix = if is_constant { "KEYWARD_" } else { "" };
            text += &format!("{before}{prefix}{}", word.replace("::", "."));
            rest = match after.strip_prefix("](") {
                Some(target) => target.split_once(')').unwrap().1,
                None => after.strip_prefix(']').unwrap(),
            };
        }
        text += rest;
        text.push('\n');
    }
    // The prefix of types is put before constants, too.
    text.replace("KeywardKEYWARD_", "KEYWARD_")
}
