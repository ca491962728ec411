//! The commands, one file each.

mod account;
mod backend;
mod completions;
pub(crate) mod config;
mod doctor;
mod get;
mod help;
mod helper;
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

use std::ffi::OsString;

use clap::{ArgMatches, Command};
use keyward::{Environment, Keyward, OpenStore};
use keyward_core::EntryId;

use crate::arguments::{self, text};
use crate::console::Console;
use crate::exit::{Outcome, Stop};

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

/// Parses the command line and runs the command.
pub(crate) fn run(arguments: Vec<OsString>) -> Outcome {
    let arguments = helper::by_program_name(arguments);
    if let Some(outcome) = helper::run_plain(&arguments) {
        return outcome;
    }
    if let Some(outcome) = completions::answer(&arguments) {
        return outcome;
    }
    let chosen = match arguments::parse(&arguments) {
        Ok(chosen) => chosen,
        Err(error) if error.use_stderr() => {
            return Err(Stop::Code(2, error.to_string().trim_end().to_owned()));
        }
        Err(help) => return crate::output::print(help.to_string().trim_end()),
    };
    let session = Session { console: Console { verbosity: chosen.verbosity } };
    (chosen.entry.run)(&session, &chosen.matches)
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
