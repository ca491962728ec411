//! The commands, one file each.

mod account;
mod backend;
pub(crate) mod completions;
pub(crate) mod config;
mod doctor;
mod get;
mod help;
pub(crate) mod helper;
mod import;
mod info;
mod init;
mod list;
mod man;
mod plugin;
mod rm;
mod set;
mod setup;
mod store;
mod unset;

use clap::{Arg, ArgAction, ArgMatches, Command};
use keyward::{Environment, Keyward, OpenStore};
use keyward_core::EntryId;

use crate::arguments::text;
use crate::console::Console;
use crate::stop::{Outcome, Stop};

/// A command of the program.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Command lines that can be typed as they are.
    pub(crate) example: &'static str,
    pub(crate) arguments: fn(Command) -> Command,
    pub(crate) run: fn(&Session, &ArgMatches) -> Outcome,
}

/// Every command, in the order in which help shows them.
pub(crate) const COMMANDS: &[Entry] = &[
    init::ENTRY,
    set::ENTRY,
    get::ENTRY,
    unset::ENTRY,
    rm::ENTRY,
    list::ENTRY,
    info::ENTRY,
    store::ENTRY,
    account::ENTRY,
    import::ENTRY,
    setup::ENTRY,
    helper::ENTRY,
    backend::ENTRY,
    plugin::ENTRY,
    config::ENTRY,
    doctor::ENTRY,
    completions::ENTRY,
    man::ENTRY,
    help::ENTRY,
];

/// What a command needs to run.
pub(crate) struct Session {
    pub(crate) console: Console,
}

impl Session {
    /// Reads the configuration and finds the backends. Commands that need neither, such as `help`,
    /// do not call it.
    pub(crate) fn keyward(&self) -> Outcome<Keyward> {
        Ok(Keyward::with(Environment::of_process(), self.console)?)
    }

    /// Opens the store that `STORE` selects, and returns the user that `--user` selects.
    pub(crate) fn store(&self, matches: &ArgMatches) -> Outcome<(OpenStore, String)> {
        let user = text(matches, "user");
        let store = self.keyward()?.store_of(text(matches, "store").unwrap_or_default(), user)?;
        let user = store.entry(user, None)?.user().to_owned();
        Ok((store, user))
    }

    /// Opens the store, and returns the entry that `--user` and `--name` select.
    pub(crate) fn entry(&self, matches: &ArgMatches) -> Outcome<(OpenStore, EntryId)> {
        let (store, user) = self.store(matches)?;
        let id = store.entry(Some(&user), text(matches, "name"))?;
        Ok((store, id))
    }
}

/// Returns the root with all commands, for help, completions and man pages.
pub(crate) fn whole() -> Command {
    COMMANDS.iter().fold(root(), |root, entry| root.subcommand(tree(entry)))
}

/// The program itself, without its commands.
pub(crate) fn root() -> Command {
    Command::new("keyward")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Keep credentials for people and programs")
        .after_help("`keyward help` shows the user guide.\n\nExample:\n  keyward init work\n  keyward set work ann\n  keyward get work -p")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("verbose")
                .short('v')
                .long("verbose")
                .action(ArgAction::Count)
                .global(true)
                .help("Print more messages on standard error; repeat it for still more"),
        )
}

/// A command with its arguments.
pub(crate) fn tree(entry: &Entry) -> Command {
    let command = Command::new(entry.name)
        .about(entry.about)
        .after_help(format!("Example:\n  {}", entry.example.replace('\n', "\n  ")));
    (entry.arguments)(command)
}

pub(crate) use plugin::check_inside;

/// Returns the error for an entry that does not exist.
pub(crate) fn missing(id: &EntryId, store: &OpenStore) -> Stop {
    let name = &store.file.name;
    let user = id.user().escape_debug();
    let what = match id.name() {
        Some(entry) => {
            format!("user `{user}` has no entry `{}` in store `{name}`", entry.escape_debug())
        }
        None => format!("user `{user}` has no credentials in store `{name}`"),
    };
    Stop::Code(3, format!("error: {what}"))
}
