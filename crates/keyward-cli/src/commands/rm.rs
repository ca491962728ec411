use std::collections::BTreeMap;

use keyward::Keyward;
use keyward_config::Interaction;
use keyward_core::{Error, ErrorKind, Level, printable};

use super::Run;
use crate::candidates;
use crate::console::Console;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Remove stores with their keys, data and configuration
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward rm work")]
pub(super) struct Arguments {
    /// The stores
    #[arg(value_name = "NAME", required = true, add = candidates::stores())]
    stores: Vec<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let names = check_names(&keyward, &self.stores)?;
        if !self.yes {
            confirm(&session.console, &keyward, &names)?;
        }
        for name in names {
            let shown = printable(name);
            session.console.log(Level::Info, format_args!("deleting store `{shown}`"));
            keyward.delete_store(name)?;
        }
        Ok(())
    }
}

/// Returns the names of the stores, each once. All stores must exist before the first one is
/// removed.
fn check_names<'a>(keyward: &Keyward, all: &'a [String]) -> Outcome<Vec<&'a str>> {
    let mut names = Vec::new();
    let mut ids = BTreeMap::new();
    for name in all {
        let file = keyward.config().store(&keyward.config().store_called(name)?)?;
        if names.contains(&name.as_str()) {
            continue;
        }
        names.push(name);
        // After the first one is removed, the second one would be the last that names the id, and
        // would lose its data too.
        if let Some(first) = ids.insert(file.id, name) {
            let why = format!("`{first}` and `{name}` name the same id: remove one at a time");
            return Err(usage_error(why));
        }
    }
    Ok(names)
}

/// Prints what will be removed, and asks.
fn confirm(console: &Console, keyward: &Keyward, names: &[&str]) -> Outcome {
    let terminal = console.terminal();
    let mut terminal =
        terminal.map_err(|error| error.hint("Use --yes to remove without a question"))?;
    let mut question = String::from("This permanently removes:\n");
    let ids = keyward.config().store_ids()?;
    for name in names {
        let file = keyward.config().store(&keyward.config().store_called(name)?)?;
        if let Some(other) = ids.others(&file).next() {
            let (path, other) = (file.path.display(), other.display());
            question +=
                &format!("  {}: only {path}, because {other} names the same id\n", file.name);
            continue;
        }
        question += &format!("  {}: all entries in its {} storage", file.name, file.storage.name);
        if let Some(key) = &file.key {
            question += &format!(", its key (unless it was supplied: {})", key.from);
        }
        question += &format!(", and {}\n", file.path.display());
    }
    question += "Remove? [y/N] ";
    match terminal.agrees(&question)? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Other, "usage").because("nothing was removed").into()),
    }
}
