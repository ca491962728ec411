use std::collections::BTreeSet;

use keyward_core::{ErrorKind, Offer, OptionSpec, OptionType, Registration, Registry, Role};
use serde_json::{Value, json};

use super::Run;
use crate::arguments::role;
use crate::candidates;
use crate::exit::each;
use crate::output::{escape_if_terminal, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Show the backends that stores and providers can use
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward backend list
  keyward backend show storage sqlite")]
pub(super) enum Command {
    /// List all backends
    #[command(after_help = "Example:
  keyward backend list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a backend does and which options it has
    #[command(after_help = "Example:
  keyward backend show storage sqlite")]
    Show {
        /// The role of the backend
        #[arg(value_parser = role())]
        role: Role,
        /// The backend
        #[arg(value_name = "NAME", add = candidates::backends_of_named_role())]
        backend: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let registry = keyward.registry();
        match self {
            Self::List { json } => {
                each(names(registry), |(role, name)| print_line(registry.find(role, name)?, json))
            }
            Self::Show { role, backend, json: true } => {
                print(&as_json(registry.find(role, &backend)?).to_string())
            }
            Self::Show { role, backend, json: false } => show(registry.find(role, &backend)?),
        }
    }
}

/// Returns the role and name of every backend, linked or provided by a plugin.
fn names(registry: &Registry) -> BTreeSet<(Role, &str)> {
    let linked = registry.iter().map(|backend| (backend.role(), backend.info.name));
    let offers = registry.offers().filter(|offer| !is_not_installed(offer));
    linked.chain(offers.map(|offer| (offer.role(), offer.name()))).collect()
}

/// Whether a backend of Keyward is in a program that is not there.
fn is_not_installed(offer: &Offer) -> bool {
    offer.is_own() && offer.fetch().is_err_and(|error| error.kind() == ErrorKind::Unavailable)
}

fn print_line(backend: &Registration, json: bool) -> Outcome {
    if json {
        return print(&as_json(backend).to_string());
    }
    let (role, name, door) = (backend.role(), backend.info.name, backend.door);
    print(&escape_if_terminal(&format!("{role:<13} {name:<10} {door:<7} {}", backend.info.help)))
}

fn show(backend: &Registration) -> Outcome {
    let (role, name, door) = (backend.role(), backend.info.name, backend.door);
    print(&escape_if_terminal(&format!("{role} {name} ({door}, from {})", backend.package)))?;
    print(&escape_if_terminal(&format!("  {}", backend.info.help)))?;
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
        print(&escape_if_terminal(&format!("  {} ({}){default}", spec.name, kind(spec))))?;
        print(&escape_if_terminal(&format!("      {}", spec.help)))?;
        if !spec.choices.is_empty() {
            let choices = spec.choices.join(", ");
            print(&escape_if_terminal(&format!("      choices: {choices}")))?;
        }
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
            "choices": spec.choices,
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
        OptionType::Duration => "duration",
        OptionType::Store => "name of a store",
        _ => "unknown",
    }
}
