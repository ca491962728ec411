//! The parts of the documentation that are made from the code.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use keyward_config::{Config, Environment, KnownSetting, Settings};
use keyward_core::{PresentedKind, Role};
use keyward_kinds::{FieldSpec, Kinds};
use keyward_portal::{forms_for, is_legacy};
use keyward_testkit as kit;
use serde_json::Value;
use xtask::root;

use super::header;
use crate::helpers::program::keyward;
use crate::store::vectors;

/// Returns every page that has generated parts, with its correct content.
pub(super) fn pages() -> Vec<(String, String)> {
    let mut pages = vec![
        filled("README.md", &[("backends", backend_names())]),
        filled("docs/configuration.md", &[("settings", settings()), ("options", options())]),
        filled(
            "docs/kinds.md",
            &[
                ("kinds", kinds()),
                ("registered", code("rust", "crates/keyward-kinds/examples/acme.rs")),
            ],
        ),
        filled("docs/envelope.md", &[("example", vectors::worked_example())]),
        filled(
            "docs/portal.md",
            &[
                ("example", code("rust", "crates/keyward-portal/examples/pop3.rs")),
                ("forms", forms()),
            ],
        ),
        filled(
            "docs/writing-a-backend.md",
            &[
                ("source", code("rust", "plugins/keyward-storage-memory/src/lib.rs")),
                ("manifest", code("toml", "plugins/keyward-storage-memory/Cargo.toml")),
                ("key-value", code("rust", "crates/keyward-plugin-cli/templates/key-value.rs")),
                ("program", code("rust", "tests/program/src/main.rs")),
                ("suite", suite("plugins/keyward-storage-sqlite/src/lib.rs")),
                ("processes", code("rust", "plugins/keyward-storage-file/tests/file.rs")),
                ("serializer cases", cases(kit::serializer::CASES)),
                ("encryption cases", cases(kit::encryption::CASES)),
                ("key cases", cases(kit::key::CASES)),
                ("storage cases", cases(kit::storage::CASES)),
                ("authenticator cases", cases(kit::authenticator::CASES)),
                ("checker cases", cases(kit::checker::CASES)),
            ],
        ),
    ];
    pages.extend(commands());
    pages.push(header::page());
    pages
}

/// A path below the repository, as text.
pub(super) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned()
}

/// Fills the marked parts of a page.
fn filled(page: &str, parts: &[(&str, String)]) -> (String, String) {
    let mut text = fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
    for (name, part) in parts {
        let (start, end) = (format!("<!-- made: {name} -->\n"), "<!-- end -->\n");
        let (before, rest) =
            text.split_once(&start).unwrap_or_else(|| panic!("{page} has no {start}"));
        let (_, after) = rest.split_once(end).unwrap_or_else(|| panic!("{page} has no {end}"));
        text = format!("{before}{start}\n{}\n\n{end}{after}", part.trim());
    }
    (page.to_owned(), text)
}

/// Returns a row for each role: its backends, the defaults of a new store first.
fn backend_names() -> String {
    let home = kit::Scratch::new();
    let config = Config::load(Environment::new([("HOME", home.folder())])).unwrap();
    let mut table = "| role | backends |\n|---|---|\n".to_owned();
    for role in Role::ALL {
        let defaults = config.settings().texts(&format!("defaults.{role}"));
        let mut names: Vec<_> =
            backends(role).iter().map(|backend| text(&backend["name"])).collect();
        names.sort_by_key(|name| {
            defaults.iter().position(|default| default == name).unwrap_or(usize::MAX)
        });
        writeln!(table, "| {role} | `{}` |", names.join("` `")).unwrap();
    }
    table
}

fn settings() -> String {
    let mut table = "| setting | variable | what it is |\n|---|---|---|\n".to_owned();
    for KnownSetting { key, help, variable, .. } in Settings::known() {
        let variable = variable.map(|name| format!("`{name}`")).unwrap_or_default();
        writeln!(table, "| `{key}` | {variable} | {help} |").unwrap();
    }
    table
}

/// Returns a row for each built-in kind.
fn kinds() -> String {
    let field = |spec: &FieldSpec| {
        let marks = [(spec.required, "required"), (spec.secret, "secret")];
        let marks = marks.into_iter().filter_map(|(is_so, mark)| is_so.then_some(mark));
        let marks: Vec<_> = marks.chain(spec.environment.iter().map(String::as_str)).collect();
        match &marks[..] {
            [] => format!("`{}`", spec.name),
            marks => format!("`{}` ({})", spec.name, marks.join(", ")),
        }
    };
    let mut table = "| kind | what it is | fields |\n|---|---|---|\n".to_owned();
    for kind in Kinds::linked().iter() {
        let fields: Vec<_> = kind.fields.iter().map(field).collect();
        let (name, help) = (&kind.name, &kind.help);
        writeln!(table, "| `{name}` | {help} | {} |", fields.join(", ")).unwrap();
    }
    table
}

/// Returns a row for each kind of credential: what a checker must have stored for it.
fn forms() -> String {
    let mut table = "| kind | forms, the preferred one first |\n|---|---|\n".to_owned();
    for kind in PresentedKind::ALL {
        let forms: Vec<_> =
            forms_for(kind).iter().map(|form| format!("`{}`", form.name())).collect();
        let forms = match forms.is_empty() {
            true => "only checkers that check it by themselves".to_owned(),
            false => forms.join(", "),
        };
        let note = if is_legacy(kind) { " (legacy)" } else { "" };
        writeln!(table, "| `{kind}`{note} | {forms} |").unwrap();
    }
    table
}

/// Every backend of stores and its options. The options of authenticators are in `docs/providers.md`.
fn options() -> String {
    let mut page = String::new();
    for role in Role::OF_STORES {
        for backend in backends(role) {
            let (name, help) = (text(&backend["name"]), text(&backend["help"]));
            writeln!(page, "### {role} `{name}`\n\n{help}.\n").unwrap();
            let options = backend["options"].as_array().unwrap();
            if options.is_empty() {
                continue;
            }
            page += "| option | takes | default | what it is |\n|---|---|---|---|\n";
            for option in options {
                let default = match (option["default"].as_str(), &option["required"]) {
                    (Some(default), _) => format!("`{default}`"),
                    (None, Value::Bool(true)) => "must be given".to_owned(),
                    _ => String::new(),
                };
                let (name, kind) = (text(&option["name"]), text(&option["type"]));
                let mut help = text(&option["help"]).to_owned();
                let choices = option["choices"].as_array().unwrap().iter().map(text);
                let choices: Vec<_> = choices.map(|choice| format!("`{choice}`")).collect();
                if !choices.is_empty() {
                    help += &format!(" Choices: {}.", choices.join(", "));
                }
                writeln!(page, "| `{name}` | {kind} | {default} | {help} |").unwrap();
            }
            page.push('\n');
        }
    }
    page
}

fn backends(role: Role) -> Vec<Value> {
    let listed = printed(&["backend", "list", "--json"]);
    let backends = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    backends.filter(|backend| backend["role"] == role.name()).collect()
}

fn cases<T: ?Sized>(cases: &[(&str, kit::Case<T>)]) -> String {
    cases.iter().map(|(name, _)| format!("- `{name}`\n")).collect()
}

fn code(language: &str, file: &str) -> String {
    let text = fs::read_to_string(root().join(file)).unwrap();
    format!("```{language}\n{}\n```", text.trim_end())
}

/// The line that tests a backend.
fn suite(file: &str) -> String {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let at = text.find("#[cfg(test)]\nkeyward_testkit").expect("a backend runs its suite");
    format!("```rust\n{}\n```", text[at..].trim_end())
}

/// A page for each command, and their index.
fn commands() -> Vec<(String, String)> {
    let mut index =
        "# Commands\n\nThese pages contain the program's help, as `keyward help COMMAND` shows it.\n\n\
                     | command | what it does |\n|---|---|\n"
            .to_owned();
    let mut pages = Vec::new();
    for (name, about) in subcommands(&printed(&["--help"])) {
        writeln!(index, "| [{name}]({name}.md) | {about} |").unwrap();
        let help = printed(&[&name, "--help"]);
        let mut page = format!("# keyward {name}\n\n{}", section(&help));
        for (sub, _) in subcommands(&help) {
            let help = printed(&[&name, &sub, "--help"]);
            write!(page, "\n## keyward {name} {sub}\n\n{}", section(&help)).unwrap();
        }
        pages.push((format!("docs/commands/{name}.md"), page));
    }
    assert!(!pages.is_empty(), "`keyward --help` lists no commands");
    pages.push(("docs/commands/README.md".into(), index));
    pages
}

/// Returns what a command is for, and the rest of its help unchanged.
fn section(help: &str) -> String {
    let (about, rest) = help.split_once("\n\n").unwrap();
    format!("{about}.\n\n```text\n{}\n```\n", rest.trim_end())
}

/// The commands that a help text lists, each with what it does.
fn subcommands(help: &str) -> Vec<(String, String)> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let rows = listed.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, about) = line.trim().split_once("  ")?;
        Some((name.to_owned(), about.trim().to_owned()))
    });
    rows.collect()
}

fn printed(arguments: &[&str]) -> String {
    let home = kit::Scratch::new();
    let output = Command::new(keyward())
        .args(arguments)
        .env_clear()
        .env("HOME", home.folder())
        .output()
        .unwrap();
    assert!(output.status.success(), "keyward {}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().expect("the program gives text").to_owned()
}
