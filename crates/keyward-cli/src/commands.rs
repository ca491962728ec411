//! The commands, one file each.

mod account;
mod auth;
mod backend;
mod check;
pub(crate) mod completions;
pub(crate) mod config;
mod copy;
mod curl;
mod delete;
mod doctor;
mod edit;
mod explain;
mod fetch;
mod generate;
mod get;
mod help;
pub(crate) mod helper;
mod import;
mod info;
mod init;
mod inject;
mod keycards;
mod kind;
mod list;
mod man;
mod netrc;
mod oauth;
mod plugin;
mod profile;
mod project;
mod provider;
mod read;
mod rename;
mod resolve;
mod rm;
mod run;
mod serve;
mod set;
mod setup;
mod stat;
mod store;
mod trust;
mod unset;
mod upload;

use clap::{ArgAction, ArgMatches, Command, CommandFactory, Parser};

use crate::session::Session;
use crate::stop::Outcome;

/// The arguments of a command. They derive [`clap::Parser`]: their comments are the command's help.
pub(crate) trait Run: Parser {
    fn run(self, session: &Session) -> Outcome;
}

/// A command of the program.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    arguments: fn() -> Command,
    pub(crate) run: fn(&Session, ArgMatches) -> Outcome,
}

/// Returns the command that has these arguments.
const fn entry<Arguments: Run>(name: &'static str) -> Entry {
    Entry {
        name,
        arguments: Arguments::command,
        run: |session, mut matches| Arguments::from_arg_matches_mut(&mut matches)?.run(session),
    }
}

impl Entry {
    /// Returns the command as clap parses it.
    pub(crate) fn command(&self) -> Command {
        (self.arguments)().name(self.name)
    }
}

/// Every command, in the order in which help shows them.
pub(crate) const COMMANDS: &[Entry] = &[
    entry::<init::Arguments>("init"),
    entry::<set::Arguments>("set"),
    entry::<get::Arguments>("get"),
    entry::<unset::Arguments>("unset"),
    entry::<edit::Arguments>("edit"),
    entry::<generate::Arguments>("generate"),
    entry::<copy::Arguments>("copy"),
    entry::<rename::Arguments>("rename"),
    entry::<read::Arguments>("read"),
    entry::<run::Arguments>("run"),
    entry::<inject::Arguments>("inject"),
    entry::<rm::Arguments>("rm"),
    entry::<list::Arguments>("list"),
    entry::<info::Arguments>("info"),
    entry::<resolve::Arguments>("resolve"),
    entry::<explain::Arguments>("explain"),
    entry::<check::Arguments>("check"),
    entry::<trust::Arguments>("trust"),
    entry::<oauth::Command>("oauth"),
    entry::<auth::Command>("auth"),
    entry::<serve::Arguments>("serve"),
    entry::<keycards::Command>("keycards"),
    entry::<fetch::Arguments>("fetch"),
    entry::<curl::Arguments>("curl"),
    entry::<netrc::Arguments>("netrc"),
    entry::<stat::Arguments>("stat"),
    entry::<upload::Arguments>("upload"),
    entry::<delete::Arguments>("delete"),
    entry::<provider::Command>("provider"),
    entry::<store::Command>("store"),
    entry::<account::Command>("account"),
    entry::<import::Command>("import"),
    entry::<setup::Command>("setup"),
    entry::<helper::Command>("helper"),
    entry::<kind::Command>("kind"),
    entry::<backend::Command>("backend"),
    entry::<plugin::Command>("plugin"),
    entry::<profile::Command>("profile"),
    entry::<config::Command>("config"),
    entry::<doctor::Arguments>("doctor"),
    entry::<completions::Arguments>("completions"),
    entry::<man::Arguments>("man"),
    entry::<help::Arguments>("help"),
];

/// Keep credentials for people and programs
#[derive(clap::Parser)]
#[command(
    name = "keyward",
    version,
    after_help = "`keyward help` shows the user guide.

Example:
  keyward init work
  keyward set work ann
  keyward get work -p",
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Root {
    /// Print more messages on standard error; repeat it for still more
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Fail at once instead of asking you
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

/// Returns the program with all commands, for help, completions and man pages.
pub(crate) fn program() -> Command {
    COMMANDS.iter().fold(Root::command(), |root, entry| root.subcommand(entry.command()))
}
