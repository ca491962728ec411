use std::path::Path;

use keyward::{Keyward, OpenStore, PluginState, Protection};
use keyward_config::{BrokenPlugin, Environment, Places, PluginFile};
use keyward_core::{EntryId, Error, Persistence};

use super::Run;
use crate::findings::{Finding, Findings};
use crate::session::Session;
use crate::shell::quoted;
use crate::stop::{Outcome, Stop};

/// Check that the configuration, plugins, stores and keys are valid and safe
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward doctor")]
pub(super) struct Arguments {
    /// Repair the permissions of your own Keyward files and folders
    #[arg(long)]
    fix: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let mut findings = Findings::new(self.json);
        check_modes(self.fix, &mut findings)?;
        check_all(session, findings)
    }
}

fn check_all(session: &Session, mut findings: Findings) -> Outcome {
    let keyward = match session.keyward() {
        Ok(keyward) => keyward,
        Err(Stop::Failed(error)) => {
            findings.add("configuration", Finding::Bad(error))?;
            return findings.end();
        }
        Err(stop) => return Err(stop),
    };
    let valid = "can be read, and only you can write it";
    findings.add("configuration", Finding::Good(valid.into()))?;
    let plugins = keyward.config().plugins();
    for file in plugins.files {
        findings.add(&format!("plugin {}", file.name), check_plugin(&file))?;
    }
    for BrokenPlugin { name, path, error } in plugins.broken {
        let name = name.map_or_else(|| path.display().to_string(), |name| name.to_string());
        findings.add(&format!("plugin {name}"), Finding::Bad(error))?;
    }
    for error in keyward.config().kinds().faults() {
        findings.add("kinds", Finding::Bad(error))?;
    }
    for error in keyward.check_resolver() {
        findings.add("configuration", Finding::Bad(error))?;
    }
    let ids = keyward.config().store_ids()?;
    for name in keyward.store_names()? {
        for finding in check_store(&keyward, name.as_str()) {
            findings.add(&format!("store {name}"), finding)?;
        }
        if let Some(store) = keyward.config().find_store(&name).ok().flatten()
            && let Err(error) = ids.check_unique(&store)
        {
            findings.add(&format!("store {name}"), Finding::Bad(error))?;
        }
    }
    match keyward.unused_files() {
        Ok(paths) => {
            for path in paths {
                findings.add("unused file", unused_file(&path))?;
            }
        }
        Err(error) => findings.add("unused files", Finding::Bad(error))?,
    }
    findings.end()
}

/// Returns the finding about the remains of a store that the configuration no longer contains.
fn unused_file(path: &Path) -> Finding {
    let path = path.display().to_string();
    let quoted = quoted(&path);
    Finding::Note(format!(
        "no store names the id of {path}; if no other configuration does, remove it with: rm -r {quoted}"
    ))
}

/// Reports every file and folder with wrong permissions, or what was done about them.
fn check_modes(fix: bool, findings: &mut Findings) -> Outcome {
    let mut outcome = Ok(());
    let places = Places::find(&Environment::current())?;
    places.check_modes(fix, &mut |found| {
        if outcome.is_ok() {
            outcome = findings.add("permissions", found.map_or_else(Finding::Bad, Finding::Note));
        }
    });
    outcome
}

/// Checks that a plugin has not changed since it was trusted. It does not run the plugin.
fn check_plugin(file: &PluginFile) -> Finding {
    match PluginState::check(file) {
        PluginState::Sound => {
            Finding::Good("it has not changed since it was trusted, and its place is safe".into())
        }
        PluginState::Changed(error)
        | PluginState::Missing(error)
        | PluginState::Unsafe(error)
        | PluginState::Unusable(error) => Finding::Bad(error),
    }
}

/// Returns the findings about a store.
pub(super) fn check_store(keyward: &Keyward, name: &str) -> Vec<Finding> {
    let store = match keyward.store(name) {
        Ok(store) => store,
        Err(error) => return vec![Finding::Bad(error)],
    };
    let mut findings = vec![match check_opens(&store) {
        Ok(()) => Finding::Good("its storage can be read and its key is available".into()),
        Err(error) => Finding::Bad(error),
    }];
    let protection = Protection::new(store.encryption_abilities(), store.file.envelope);
    if protection != Protection::BoundAndAuthentic {
        findings.push(Finding::Note(format!("records are {}", protection.describe())));
    }
    if store.storage_abilities().persistence < Persistence::Durable {
        findings.push(Finding::Note("its entries do not last".into()));
    }
    if store.file.deleting {
        findings.push(Finding::Note(format!(
            "its removal was interrupted; finish it with `keyward rm {name}`"
        )));
    }
    findings
}

/// Opens the keyset or reads the store's mark, and opens one entry if there is any.
fn check_opens(store: &OpenStore) -> Result<(), Error> {
    store.check_key()?;
    let first: Option<EntryId> = store.entries(None).next().transpose()?;
    first.map_or(Ok(()), |id| store.get(&id).map(drop))
}
