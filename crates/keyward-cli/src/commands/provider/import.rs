use std::path::PathBuf;

use keyward::{Keyward, PROVIDERS};
use keyward_core::{Error, ErrorKind, Result, printable};
use keyward_import::datalad::providers::{FoundProvider, default_folder, gather};
use keyward_provider::Provider;
use serde_json::{Value, json};

use super::Where;
use crate::output::{escape_if_terminal, print};
use crate::stop::{Outcome, Stop};

/// Import providers of DataLad
#[derive(clap::Args)]
#[command(
    after_help = "What exists is not replaced, so an import can be repeated. `keyward help datalad` shows which
regular expressions are understood.

Example:
  keyward provider import --dry-run
  keyward provider import ~/.config/datalad/providers"
)]
pub(crate) struct Arguments {
    /// Files, or folders with files NAME.cfg [default: the folder of DataLad's configuration]
    paths: Vec<PathBuf>,
    /// Only show what would be imported
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object per provider
    #[arg(long)]
    json: bool,
    /// Where to write them
    #[arg(long, value_enum, default_value_t)]
    level: Where,
}

pub(super) fn run(keyward: &Keyward, arguments: &Arguments) -> Outcome {
    let mut paths = arguments.paths.clone();
    if paths.is_empty() {
        paths.push(default_folder(keyward.config()));
    }
    let gathered = gather(&paths)?;
    let mut is_complete = true;
    for found in gathered.found {
        let result = import(keyward, arguments, &found);
        is_complete &= result.is_ok();
        let shown = Shown { found: &found, result, is_dry: arguments.dry_run };
        match arguments.json {
            true => print(&shown.as_json().to_string())?,
            false => {
                shown.as_text().lines().try_for_each(|line| print(&escape_if_terminal(line)))?
            }
        }
    }
    for error in &gathered.failed {
        is_complete = false;
        match arguments.json {
            true => print(&json!({ "result": "refused", "why": error.message() }).to_string())?,
            false => print(&escape_if_terminal(&format!("refused: {}", error.message())))?,
        }
    }
    match is_complete {
        true => Ok(()),
        false => Err(Stop::Code(6, "error: not everything was imported, see above".into())),
    }
}

/// Writes what a provider becomes. Returns the new names; those that existed are left out.
fn import(keyward: &Keyward, arguments: &Arguments, found: &FoundProvider) -> Result<Vec<String>> {
    let refused = |error: &Error| Error::new(error.kind(), "import").because(error.message());
    let providers = found.providers.as_ref().map_err(refused)?;
    let config = keyward.config();
    let layer = arguments.level.layer();
    let mut new = Vec::new();
    for Provider { name, .. } in providers {
        keyward_core::canonical("name", name, 64)?;
    }
    // All of them or none: each is a part of one provider.
    for provider in providers {
        keyward.check_provider(provider).map_err(|error| refused(&error))?;
        match config.table_in(PROVIDERS, &provider.name, layer)? {
            Some(table) if table.text == provider.to_toml() => {}
            Some(_) => return Err(taken(&provider.name)),
            None => new.push(provider),
        }
    }
    for provider in &new {
        if !arguments.dry_run {
            config.add_table(PROVIDERS, &provider.name, layer, &provider.to_toml())?;
        }
    }
    Ok(new.into_iter().map(|provider| provider.name.clone()).collect())
}

fn taken(name: &str) -> Error {
    let why = format!("there is another provider `{}`", printable(name));
    Error::new(ErrorKind::Exists, "import").because(why)
}

/// What came of a provider.
struct Shown<'a> {
    found: &'a FoundProvider,
    result: Result<Vec<String>>,
    is_dry: bool,
}

impl Shown<'_> {
    fn word(&self) -> &'static str {
        match &self.result {
            Err(_) => "refused",
            Ok(new) if new.is_empty() => "present",
            Ok(_) if self.is_dry => "would be imported",
            Ok(_) => "imported",
        }
    }

    fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.found.providers.iter().flatten()
    }

    fn as_text(&self) -> String {
        let Self { found, result, .. } = self;
        let mut text = format!("{}: {}", self.word(), found.name);
        if let Err(error) = result {
            return text + ": " + error.message();
        }
        for provider in self.providers() {
            let origins: Vec<_> = provider.origins.iter().map(ToString::to_string).collect();
            let path = provider.path.as_ref().map(ToString::to_string).unwrap_or_default();
            text += &format!("\n  {}: {} {path}", provider.name, origins.join(" "));
            text.truncate(text.trim_end().len());
        }
        if let Some((name, kind)) = &found.credential {
            text += &format!("\n  credential: {name} ({kind})");
        }
        if found.is_without_http {
            text += "\n  without http, which everyone on the way can read";
        }
        text
    }

    fn as_json(&self) -> Value {
        let provider = |provider: &Provider| {
            json!({
                "name": provider.name,
                "origins": provider.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "path": provider.path.as_ref().map(ToString::to_string),
                "auth": provider.auth.name(),
            })
        };
        json!({
            "name": self.found.name,
            "result": self.word(),
            "why": self.result.as_ref().err().map(Error::message),
            "providers": self.providers().map(provider).collect::<Vec<_>>(),
            "credential": self.found.credential.as_ref().map(|(name, _)| name),
            "kind": self.found.credential.as_ref().map(|(_, kind)| kind),
            "without_http": self.found.is_without_http,
        })
    }
}
