//! Changes to the files of providers.

use std::path::Path;

use keyward::{Keyward, PROVIDERS};
use keyward_config::{Environment, Layer, Table};
use keyward_core::{Error, ErrorKind, Result, canonical, printable};
use keyward_provider::{Level, Provider};

use super::{Where, missing};
use crate::editor;
use crate::output::{escaped, print};
use crate::stop::Outcome;

/// Edit the file of a provider, in your editor
#[derive(clap::Args)]
#[command(
    after_help = "The editor is $VISUAL, $EDITOR or vi. The change is kept only if it is valid.

Example:
  keyward provider edit example"
)]
pub(crate) struct Edit {
    /// The provider
    name: String,
    /// Where its file is
    #[arg(long, value_enum, default_value_t)]
    level: Where,
}

/// Remove a provider; its credentials stay
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward provider remove example")]
pub(crate) struct Remove {
    /// The provider
    name: String,
    /// Where its file is
    #[arg(long, value_enum, default_value_t)]
    level: Where,
}

/// Rename a provider
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward provider rename example shop")]
pub(crate) struct Rename {
    /// The provider
    name: String,
    /// Its new name
    new: String,
    /// Where its file is
    #[arg(long, value_enum, default_value_t)]
    level: Where,
}

/// Copy a provider, such as one of the system that you want to change
#[derive(clap::Args)]
#[command(after_help = "A copy with the name of the provider itself counts instead of it.

Example:
  keyward provider copy crawdad crawdad
  keyward provider edit crawdad")]
pub(crate) struct Copy {
    /// The provider
    name: String,
    /// The name of the copy
    new: String,
    /// Where to write it
    #[arg(long, value_enum, default_value_t)]
    level: Where,
}

pub(super) fn edit(keyward: &Keyward, Edit { name, level }: &Edit) -> Outcome {
    let config = keyward.config();
    let layer = level.layer();
    config.check_owner(layer)?;
    let table = find(keyward, name, layer)?;
    let path = config.table_path(PROVIDERS, name, layer);
    let shown = "the provider";
    editor::edit(&Environment::current(), &path, table.text.as_bytes(), shown, |copy, before| {
        let failed = |error| Error::io("edit", error);
        let text = std::fs::read_to_string(copy).map_err(failed)?;
        let provider = Provider::parse(name, &text, &escaped(&copy.display().to_string()))?;
        keyward.check_provider(&provider)?;
        match find(keyward, name, layer)?.text.as_bytes() == before {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Conflict, "edit")
                .because("another program changed the provider while the editor was open")
                .into()),
        }
    })?;
    Ok(config.publish_table(PROVIDERS, name, layer)?)
}

pub(super) fn remove(keyward: &Keyward, Remove { name, level }: &Remove) -> Outcome {
    match keyward.config().remove_table(PROVIDERS, name, level.layer())? {
        true => print(&format!("Removed: {}", escaped(name))),
        false => Err(elsewhere(keyward, name)?.into()),
    }
}

pub(super) fn rename(keyward: &Keyward, Rename { name, new, level }: &Rename) -> Outcome {
    let (config, layer) = (keyward.config(), level.layer());
    let text = find(keyward, name, layer)?.text;
    config.add_table(PROVIDERS, new, layer, &text).map_err(|error| exists(error, new))?;
    config.remove_table(PROVIDERS, name, layer)?;
    print(&format!("Renamed: {} to {}", escaped(name), escaped(new)))
}

pub(super) fn copy(keyward: &Keyward, Copy { name, new, level }: &Copy) -> Outcome {
    let config = keyward.config();
    canonical("name", new, 64)?;
    let providers = keyward.providers_in(Path::new("."))?;
    let (from, provider) = providers.get(name).ok_or_else(missing)?;
    // A file is copied as it is, with its comments.
    let table = match from {
        Level::User => config.table_in(PROVIDERS, name, Layer::User)?,
        Level::System => config.table_in(PROVIDERS, name, Layer::System)?,
        Level::Packaged | Level::Project => None,
    };
    let text = table.map_or_else(|| provider.to_toml(), |table| table.text);
    config.add_table(PROVIDERS, new, level.layer(), &text).map_err(|error| exists(error, new))?;
    print(&format!("Copied: {} ({}) to {}", escaped(name), from.name(), escaped(new)))
}

/// Returns the file of a provider in this layer.
fn find(keyward: &Keyward, name: &str, layer: Layer) -> Outcome<Table> {
    match keyward.config().table_in(PROVIDERS, name, layer)? {
        Some(table) => Ok(table),
        None => Err(elsewhere(keyward, name)?.into()),
    }
}

/// Returns the error for a provider that has no file in the layer that the user means.
fn elsewhere(keyward: &Keyward, name: &str) -> Result<Error> {
    let providers = keyward.providers_in(Path::new("."))?;
    let Some((level, _)) = providers.get(name) else { return Ok(missing()) };
    let shown = printable(name);
    let error = Error::new(ErrorKind::NotFound, "provider");
    Ok(match level {
        Level::User | Level::System => error
            .because(format!(
                "the provider `{shown}` is in the configuration of the {}",
                level.name()
            ))
            .hint(format!("Use --level {}", level.name())),
        Level::Packaged | Level::Project => {
            let from =
                if level == Level::Packaged { "comes with Keyward" } else { "is the project's" };
            error
                .because(format!("the provider `{shown}` {from}"))
                .hint(format!("Copy it first: keyward provider copy {shown} {shown}"))
        }
    })
}

/// Says which name is taken.
pub(super) fn exists(error: Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::Exists => Error::new(ErrorKind::Exists, "provider")
            .because(format!("there is a provider `{}`", printable(name)))
            .hint("Remove it first, or use another name"),
        _ => error,
    }
}
