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

use clap::{Arg, ArgAction, ArgMatches, Command, Parser};
use keyward::OpenStore;
use keyward_core::EntryId;

use crate::session::Session;
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
    entry::<import::Command>("import"),
    entry::<setup::Command>("setup"),
    helper::ENTRY,
    backend::ENTRY,
    entry::<plugin::Command>("plugin"),
    config::ENTRY,
    doctor::ENTRY,
    completions::ENTRY,
    man::ENTRY,
    help::ENTRY,
];

/// The arguments of a command, which say what it does. They derive [`clap::Parser`]: their comments
/// are the command's help.
pub(crate) trait Run: Parser {
    fn run(self, session: &Session) -> Outcome;
}

/// Returns the command with these arguments.
const fn entry<A: Run>(name: &'static str) -> Entry {
    Entry {
        name,
        about: "",
        example: "",
        arguments: |_| A::command(),
        run: |session, matches| A::from_arg_matches(matches)?.run(session),
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
    (entry.arguments)(command).name(entry.name)
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
