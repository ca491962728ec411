use keyward::{Keyward, NewStore, Protection, StoreFile};
use keyward_config::{parse_value, render_value};
use keyward_core::{Error, OptionSpec, Persistence, Role, SecretRef, Value, Values};

use super::Run;
use crate::candidates::{self, backends};
use crate::output::{print, print_message};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Make a store
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward init work
  keyward init team --storage sqlite --option storage.path=/srv/team/store.db")]
pub(super) struct Arguments {
    /// The name of the new store
    #[arg(value_name = "NAME")]
    store: String,
    /// The backend that turns records into bytes
    #[arg(long, value_name = "S", add = backends(Role::Serializer))]
    serializer: Option<String>,
    /// The backend that encrypts the bytes
    #[arg(long, value_name = "E", add = backends(Role::Encryption))]
    encryption: Option<String>,
    /// The backend that keeps the encrypted records
    #[arg(long, value_name = "B", add = backends(Role::Storage))]
    storage: Option<String>,
    /// An option of a backend, such as storage.path=/srv/store.db; key.from=NAME selects the key source
    #[arg(long = "option", value_name = "ROLE.KEY=VALUE", add = candidates::options())]
    options: Vec<String>,
    /// Make a system store, in which each user of this machine has a separate folder
    #[arg(long)]
    system: bool,
    /// Keep records without Keyward's envelope, so that other programs can read them
    #[arg(long)]
    no_envelope: bool,
    /// Note in each record when it was last given out, to the hour; versions before this option cannot
    /// read such records
    #[arg(long)]
    track_use: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let mut new = NewStore {
            serializer: self.serializer,
            encryption: self.encryption,
            storage: self.storage,
            system: self.system,
            envelope: !self.no_envelope,
            track_use: self.track_use,
            ..NewStore::named(&self.store)?
        };
        for option in &self.options {
            add_option(&keyward, &mut new, option)?;
        }
        let file = keyward.init_store(&new)?;
        report(&keyward, &file)
    }
}

/// Adds the option `ROLE.KEY=VALUE` to a new store.
fn add_option(keyward: &Keyward, new: &mut NewStore, option: &str) -> Outcome {
    let malformed =
        || usage_error("an option is written ROLE.KEY=VALUE, as in storage.path=/srv/store.db");
    let (key, value) = option.split_once('=').ok_or_else(malformed)?;
    let (role, key) = key.split_once('.').ok_or_else(malformed)?;
    let no_such_role = || usage_error("the roles are serializer, encryption, key and storage");
    let role = Role::from_name(role).filter(|role| Role::OF_STORES.contains(role));
    let role = role.ok_or_else(no_such_role)?;
    if (role, key) == (Role::Key, "from") {
        new.key = Some(SecretRef { from: value.to_owned(), options: Values::new() });
        return Ok(());
    }
    let settings = keyward.config().settings();
    let default = settings.text(&format!("defaults.{role}"));
    let parts = [
        (Role::Serializer, new.serializer.as_deref()),
        (Role::Encryption, new.encryption.as_deref()),
        (Role::Storage, new.storage.as_deref()),
        (Role::Key, new.key.as_ref().map(|key| key.from.as_str())),
    ];
    let (_, chosen) = parts.into_iter().find(|(part, _)| *part == role).ok_or_else(no_such_role)?;
    let backend = chosen
        .or(default)
        .ok_or_else(|| usage_error("select a key source first: --option key.from=NAME"))?;
    let table = keyward.registry().find(role, backend)?.options;
    let spec = OptionSpec::find(table, key).map_err(Error::from)?;
    let value = parse_value(spec, value)?;
    new.options.push((role, Values::new().with(key, value)));
    Ok(())
}

/// Prints how a new store is made, and how it protects its records.
pub(super) fn report(keyward: &Keyward, file: &StoreFile) -> Outcome {
    let store = keyward.store(file.name.as_str())?;
    let protection = Protection::new(store.encryption_abilities(), file.envelope);
    print(&format!(
        "Store {}: {} + {} + {}",
        file.name, file.serializer.name, file.encryption.name, file.storage.name
    ))?;
    print(&format!("Records are {}.", protection.describe()))?;
    if let Some(key) = &file.key {
        let about = keyward.registry().find(Role::Key, &key.from)?.info.help;
        print(&format!("Its key: {}", render_value(&Value::Secret(key.clone()))))?;
        print(&format!("  {about}."))?;
    }
    if matches!(protection, Protection::AccidentsOnly | Protection::Nothing) {
        print_message(
            "warning: this store does not protect what is in it; see `keyward help threat-model`",
        );
    }
    if store.storage_abilities().persistence == Persistence::Process {
        print_message("warning: this store loses its entries when the process ends");
    }
    Ok(())
}
