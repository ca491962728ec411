use keyward::{Keyward, StoreFile};
use keyward_config::{Layer, PluginFile, PluginName};
use keyward_core::{Role, Value, Values};

use super::{confirm, unknown_plugin};
use crate::candidates;
use crate::session::Session;
use crate::stop::Outcome;

/// Stop trusting a plugin; its own files stay
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin forget shelf")]
pub(crate) struct Arguments {
    /// The plugin
    #[arg(add = candidates::plugins())]
    name: String,
    /// Forget a plugin that is trusted for all users of this machine
    #[arg(long)]
    system: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let keyward = session.keyward()?;
    let name = PluginName::new(&arguments.name)?;
    let layer = if arguments.system { Layer::System } else { Layer::User };
    let files = keyward.config().plugins().files;
    let file = files.iter().find(|file| file.name == name && file.layer == layer);
    let users = file.map(|file| list_users(&keyward, file)).transpose()?.unwrap_or_default();
    if !users.is_empty() && !arguments.yes {
        let question = format!("These need it and will not work without it:\n{users}Forget it?");
        confirm(&session.console, &question, "nothing was forgotten")?;
    }
    if keyward.config().remove_plugin(&name, layer)? {
        return Ok(());
    }
    let elsewhere = files.iter().any(|file| file.name == name);
    let unknown = unknown_plugin(keyward.config(), &name);
    Err(match (elsewhere, layer) {
        (true, Layer::User) => {
            unknown.because(format!("`{name}` is trusted for all users")).hint("Use --system")
        }
        (true, _) => unknown.because(format!("`{name}` is not trusted for all users")),
        (false, _) => unknown,
    }
    .into())
}

/// Returns the stores and providers that use a backend of a plugin, one per line.
fn list_users(keyward: &Keyward, plugin: &PluginFile) -> Outcome<String> {
    let mut users = String::new();
    let provides = |role: Role, name: &str| {
        plugin.backends.iter().any(|(its, called)| (*its, called.as_str()) == (role, name))
    };
    for name in keyward.store_names()? {
        // A store that cannot be read does not open anyway.
        let Ok(store) = keyward.config().store(&name) else { continue };
        let used = used_backends(&store).into_iter().find(|(role, name)| provides(*role, name));
        if let Some((role, backend)) = used {
            users += &format!("  store {name}: its {role} is {backend}\n");
        }
    }
    for (_, provider) in keyward.providers()?.iter() {
        let names = provider.authenticators.iter().map(|used| &used.name);
        for used in names.filter(|name| provides(Role::Authenticator, name)) {
            users += &format!("  provider {}: its authenticator is {used}\n", provider.name);
        }
    }
    Ok(users)
}

/// Returns the backends of a store, with the key sources that its options refer to.
fn used_backends(store: &StoreFile) -> Vec<(Role, &str)> {
    let mut backends = Vec::new();
    for (role, used) in [
        (Role::Serializer, &store.serializer),
        (Role::Encryption, &store.encryption),
        (Role::Storage, &store.storage),
    ] {
        backends.push((role, used.name.as_str()));
        add_sources(&used.options, &mut backends);
    }
    if let Some(key) = &store.key {
        backends.push((Role::Key, &key.from));
        add_sources(&key.options, &mut backends);
    }
    backends
}

fn add_sources<'a>(options: &'a Values, backends: &mut Vec<(Role, &'a str)>) {
    for (_, value) in options.iter() {
        if let Value::Secret(reference) = value {
            backends.push((Role::Key, &reference.from));
            add_sources(&reference.options, backends);
        }
    }
}
