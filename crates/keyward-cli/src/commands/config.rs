use clap::{Arg, ArgMatches, Command};
use keyward::{Keyward, Silent};
use keyward_config::{Config, Environment, Settings, parse_value, render_value, set_value};
use keyward_core::{OptionSpec, OptionType, Registry, Role, Value};
use serde_json::json;

use super::{Entry, Session};
use crate::arguments::{self, switch, text};
use crate::editor;
use crate::exit::each;
use crate::output::print;
use crate::stop::{Outcome, hinted, usage};

pub(super) const ENTRY: Entry = Entry {
    name: "config",
    about: "Show and change settings, and where they come from",
    example: "keyward config show\nkeyward config set defaults.storage sqlite\nkeyward config explain defaults.storage",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    let key = || {
        Arg::new("key").value_name("KEY").required(true).help("The setting, as in defaults.storage")
    };
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            example("show", "Show every setting that has a value", "keyward config show")
                .arg(arguments::json()),
        )
        .subcommand(
            example(
                "explain",
                "Show where a setting comes from",
                "keyward config explain defaults.storage",
            )
            .arg(key())
            .arg(arguments::json()),
        )
        .subcommand(
            example("get", "Print one setting", "keyward config get defaults.storage").arg(key()),
        )
        .subcommand(
            example(
                "set",
                "Set one setting in your configuration, and keep its comments",
                "keyward config set defaults.storage sqlite",
            )
            .arg(key())
            .arg(
                Arg::new("value")
                    .value_name("VALUE")
                    .required_unless_present("unset")
                    .help("The new value"),
            )
            .arg(switch("unset", "Remove the setting instead").conflicts_with("value")),
        )
        .subcommand(example(
            "edit",
            "Edit your configuration; the change is kept only if it is valid",
            "keyward config edit",
        ))
        .subcommand(example(
            "validate",
            "Check settings and the files of all stores and plugins",
            "keyward config validate",
        ))
        .subcommand(
            example(
                "path",
                "Print the paths of the configuration and the data",
                "keyward config path",
            )
            .arg(arguments::json()),
        )
}

fn example(name: &'static str, about: &'static str, example: &'static str) -> Command {
    Command::new(name).about(about).after_help(format!("Example:\n  {example}"))
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("edit", _)) => editor::edit_config(check_edited),
        Some((command, matches)) => {
            let keyward = session.keyward()?;
            match command {
                "show" => show(keyward.config().settings(), matches),
                "explain" => explain(keyward.config().settings(), matches),
                "get" => get(keyward.config().settings(), matches),
                "set" => set(&keyward, matches),
                "validate" => validate(&keyward),
                _ => path(keyward.config(), matches),
            }
        }
        None => Ok(()),
    }
}

fn show(settings: &Settings, matches: &ArgMatches) -> Outcome {
    for (key, setting) in settings.iter() {
        let value = render_value(&setting.value);
        print(&match matches.get_flag("json") {
            true => json!({ "key": key, "value": plain(&setting.value), "layer": setting.layer.to_string(), "place": setting.place }).to_string(),
            false => format!("{key} = {value}    # {}: {}", setting.layer, setting.place),
        })?;
    }
    Ok(())
}

fn explain(settings: &Settings, matches: &ArgMatches) -> Outcome {
    let key = text(matches, "key").unwrap_or_default();
    let mut holds = true;
    for setting in settings.explain(key)? {
        let value = render_value(&setting.value);
        print(&match matches.get_flag("json") {
            true => json!({ "value": plain(&setting.value), "layer": setting.layer.to_string(), "place": setting.place, "holds": holds }).to_string(),
            false => format!("{} {value} ({}: {})", if holds { "used:" } else { "overridden:" }, setting.layer, setting.place),
        })?;
        holds = false;
    }
    if holds && !matches.get_flag("json") {
        print(&format!("{key} has no value in any layer"))?;
    }
    Ok(())
}

fn get(settings: &Settings, matches: &ArgMatches) -> Outcome {
    let key = text(matches, "key").unwrap_or_default();
    match settings.explain(key)?.next().map(|setting| &setting.value) {
        Some(Value::Text(text)) => print(text),
        Some(value) => print(&render_value(value)),
        None => Err(crate::stop::Stop::Code(3, format!("error: {key} has no value"))),
    }
}

fn set(keyward: &Keyward, matches: &ArgMatches) -> Outcome {
    let key = text(matches, "key").unwrap_or_default();
    let path = keyward.config().user_file();
    let value = match text(matches, "value") {
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

fn path(config: &Config, matches: &ArgMatches) -> Outcome {
    let places = config.places();
    let [(system_stores, _), (stores, _)] = config.store_folders();
    let [(system_plugins, _), (plugins, _)] = config.plugin_folders();
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
    if matches.get_flag("json") {
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
