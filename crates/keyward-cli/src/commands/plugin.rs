//! Trusts, lists, makes and checks backends that are not part of the program.

mod build;
mod check;
mod forget;
mod host;
mod list;
mod new;
mod show;
mod trust;

use clap::{Arg, ArgMatches, Command};
use keyward_config::{Config, PluginFile, PluginName, nearest};
use keyward_core::{Error, ErrorKind};

use super::{Entry, Session};
use crate::arguments::text;
use crate::output::harmless;
use crate::stop::Outcome;
use crate::terminal::Terminal;
pub(crate) use check::inside as check_inside;

pub(super) const ENTRY: Entry = Entry {
    name: "plugin",
    about: "Trust, list, make and check backends that are libraries or separate programs",
    example: "keyward plugin trust /usr/lib/keyward/libshelf.so\nkeyward plugin list",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(trust::command())
        .subcommand(list::command())
        .subcommand(show::command())
        .subcommand(forget::command())
        .subcommand(new::command())
        .subcommand(build::command())
        .subcommand(check::command())
        .subcommand(host::command())
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("trust", matches)) => trust::run(session, matches),
        Some(("list", matches)) => list::run(session, matches),
        Some(("show", matches)) => show::run(session, matches),
        Some(("forget", matches)) => forget::run(session, matches),
        Some(("new", matches)) => new::run(matches),
        Some(("build", matches)) => build::run(matches),
        Some(("check", matches)) => check::run(matches),
        Some(("host", matches)) => host::run(matches),
        _ => Ok(()),
    }
}

/// The argument that names a plugin.
fn name() -> Arg {
    Arg::new("name").value_name("NAME").required(true).help("The plugin")
}

/// The plugin that `NAME` names.
fn named(matches: &ArgMatches) -> Outcome<PluginName> {
    Ok(PluginName::new(text(matches, "name").unwrap_or_default())?)
}

/// Returns the error for a plugin that does not exist.
fn unknown(config: &Config, name: &PluginName) -> Error {
    let folders = config.plugin_folders().map(|(folder, _)| folder.display().to_string());
    let searched = folders.join(" and ");
    let files = config.plugins().files;
    let hint = nearest(name.as_str(), files.iter().map(|file| file.name.as_str()));
    Error::invalid("open", format!("there is no plugin `{name}`")).hint(hint.unwrap_or_else(|| {
        format!("Keyward looked in {searched}; `keyward plugin list` shows the plugins")
    }))
}

/// Returns the backends that a plugin provides, as `storage shelf, key shelf`.
fn brought(file: &PluginFile) -> String {
    let words = file.backends.iter().map(|(role, name)| format!("{role} {name}"));
    words.collect::<Vec<_>>().join(", ")
}

/// Quotes a path for a shell.
pub(super) fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,".contains(c);
    match path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

/// Asks on the terminal. Unless the answer is yes, it returns an error that says `otherwise`.
fn confirm(question: &str, otherwise: &str) -> Outcome {
    let terminal = Terminal::open().map_err(|error| error.hint("Use --yes to skip the question"));
    let lines: Vec<_> = question.split('\n').map(harmless).collect();
    let answer = terminal?.ask_open(&format!("{} [y/N] ", lines.join("\n")))?;
    match answer.expose() {
        b"y" | b"Y" | b"yes" => Ok(()),
        _ => Err(Error::new(ErrorKind::Other, "usage").because(otherwise).into()),
    }
}
