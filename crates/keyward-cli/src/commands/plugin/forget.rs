use clap::{ArgMatches, Command};

use crate::commands::Session;
use crate::exit::{Outcome, usage};

pub(super) fn command() -> Command {
    Command::new("forget")
        .about("Trust a plugin no longer")
        .after_help("Example:\n  keyward plugin forget shelf")
}

pub(super) fn run(_: &Session, _: &ArgMatches) -> Outcome {
    Err(usage("this is not there yet"))
}
