//! What completion offers for an argument: stores, kinds, backends, options, settings,
//! profiles, plugins. The candidates are found only if a completion script asks for them.

use std::collections::BTreeSet;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use keyward::{Environment, Keyward, Silent};
use keyward_config::{ProfileKey, SettingKey, Settings};
use keyward_core::{Registration, Role};

pub(crate) fn stores() -> ArgValueCandidates {
    candidates(|keyward| {
        let names = keyward.store_names().unwrap_or_default();
        names.iter().map(|name| name.as_str().to_owned()).collect()
    })
}

pub(crate) fn kinds() -> ArgValueCandidates {
    candidates(|keyward| keyward.config().kinds().iter().map(|kind| kind.name.clone()).collect())
}

pub(crate) fn backends(role: Role) -> ArgValueCandidates {
    candidates(move |keyward| backend_names(keyward, role))
}

/// The backends of the role that is on the command line.
pub(crate) fn backends_of_named_role() -> ArgValueCandidates {
    candidates(|keyward| {
        let role = find_word(Role::from_name);
        role.map(|role| backend_names(keyward, role)).unwrap_or_default()
    })
}

/// `ROLE.KEY=` for the options of every linked backend of stores, with each of its choices, and `key.from=` for
/// each key source.
pub(crate) fn options() -> ArgValueCandidates {
    candidates(|keyward| {
        let mut found = BTreeSet::new();
        for backend in linked_for_stores(keyward) {
            let role = backend.role();
            for option in backend.options {
                found.insert(format!("{role}.{}=", option.name));
                let choices = option.choices.iter();
                found.extend(choices.map(|choice| format!("{role}.{}={choice}", option.name)));
            }
        }
        let sources = backend_names(keyward, Role::Key);
        found.extend(sources.iter().map(|name| format!("key.from={name}")));
        found.into_iter().collect()
    })
}

/// Keyward's settings, the keys of profiles, and those that set the default of a linked backend's
/// option.
pub(crate) fn settings() -> ArgValueCandidates {
    candidates(|keyward| {
        let known = Settings::known().iter();
        let mut keys: Vec<_> = known.map(|known| known.key.to_owned()).collect();
        for backend in linked_for_stores(keyward) {
            let (role, name) = (backend.role(), backend.info.name);
            let options = backend.options.iter();
            keys.extend(options.map(|option| format!("backends.{role}.{name}.{}", option.name)));
        }
        let profiles = keyward.config().settings().profile_names();
        keys.extend(profiles.iter().flat_map(|name| {
            ProfileKey::ALL.map(|key| SettingKey::of_profile(name, key).to_string())
        }));
        keys
    })
}

/// The backends of a role, if `defaults.ROLE` is on the command line.
pub(crate) fn values_of_named_setting() -> ArgValueCandidates {
    candidates(|keyward| {
        let role = find_word(|word| Role::from_name(word.strip_prefix("defaults.")?));
        let role = role.filter(|role| Role::OF_STORES.contains(role));
        role.map(|role| backend_names(keyward, role)).unwrap_or_default()
    })
}

fn linked_for_stores(keyward: &Keyward) -> impl Iterator<Item = &Registration> {
    keyward.registry().iter().filter(|backend| Role::OF_STORES.contains(&backend.role()))
}

pub(crate) fn profiles() -> ArgValueCandidates {
    candidates(|keyward| {
        let names = keyward.config().settings().profile_names();
        names.into_iter().map(str::to_owned).collect()
    })
}

pub(crate) fn plugins() -> ArgValueCandidates {
    candidates(|keyward| {
        let plugins = keyward.config().plugins().files;
        plugins.into_iter().map(|file| file.name.as_str().to_owned()).collect()
    })
}

fn candidates(
    find: impl Fn(&Keyward) -> Vec<String> + Send + Sync + 'static,
) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        // A configuration that cannot be read offers no candidates.
        let Ok(keyward) = Keyward::with(Environment::current(), Silent) else { return Vec::new() };
        find(&keyward).into_iter().map(CompletionCandidate::new).collect()
    })
}

/// Returns the names of a role's backends. Those of plugins are known without running any.
pub(crate) fn backend_names(keyward: &Keyward, role: Role) -> Vec<String> {
    let registry = keyward.registry();
    let linked = registry.iter().filter(|backend| backend.role() == role);
    let linked = linked.map(|backend| backend.info.name);
    let offers = registry.offers().filter(|offer| offer.role() == role);
    let names: BTreeSet<_> = linked.chain(offers.map(|offer| offer.name())).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Returns what the first word of the command line means that means anything.
fn find_word<T>(meaning: impl Fn(&str) -> Option<T>) -> Option<T> {
    // The script passes the words that the user has typed as arguments.
    std::env::args_os().find_map(|word| meaning(word.to_str()?))
}
