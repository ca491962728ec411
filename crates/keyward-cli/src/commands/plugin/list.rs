use keyward::PluginState;
use keyward_config::{BrokenPlugin, PluginFile};
use keyward_core::Error;
use serde_json::{Value, json};

use super::list_backends;
use crate::output::{escape_if_terminal, print};
use crate::session::Session;
use crate::stop::Outcome;

/// List the plugins that are trusted, and whether they have changed
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin list")]
pub(crate) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let plugins = session.keyward()?.config().plugins();
    let json = arguments.json;
    for file in &plugins.files {
        let state = PluginState::check(file);
        print(&if json { as_json(file, &state).to_string() } else { line(file, &state) })?;
    }
    for broken in &plugins.broken {
        print(&if json { broken_as_json(broken).to_string() } else { broken_line(broken) })?;
    }
    Ok(())
}

/// Returns what is known of a plugin, as JSON.
pub(super) fn as_json(file: &PluginFile, state: &PluginState) -> Value {
    let backends = file.backends.iter();
    let backends = backends.map(|(role, name)| json!({ "role": role.name(), "name": name }));
    json!({
        "name": file.name.as_str(),
        "door": file.door.name(),
        "state": state.word(),
        "why": state.error().map(Error::summary),
        "backends": backends.collect::<Vec<_>>(),
        "path": file.pin.path.display().to_string(),
        "file": file.path.display().to_string(),
        "layer": file.layer.to_string(),
    })
}

fn line(file: &PluginFile, state: &PluginState) -> String {
    let line = format!(
        "{:<12} {:<6} {:<8} {}  {}",
        file.name.to_string(),
        file.door,
        state.word(),
        file.pin.path.display(),
        list_backends(file)
    );
    with_reason(&line, state.error().map(Error::summary))
}

fn broken_as_json(broken: &BrokenPlugin) -> Value {
    json!({
        "name": broken.name.as_ref().map(|name| name.as_str()),
        "state": "broken",
        "why": broken.error.summary(),
        "file": broken.path.display().to_string(),
    })
}

fn broken_line(broken: &BrokenPlugin) -> String {
    let name = broken.name.as_ref().map(ToString::to_string).unwrap_or_default();
    let line = format!("{name:<12} {:<6} {:<8} {}", "-", "broken", broken.path.display());
    with_reason(&line, Some(broken.error.summary()))
}

fn with_reason(line: &str, why: Option<String>) -> String {
    match why {
        Some(why) => format!("{}\n    {}", escape_if_terminal(line), escape_if_terminal(&why)),
        None => escape_if_terminal(line),
    }
}
