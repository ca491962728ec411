use keyward::{Keyward, Silent};
use keyward_config::{Config, Environment, Settings, parse_value, render_value, set_value};
use keyward_core::{OptionSpec, OptionType, Registry, Role, Value};
use serde_json::json;

use super::Run;
use crate::editor;
use crate::exit::each;
use crate::output::print;
use crate::session::Session;
use crate::stop::{Outcome, Stop, hinted, usage};

/// Show and change settings, and where they come from
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward config show
  keyward config set defaults.storage sqlite
  keyward config explain defaults.storage")]
pub(super) enum Command {
    /// Show every setting that has a value
    #[command(after_help = "Example:
  keyward config show")]
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show where a setting comes from
    #[command(after_help = "Example:
  keyward config explain defaults.storage")]
    Explain {
        /// The setting, as in defaults.storage
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print one setting
    #[command(after_help = "Example:
  keyward config get defaults.storage")]
    Get {
        /// The setting, as in defaults.storage
        key: String,
    },
    /// Set one setting in your configuration, and keep its comments
    #[command(after_help = "Example:
  keyward config set defaults.storage sqlite")]
    Set {
        /// The setting, as in defaults.storage
        key: String,
        /// The new value
        #[arg(required_unless_present = "unset")]
        value: Option<String>,
        /// Remove the setting instead
        #[arg(long, conflicts_with = "value")]
        unset: bool,
    },
    /// Edit your configuration; the change is kept only if it is valid
    #[command(after_help = "Example:
  keyward config edit")]
    Edit,
    /// Check settings and the files of all stores and plugins
    #[command(after_help = "Example:
  keyward config validate")]
    Validate,
    /// Print the paths of the configuration and the data
    #[command(after_help = "Example:
  keyward config path")]
    Path {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        if let Self::Edit = self {
            // The configuration that the user wants to edit may not load.
            return editor::edit_config(check_edited);
        }
        let keyward = session.keyward()?;
        let settings = keyward.config().settings();
        match self {
            Self::Show { json } => show(settings, json),
            Self::Explain { key, json } => explain(settings, &key, json),
            Self::Get { key } => get(settings, &key),
            Self::Set { key, value, unset: _ } => set(&keyward, &key, value.as_deref()),
            Self::Edit => Ok(()),
            Self::Validate => validate(&keyward),
            Self::Path { json } => path(keyward.config(), json),
        }
    }
}

fn show(settings: &Settings, json: bool) -> Outcome {
    for (key, setting) in settings.iter() {
        let value = render_value(&setting.value);
        print(&match json {
            true => json!({ "key": key, "value": plain(&setting.value), "layer": setting.layer.to_string(), "place": setting.place }).to_string(),
            false => format!("{key} = {value}    # {}: {}", setting.layer, setting.place),
        })?;
    }
    Ok(())
}

fn explain(settings: &Settings, key: &str, json: bool) -> Outcome {
    let mut holds = true;
    for setting in settings.explain(key)? {
        let value = render_value(&setting.value);
        print(&match json {
            true => json!({ "value": plain(&setting.value), "layer": setting.layer.to_string(), "place": setting.place, "holds": holds }).to_string(),
            false => format!("{} {value} ({}: {})", if holds { "used:" } else { "overridden:" }, setting.layer, setting.place),
        })?;
        holds = false;
    }
    if holds && !json {
        print(&format!("{key} has no value in any layer"))?;
    }
    Ok(())
}

fn get(settings: &Settings, key: &str) -> Outcome {
    match settings.explain(key)?.next().map(|setting| &setting.value) {
        Some(Value::Text(text)) => print(text),
        Some(value) => print(&render_value(value)),
        None => Err(Stop::Code(3, format!("error: {key} has no value"))),
    }
}

/// Sets a setting, or removes it if there is no value.
fn set(keyward: &Keyward, key: &str, value: Option<&str>) -> Outcome {
    let path = keyward.config().user_file();
    let value = match value {
        Some(value) => Some(parse_value(&spec_of(keyward.registry(), key)?, value)?),
        None => None,
    };
    keyward.config().places().check_owner()?;
    Ok(set_value(&path, key, value.as_ref())?)
}

/// Returns the type of a setting: for a backend's option the one from its table, else text.
fn spec_of(registry: &Registry, key: &str) -> Outcome<OptionSpec> {
    let parts: Vec<_> = key.split('.').collect();
    if let ["backends", role, name, option] = parts[..] {
        let role = Role::from_name(role)
            .ok_or_else(|| usage("the roles are serializer, encryption, key and storage"))?;
        let table = registry.find(role, name)?.options;
        let missing = || {
            let why = format!("{role} {name} has no option `{}`", option.escape_debug());
            hinted(why, option, table.iter().map(|spec| spec.name))
        };
        return table.iter().find(|spec| spec.name == option).copied().ok_or_else(missing);
    }
    Ok(OptionSpec {
        name: "the setting",
        kind: OptionType::Text,
        default: None,
        required: false,
        help: "",
    })
}

/// Checks the settings, and reads the file of every store and every plugin.
fn validate(keyward: &Keyward) -> Outcome {
    check(keyward.config().settings(), keyward.registry())?;
    each(keyward.config().plugins().broken, |broken| Err(broken.error.into()))?;
    let ids = keyward.config().store_ids()?;
    each(keyward.store_names()?, |name| {
        let store = keyward.store(name.as_str())?;
        Ok(ids.check_unique(&store.file)?)
    })?;
    print("The configuration is valid.")
}

/// Checks that every backend that a setting names exists.
fn check(settings: &Settings, registry: &Registry) -> Outcome {
    for (key, setting) in settings.iter() {
        if key.starts_with("backends.") {
            spec_of(registry, key)?;
        }
        if let (Some(role), Value::Text(names)) =
            (key.strip_prefix("defaults.").and_then(Role::from_name), &setting.value)
        {
            // There may be several key sources, which are tried in turn.
            for name in names.split(',').map(str::trim) {
                registry.find(role, name)?;
            }
        }
    }
    Ok(())
}

fn path(config: &Config, json: bool) -> Outcome {
    let places = config.places();
    let [system_stores, stores] = config.store_folders().map(|folder| folder.path);
    let [system_plugins, plugins] = config.plugin_folders().map(|folder| folder.path);
    let rows = [
        ("config", config.user_file()),
        ("stores", stores),
        ("plugins", plugins),
        ("data", places.data.clone()),
        ("state", places.state.clone()),
        ("system-config", places.system_config.join("config.toml")),
        ("system-stores", system_stores),
        ("system-plugins", system_plugins),
        ("system-data", places.system_data.clone()),
    ];
    if json {
        let rows =
            rows.iter().map(|(what, path)| ((*what).to_owned(), json!(path.display().to_string())));
        return print(&serde_json::Value::Object(rows.collect()).to_string());
    }
    rows.iter().try_for_each(|(what, path)| print(&format!("{what}: {}", path.display())))
}

fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => json!(text),
        Value::Flag(flag) => json!(flag),
        Value::Number(number) => json!(number),
        Value::List(texts) => json!(texts),
        Value::Secret(_) => json!(render_value(value)),
    }
}

/// Checks an edited configuration before it replaces the current one.
fn check_edited(path: &std::path::Path) -> Outcome {
    let environment = Environment::of_process().with("KEYWARD_CONFIG_FILE", path);
    let keyward = Keyward::with(environment, Silent)?;
    check(keyward.config().settings(), keyward.registry())
}
