use keyward::{Keyward, Silent};
use keyward_config::{
    Config, Credential, Environment, ProfileKey, Setting, SettingKey, SettingTarget, Settings,
    parse_value, render_value, set_value,
};
use keyward_core::{OptionSpec, OptionType, Registry, Role, Value, printable};
use serde_json::json;

use super::Run;
use crate::candidates;
use crate::editor;
use crate::exit::each;
use crate::output::print;
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error, usage_error_with_hint};

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
        #[arg(add = candidates::settings())]
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
        #[arg(add = candidates::settings())]
        key: String,
    },
    /// Set one setting in your configuration, and keep its comments
    #[command(after_help = "Example:
  keyward config set defaults.storage sqlite")]
    Set {
        /// The setting, as in defaults.storage
        #[arg(add = candidates::settings())]
        key: String,
        /// The new value
        #[arg(required_unless_present = "unset", add = candidates::values_of_named_setting())]
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
        match self {
            Self::Show { json } => show(&session.keyward()?, json),
            Self::Explain { key, json } => explain(&session.keyward()?, &key, json),
            Self::Get { key } => get(&session.keyward()?, &key),
            Self::Set { key, value, unset: _ } => set(&session.keyward()?, &key, value.as_deref()),
            // The configuration that the user wants to edit may not load.
            Self::Edit => editor::edit_config(check_edited),
            Self::Validate => validate(&session.keyward()?),
            Self::Path { json } => print_paths(session.keyward()?.config(), json),
        }
    }
}

fn show(keyward: &Keyward, json: bool) -> Outcome {
    for (key, setting) in keyward.config().settings().iter() {
        let value = shown(keyward, key, setting);
        print(&match json {
            true => json!({ "key": key.to_string(), "value": value.map(as_json), "layer": setting.layer.to_string(), "place": setting.place }).to_string(),
            false => format!("{key} = {}    # {}: {}", render(value), setting.layer, setting.place),
        })?;
    }
    Ok(())
}

fn explain(keyward: &Keyward, key: &str, json: bool) -> Outcome {
    let settings = keyward.config().settings();
    let path = SettingKey::parse(key)?;
    let is_added = matches!(path.target(), Some(SettingTarget::Known(known)) if known.is_added());
    let (mut holds, mut has_value) = (settings.get(&path).is_some(), false);
    for setting in settings.explain(&path) {
        has_value = true;
        let value = shown(keyward, &path, setting);
        print(&match json {
            true => json!({ "value": value.map(as_json), "layer": setting.layer.to_string(), "place": setting.place, "holds": holds }).to_string(),
            false => format!("{} {} ({}: {})", if holds { "used:" } else { "overridden:" }, render(value), setting.layer, setting.place),
        })?;
        holds = is_added;
    }
    if !has_value && !json {
        print(&format!("`{key}` has no value in any layer"))?;
    }
    Ok(())
}

fn get(keyward: &Keyward, key: &str) -> Outcome {
    let path = SettingKey::parse(key)?;
    match keyward.config().settings().get(&path).map(|found| shown(keyward, &path, found)) {
        Some(Some(Value::Text(text))) => print(text),
        Some(Some(value)) => print(&render_value(value)),
        Some(None) => Err(usage_error(format!("`{key}` may be a secret, so it is not shown"))),
        None => Err(Stop::Code(3, format!("error: `{key}` has no value"))),
    }
}

/// Returns the value of a setting; `None` if it may be a secret that should not be there.
fn shown<'a>(keyward: &Keyward, key: &SettingKey, setting: &'a Setting) -> Option<&'a Value> {
    keyward.is_public(key, setting).then_some(&setting.value)
}

fn render(value: Option<&Value>) -> String {
    value.map_or_else(|| "<hidden>".into(), render_value)
}

/// Sets a setting, or removes it if there is no value.
fn set(keyward: &Keyward, key: &str, value: Option<&str>) -> Outcome {
    let key = SettingKey::parse(key)?;
    let value = match (value, key.target()) {
        (None, _) => None,
        (Some(value), Some(SettingTarget::Option { role, backend, option })) => {
            let spec = find_option(keyward.registry(), role, backend, option)?;
            Some(parse_value(spec, value)?)
        }
        (Some(value), Some(SettingTarget::Known(known))) => {
            let is_absolute = value.starts_with('/') || value.starts_with("~/");
            if known.kind == OptionType::Path && !is_absolute {
                return Err(usage_error(format!("`{}` takes an absolute path", known.key)));
            }
            Some(known.parse(value)?)
        }
        (Some(value), Some(SettingTarget::Profile { profile, key: of_profile })) => {
            let value = of_profile.parse(value, &key.to_string())?;
            if of_profile == ProfileKey::Inherit {
                changed(keyward, &key, &value).profile(profile)?;
            }
            Some(value)
        }
        (Some(value), Some(SettingTarget::Credential { name, .. })) => {
            let value = Credential::parse_value(&key, value)?;
            let credential = changed(keyward, &key, &value).credential(name);
            credential.map_or(Ok(()), |credential| keyward.check_credential(&credential))?;
            Some(value)
        }
        (Some(_), None) => None,
    };
    keyward.config().places().check_owner()?;
    Ok(set_value(&keyward.config().user_file(), &key, value.as_ref())?)
}

/// Returns the settings with another value in the user's configuration.
fn changed(keyward: &Keyward, key: &SettingKey, value: &Value) -> Settings {
    let settings = keyward.config().settings().clone();
    settings.with(key.clone(), value.clone(), &format!("`{key}`"))
}

/// Returns an option of a backend.
fn find_option<'a>(
    registry: &'a Registry,
    role: Role,
    backend: &str,
    option: &str,
) -> Outcome<&'a OptionSpec> {
    let table = registry.find(role, backend)?.options;
    let missing = || {
        let why = format!("{role} {backend} has no option `{}`", printable(option));
        usage_error_with_hint(why, option, table.iter().map(|spec| spec.name))
    };
    table.iter().find(|spec| spec.name == option).ok_or_else(missing)
}

/// Checks the settings, and reads the file of every store and every plugin.
fn validate(keyward: &Keyward) -> Outcome {
    check_settings(keyward)?;
    let plugins = each(keyward.config().plugins().broken, |broken| Err(broken.error.into()));
    let kinds = each(keyward.config().kinds().faults(), |fault| Err(fault.into()));
    let ids = keyward.config().store_ids()?;
    let stores = each(keyward.store_names()?, |name| {
        let store = keyward.store(name.as_str())?;
        Ok(ids.check_unique(&store.file)?)
    });
    each([plugins, kinds, stores], |outcome| outcome)?;
    print("The configuration is valid.")
}

/// Checks that every backend and every option that a setting names exists, that the option takes
/// the value, and that the credentials and profiles can be used.
fn check_settings(keyward: &Keyward) -> Outcome {
    let (settings, registry) = (keyward.config().settings(), keyward.registry());
    for (key, setting) in settings.iter() {
        match key.target() {
            Some(SettingTarget::Option { role, backend, option }) => {
                let spec = find_option(registry, role, backend, option)?;
                let checked = spec.check(&setting.value);
                checked.map_err(|wrong| settings.locate(role, backend, wrong))?;
            }
            Some(SettingTarget::Known(known)) => {
                let role = known.key.strip_prefix("defaults.").and_then(Role::from_name);
                let Some(role) = role else { continue };
                for name in settings.texts(known.key) {
                    registry.find(role, name)?;
                }
            }
            Some(SettingTarget::Profile { .. } | SettingTarget::Credential { .. }) | None => {}
        }
    }
    each(keyward.check_resolver(), |error| Err(error.into()))
}

fn print_paths(config: &Config, json: bool) -> Outcome {
    let places = config.places();
    let [system_stores, stores] = config.store_folders().map(|folder| folder.path);
    let [system_plugins, plugins] = config.plugin_folders().map(|folder| folder.path);
    let [system_kinds, kinds] = config.kind_folders().map(|folder| folder.path);
    let rows = [
        ("config", config.user_file()),
        ("stores", stores),
        ("plugins", plugins),
        ("kinds", kinds),
        ("data", places.data.clone()),
        ("state", places.state.clone()),
        ("system-config", places.system_config.join("config.toml")),
        ("system-stores", system_stores),
        ("system-plugins", system_plugins),
        ("system-kinds", system_kinds),
        ("system-data", places.system_data.clone()),
    ];
    if json {
        let rows =
            rows.iter().map(|(what, path)| ((*what).to_owned(), json!(path.display().to_string())));
        return print(&serde_json::Value::Object(rows.collect()).to_string());
    }
    rows.iter().try_for_each(|(what, path)| print(&format!("{what}: {}", path.display())))
}

pub(super) fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => json!(text),
        Value::Flag(flag) => json!(flag),
        Value::Number(number) => json!(number),
        Value::List(texts) => json!(texts),
        _ => json!(render_value(value)),
    }
}

/// Checks an edited configuration before it replaces the current one.
fn check_edited(path: &std::path::Path) -> Outcome {
    let environment = Environment::current().with("KEYWARD_CONFIG_FILE", path);
    let keyward = Keyward::with(environment, Silent)?;
    check_settings(&keyward)
}
