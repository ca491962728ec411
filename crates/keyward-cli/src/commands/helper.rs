//! Answers other programs. Another program may also call a helper by a program name in `PROGRAMS`.

mod git;
mod runner;

use std::ffi::OsString;
use std::path::Path;

use super::Run;
use crate::console::Console;
use crate::session::Session;
use crate::stop::Outcome;

/// Answer another program that asks for credentials
#[derive(clap::Parser)]
#[command(after_help = "Example:
  printf 'protocol=https\\nhost=example.com\\n' | keyward helper git get --store work")]
pub(super) enum Command {
    Git(git::Arguments),
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Git(arguments) => git::run(session, &arguments),
        }
    }
}

/// The program names by which other programs call a helper, and the helper's command.
const PROGRAMS: &[(&str, &str)] = &[("git-credential-keyward", "git")];

/// Answers a call in the form that `keyward setup git` writes. It does not build clap's arguments:
/// that would take a tenth of the process's CPU time, while git waits.
pub(crate) fn run_call_of_setup(arguments: &[OsString]) -> Option<Outcome> {
    let words: Option<Vec<_>> = arguments.iter().map(|word| word.to_str()).collect();
    let [_, "helper", "git", words @ ..] = words.as_deref()? else { return None };
    let session = Session::new("helper git", Console::default());
    Some(git::run(&session, &git::Arguments::from_setup(words)?))
}

/// Replaces a helper's program name by the command that runs the helper.
pub(crate) fn by_program_name(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().and_then(|program| Path::new(program).file_name());
    if let Some((_, tool)) = PROGRAMS.iter().find(|(name, _)| called == Some(name.as_ref())) {
        arguments.splice(..1, ["keyward", "helper", tool].map(OsString::from));
    }
    arguments
}
