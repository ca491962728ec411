use clap::{ArgMatches, Command};

use crate::commands::Session;
use crate::exit::{Outcome, usage};

pub(super) fn command() -> Command {
    Command::new("list")
        .about("List the plugins that are trusted")
        .after_help("Example:\n  keyward plugin list")
}

pub(super) fn run(_: &Session, _: &ArgMatches) -> Outcome {
    Err(usage("this is not there yet"))
}
