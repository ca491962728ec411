use std::collections::BTreeSet;

use clap::{Arg, ArgMatches, Command};
use keyward_core::{OptionSpec, OptionType, Registration, Registry, Role};
use serde_json::{Value, json};

use super::{Entry, Session};
use crate::arguments::{self, text};
use crate::exit::each;
use crate::output::{print, shown};
use crate::stop::{Outcome, usage};

pub(super) const ENTRY: Entry = Entry {
    name: "backend",
    about: "Show the backends that stores can use",
    example: "keyward backend list\nkeyward backend show storage sqlite",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list")
                .about("List all backends")
                .after_help("Example:\n  keyward backend list")
                .arg(arguments::json()),
        )
        .subcommand(
            Command::new("show")
                .about("Show what a backend does and which options it has")
                .after_help("Example:\n  keyward backend show storage sqlite")
                .arg(
                    Arg::new("role")
                        .value_name("ROLE")
                        .required(true)
                        .value_parser(["serializer", "encryption", "key", "storage"])
                        .help("The role of the backend"),
                )
                .arg(Arg::new("backend").value_name("NAME").required(true).help("The backend"))
                .arg(arguments::json()),
        )
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let keyward = session.keyward()?;
    match matches.subcommand() {
        Some(("list", matches)) => {
            let registry = keyward.registry();
            each(names(registry), |(role, name)| line(registry.find(role, name)?, matches))
        }
        Some(("show", matches)) => {
            let role = text(matches, "role")
                .and_then(Role::from_name)
                .ok_or_else(|| usage("no such role"))?;
            let backend =
                keyward.registry().find(role, text(matches, "backend").unwrap_or_default())?;
            match matches.get_flag("json") {
                true => print(&as_json(backend).to_string()),
                false => show(backend),
            }
        }
        _ => Ok(()),
    }
}

/// Returns the role and name of every backend, linked or provided by a plugin.
pub(super) fn names(registry: &Registry) -> BTreeSet<(Role, &str)> {
    let linked = registry.iter().map(|backend| (backend.role(), backend.info.name));
    linked.chain(registry.offers().map(|offer| (offer.role(), offer.name()))).collect()
}

fn line(backend: &Registration, matches: &ArgMatches) -> Outcome {
    if matches.get_flag("json") {
        return print(&as_json(backend).to_string());
    }
    let (role, name, door) = (backend.role(), backend.info.name, backend.door);
    print(&shown(&format!("{role:<11} {name:<10} {door:<7} {}", backend.info.help)))
}

fn show(backend: &Registration) -> Outcome {
    let (role, name, door) = (backend.role(), backend.info.name, backend.door);
    print(&shown(&format!("{role} {name} ({door}, from {})", backend.package)))?;
    print(&shown(&format!("  {}", backend.info.help)))?;
    if backend.options.is_empty() {
        return print("  There are no options.");
    }
    for spec in backend.options {
        let default = match spec.default {
            Some(default) => format!(" [default: {default}]"),
            None if spec.required => " [required]".into(),
            None => String::new(),
        };
        print("")?;
        print(&shown(&format!("  {} ({}){default}", spec.name, kind(spec))))?;
        print(&shown(&format!("      {}", spec.help)))?;
    }
    Ok(())
}

fn as_json(backend: &Registration) -> Value {
    let option = |spec: &OptionSpec| {
        json!({
            "name": spec.name,
            "type": kind(spec),
            "default": spec.default,
            "required": spec.required,
            "help": spec.help,
        })
    };
    json!({
        "role": backend.role().name(),
        "name": backend.info.name,
        "help": backend.info.help,
        "package": backend.package,
        "door": backend.door.name(),
        "options": backend.options.iter().map(option).collect::<Vec<_>>(),
    })
}

const fn kind(spec: &OptionSpec) -> &'static str {
    match spec.kind {
        OptionType::Text => "text",
        OptionType::Path => "path",
        OptionType::Flag => "true or false",
        OptionType::Number => "number",
        OptionType::List => "list",
        OptionType::Secret => "reference to a secret",
    }
}
