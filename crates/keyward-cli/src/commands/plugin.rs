//! Trusts, lists, makes and checks backends that are not part of the program.

mod build;
mod check;
mod forget;
mod host;
mod list;
mod new;
mod show;
mod trust;

use keyward_config::{Config, PluginFile, PluginName, nearest};
use keyward_core::{Error, ErrorKind};

use super::Run;
use crate::console::Console;
use crate::output::escaped;
use crate::session::Session;
use crate::stop::Outcome;

/// Trust, list, make and check backends that are libraries or separate programs
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward plugin trust /usr/lib/keyward/libshelf.so
  keyward plugin list")]
pub(super) enum Command {
    Trust(trust::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Forget(forget::Arguments),
    New(new::Arguments),
    Build(build::Arguments),
    Check(check::Arguments),
    Host(host::Arguments),
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Trust(arguments) => trust::run(session, &arguments),
            Self::List(arguments) => list::run(session, &arguments),
            Self::Show(arguments) => show::run(session, &arguments),
            Self::Forget(arguments) => forget::run(session, &arguments),
            Self::New(arguments) => new::run(arguments),
            Self::Build(arguments) => build::run(&arguments),
            Self::Check(arguments) => check::run(arguments),
            Self::Host(arguments) => host::run(&arguments),
        }
    }
}

/// Returns the error for a plugin that does not exist.
fn unknown_plugin(config: &Config, name: &PluginName) -> Error {
    let folders = config.plugin_folders().map(|folder| folder.path.display().to_string());
    let searched = folders.join(" and ");
    let files = config.plugins().files;
    let hint = nearest(name.as_str(), files.iter().map(|file| file.name.as_str()));
    Error::invalid("open", format!("there is no plugin `{name}`")).hint(hint.unwrap_or_else(|| {
        format!("Keyward looked in {searched}; `keyward plugin list` shows the plugins")
    }))
}

/// Returns the backends that a plugin provides, as `storage shelf, key shelf`.
fn list_backends(file: &PluginFile) -> String {
    let words = file.backends.iter().map(|(role, name)| format!("{role} {name}"));
    words.collect::<Vec<_>>().join(", ")
}

/// Asks on the terminal. Unless the answer is yes, it returns an error that says `otherwise`.
pub(super) fn confirm(console: &Console, question: &str, otherwise: &str) -> Outcome {
    let terminal = console.terminal().map_err(|error| error.hint("Use --yes to skip the question"));
    let lines: Vec<_> = question.split('\n').map(escaped).collect();
    match terminal?.agrees(&format!("{} [y/N] ", lines.join("\n")))? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Other, "usage").because(otherwise).into()),
    }
}
