//! Finds the candidates for arguments: stores, backends, options, settings, plugins.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use keyward::{Environment, Keyward, Silent};
use keyward_config::Settings;
use keyward_core::Role;

use crate::commands::{COMMANDS, backend, help};

/// Finds the values of an argument. The words are those of the command line.
type Find = fn(&Keyward, &[OsString]) -> Vec<String>;

/// Adds the candidates to the arguments of all commands.
pub(super) fn add(command: Command, words: &[OsString]) -> Command {
    add_below(command, &words.into())
}

fn add_below(command: Command, words: &Arc<[OsString]>) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| match finder(&name, &arg) {
        Some(find) => {
            let words = Arc::clone(words);
            arg.add(ArgValueCandidates::new(move || candidates(find, &words)))
        }
        None => arg,
    });
    command.mut_subcommands(|command| add_below(command, words))
}

fn candidates(find: Find, words: &[OsString]) -> Vec<CompletionCandidate> {
    // A configuration that cannot be read offers no candidates.
    let Ok(keyward) = Keyward::with(Environment::current(), Silent) else { return Vec::new() };
    find(&keyward, words).into_iter().map(CompletionCandidate::new).collect()
}

fn finder(command: &str, arg: &Arg) -> Option<Find> {
    Some(match (command, arg.get_id().as_str()) {
        // The name of a new store.
        ("init", "store") => return None,
        (_, "store" | "stores") => stores,
        ("init", "serializer") => |keyward, _| backends(keyward, Role::Serializer),
        ("init", "encryption") => |keyward, _| backends(keyward, Role::Encryption),
        ("init", "storage") => |keyward, _| backends(keyward, Role::Storage),
        ("init", "options") => options,
        ("show", "backend") => backends_of_named_role,
        ("get" | "set" | "explain", "key") => settings,
        ("set", "value") => values_of_named_setting,
        ("show" | "forget", "name") => plugins,
        ("help", "topic") => |_, _| topics(),
        ("man", "command") => |_, _| commands(),
        _ => return None,
    })
}

fn stores(keyward: &Keyward, _: &[OsString]) -> Vec<String> {
    let names = keyward.store_names().unwrap_or_default();
    names.iter().map(|name| name.as_str().to_owned()).collect()
}

/// The names of a role's backends. Those of plugins are known without running any.
fn backends(keyward: &Keyward, role: Role) -> Vec<String> {
    let names = backend::names(keyward.registry());
    names
        .into_iter()
        .filter(|(its_role, _)| *its_role == role)
        .map(|(_, name)| name.to_owned())
        .collect()
}

fn backends_of_named_role(keyward: &Keyward, words: &[OsString]) -> Vec<String> {
    let role = words.iter().filter_map(|word| Role::from_name(word.to_str()?)).next();
    role.map(|role| backends(keyward, role)).unwrap_or_default()
}

/// `ROLE.KEY=` for the options of every linked backend, and `key.from=` for each key source.
fn options(keyward: &Keyward, _: &[OsString]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for backend in keyward.registry().iter() {
        let role = backend.role();
        found.extend(backend.options.iter().map(|option| format!("{role}.{}=", option.name)));
    }
    found.extend(backends(keyward, Role::Key).iter().map(|name| format!("key.from={name}")));
    found.into_iter().collect()
}

/// Keyward's settings, and those that set the default of a linked backend's option.
fn settings(keyward: &Keyward, _: &[OsString]) -> Vec<String> {
    let mut keys: Vec<_> = Settings::known().iter().map(|known| known.key.to_owned()).collect();
    for backend in keyward.registry().iter() {
        let (role, name) = (backend.role(), backend.info.name);
        let options = backend.options.iter();
        keys.extend(options.map(|option| format!("backends.{role}.{name}.{}", option.name)));
    }
    keys
}

/// The backends of a role, for `config set defaults.ROLE`.
fn values_of_named_setting(keyward: &Keyward, words: &[OsString]) -> Vec<String> {
    let role = |word: &OsString| Role::from_name(word.to_str()?.strip_prefix("defaults.")?);
    words.iter().find_map(role).map(|role| backends(keyward, role)).unwrap_or_default()
}

fn plugins(keyward: &Keyward, _: &[OsString]) -> Vec<String> {
    let plugins = keyward.config().plugins().files;
    plugins.into_iter().map(|file| file.name.as_str().to_owned()).collect()
}

fn topics() -> Vec<String> {
    let topics = help::TOPICS.iter().map(|(name, _)| (*name).to_owned());
    topics.chain(commands()).collect()
}

fn commands() -> Vec<String> {
    COMMANDS.iter().map(|command| command.name.to_owned()).collect()
}
