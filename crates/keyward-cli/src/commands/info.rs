use std::collections::BTreeSet;

use keyward::{Keyward, OpenStore, Protection};
use keyward_config::{Interaction, render_value};
use keyward_core::{Error, Level, Persistence, Result, Value};
use serde_json::json;

use super::Run;
use crate::candidates;
use crate::exit::each;
use crate::output::{escape_if_terminal, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Show which backends stores use and what they promise
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward info work --users")]
pub(super) struct Arguments {
    /// The stores
    #[arg(value_name = "NAME", required = true, add = candidates::stores())]
    stores: Vec<String>,
    /// What to show: backends and promises, the store's file as it is, or neither
    #[arg(short, long, default_value = "std")]
    format: Format,
    /// Show the users who have entries
    #[arg(short, long)]
    users: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Std,
    Raw,
    None,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let stores = self.stores.iter().map(|name| keyward.store(name));
        let stores = stores.collect::<Result<Vec<_>>>()?;
        let ids = keyward.config().store_ids()?;
        each(&stores, |store| {
            if let Err(error) = ids.check_unique(&store.file) {
                session.console.log(Level::Warning, format_args!("{}", error.message()));
            }
            let mut users = self.users.then(BTreeSet::new);
            let outcome = users.as_mut().map_or(Ok(()), |users| find_users(&keyward, store, users));
            match self.json {
                true => print(&as_json(store, users.as_ref()).to_string())?,
                false => show(store, users.as_ref(), self.format)?,
            }
            outcome
        })
    }
}

fn show(store: &OpenStore, users: Option<&BTreeSet<String>>, format: Format) -> Outcome {
    print(&format!("name: {}", escape_if_terminal(store.file.name.as_str())))?;
    print(&format!("config-file: {}", store.file.path.display()))?;
    match format {
        Format::Std => print_standard(store)?,
        Format::Raw => print(read_file(store)?.trim_end())?,
        Format::None => {}
    }
    let Some(users) = users else { return Ok(()) };
    let users: Vec<_> = users.iter().map(|user| escape_if_terminal(user)).collect();
    print(&format!("users: {}", users.join(", ")))
}

/// Returns the text of the store's file.
fn read_file(store: &OpenStore) -> Result<String> {
    let path = &store.file.path;
    std::fs::read_to_string(path).map_err(|error| {
        let why = format!("{}: {error}", path.display());
        Error::io("read", error).because(why)
    })
}

fn print_standard(store: &OpenStore) -> Outcome {
    let file = &store.file;
    print(&format!("encryption: {}", file.encryption.name))?;
    print(&format!("serializer: {}", file.serializer.name))?;
    print(&format!("storage: {}", file.storage.name))?;
    if let Some(key) = &file.key {
        print(&format!("key: {}", render_value(&Value::Secret(key.clone()))))?;
    }
    print(&format!("id: {}", file.id))?;
    print(&format!("records: {}", protection(store).describe()))?;
    print(&format!("lasts: {}", lifetime(store)))?;
    if store.last_writer_wins() {
        print(
            "concurrent changes: the last writer wins, because the storage cannot check or lock",
        )?;
    }
    if file.track_use {
        print("use: each record shows when it was last given out")?;
    }
    if file.deleting {
        print("state: being removed")?;
    }
    Ok(())
}

fn as_json(store: &OpenStore, users: Option<&BTreeSet<String>>) -> serde_json::Value {
    let file = &store.file;
    let mut info = json!({
        "name": file.name.as_str(),
        "config_file": file.path.display().to_string(),
        "id": file.id.to_string(),
        "serializer": file.serializer.name,
        "encryption": file.encryption.name,
        "key": file.key.as_ref().map(|key| key.from.as_str()),
        "storage": file.storage.name,
        "envelope": file.envelope,
        "track_use": file.track_use,
        "deleting": file.deleting,
        "records": protection(store).describe(),
        "lasts": lifetime(store),
        "last_writer_wins": store.last_writer_wins(),
    });
    if let Some(users) = users {
        info["users"] = json!(users);
    }
    info
}

fn protection(store: &OpenStore) -> Protection {
    Protection::new(store.encryption_abilities(), store.file.envelope)
}

fn lifetime(store: &OpenStore) -> &'static str {
    match store.storage_abilities().persistence {
        Persistence::Cache => "no fixed time: an entry may vanish at any moment",
        Persistence::Process => "as long as one process: nothing is kept",
        Persistence::Session => "until the machine restarts or the session ends",
        Persistence::Durable => "for good",
        _ => "unknown",
    }
}

/// Finds the users who have entries. A damaged folder of one user does not hide the other users.
fn find_users(keyward: &Keyward, store: &OpenStore, users: &mut BTreeSet<String>) -> Outcome {
    each(keyward.stores_of_all(store.file.name.as_str())?, |store| {
        store.entries(None).try_for_each(|id| {
            let id = id?;
            if !users.contains(id.user()) {
                users.insert(id.user().to_owned());
            }
            Ok(())
        })
    })
}
