use clap::{ArgMatches, Command};

use crate::commands::Session;
use crate::exit::{Outcome, usage};

pub(super) fn command() -> Command {
    Command::new("show")
        .about("Show all that is known of a plugin")
        .after_help("Example:\n  keyward plugin show shelf")
}

pub(super) fn run(_: &Session, _: &ArgMatches) -> Outcome {
    Err(usage("this is not there yet"))
}
