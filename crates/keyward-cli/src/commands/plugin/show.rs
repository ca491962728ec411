use keyward::PluginState;
use keyward_config::{PluginFile, PluginName};
use keyward_loader::Pin;
use serde_json::json;

use super::{list, list_backends, unknown_plugin};
use crate::candidates;
use crate::output::{escape_if_terminal, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Show a plugin's file, hash, state and backends
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin show shelf")]
pub(crate) struct Arguments {
    /// The plugin
    #[arg(add = candidates::plugins())]
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let name = PluginName::new(&arguments.name)?;
    let keyward = session.keyward()?;
    let config = keyward.config();
    let file = config.find_plugin(&name)?.ok_or_else(|| unknown_plugin(config, &name))?;
    let state = PluginState::check(&file);
    if arguments.json {
        return print(&as_json(&file, &state).to_string());
    }
    facts(&file, &state)
        .iter()
        .try_for_each(|(name, fact)| print(&escape_if_terminal(&format!("{name}: {fact}"))))
}

fn as_json(file: &PluginFile, state: &PluginState) -> serde_json::Value {
    let mut object = list::as_json(file, state);
    let pin = |pin: &Pin| json!({ "path": pin.path.display().to_string(), "sha256": pin.digest.to_string() });
    object["sha256"] = json!(file.pin.digest.to_string());
    object["host"] = json!(file.host.as_ref().map(|host| host.display().to_string()));
    object["needs"] = file.needs.iter().map(pin).collect();
    object["arguments"] = json!(file.arguments);
    object["environment"] = json!(file.environment);
    object
}

fn facts(file: &PluginFile, state: &PluginState) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("plugin", file.name.to_string()),
        ("file", format!("{} ({})", file.path.display(), file.layer)),
        ("door", file.door.to_string()),
        ("path", file.pin.path.display().to_string()),
        ("sha256", file.pin.digest.to_string()),
        ("state", state.word().to_owned()),
    ];
    facts.extend(state.error().map(|error| ("why", error.summary())));
    facts.extend(file.host.iter().map(|host| ("host", host.display().to_string())));
    let needs = file.needs.iter();
    facts.extend(needs.map(|need| ("needs", format!("{} {}", need.path.display(), need.digest))));
    facts.extend(file.arguments.iter().map(|argument| ("argument", argument.clone())));
    facts.extend(file.environment.iter().map(|variable| ("variable", variable.clone())));
    facts.push(("backends", list_backends(file)));
    facts
}
