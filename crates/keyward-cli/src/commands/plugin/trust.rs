use clap::{ArgMatches, Command};

use crate::commands::Session;
use crate::exit::{Outcome, usage};

pub(super) fn command() -> Command {
    Command::new("trust")
        .about("Trust a file that brings backends")
        .after_help("Example:\n  keyward plugin trust /usr/lib/keyward/libshelf.so")
}

pub(super) fn run(_: &Session, _: &ArgMatches) -> Outcome {
    Err(usage("this is not there yet"))
}
