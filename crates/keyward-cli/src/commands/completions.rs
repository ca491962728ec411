use std::ffi::OsString;

use clap_complete::Shell;

use super::{Run, program};
use crate::output::{Lines, print};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Print the completion script of a shell
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward completions bash > ~/.local/share/bash-completion/completions/keyward")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

impl Run for Arguments {
    fn run(self, _: &Session) -> Outcome {
        let script = match self.shell {
            Shell::Bash => bash(),
            Shell::Zsh => ZSH.to_owned(),
            Shell::Fish => FISH.to_owned(),
            // These complete commands and options, but not the names on this machine.
            shell => generated(shell),
        };
        print(script.trim_end())
    }
}

/// The scripts call the program with this word, the index of the word to complete, and all words.
const CALL: &str = "__complete";

const BASH: &str = include_str!("completions/keyward.bash");
const ZSH: &str = include_str!("completions/keyward.zsh");
const FISH: &str = include_str!("completions/keyward.fish");

/// Returns a script that completes all commands and options, and never calls the program.
fn generated(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program(), "keyward", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the generated script with its function renamed, and the function that asks the program
/// first.
fn bash() -> String {
    let generated =
        generated(Shell::Bash).replacen("_keyward() {", "_keyward_without_values() {", 1);
    format!("{generated}\n{BASH}")
}

/// If a completion script calls, prints the candidates for a word: one on each line, with its help
/// after a tab.
///
/// It opens no store and never asks for a passphrase. It leaves out names that it cannot find.
pub(crate) fn answer(arguments: &[OsString]) -> Option<Outcome> {
    let [_, call, index, words @ ..] = arguments else { return None };
    if call != CALL {
        return None;
    }
    Some(match index.to_str().and_then(|index| index.parse().ok()) {
        Some(index) => complete(index, words),
        None => Err(usage_error(format!("{CALL} takes an index and words"))),
    })
}

fn complete(index: usize, words: &[OsString]) -> Outcome {
    let mut command = program();
    let mut words = words.to_vec();
    if index == words.len() {
        // The shell has left out an empty word at the end.
        words.push(OsString::new());
    }
    let found = clap_complete::engine::complete(&mut command, words, index, None);
    let mut lines = Lines::new();
    for candidate in found.unwrap_or_default() {
        let Some(value) = candidate.get_value().to_str() else { continue };
        // A name that would take two lines or move the cursor must be typed by hand.
        if value.contains(char::is_control) {
            continue;
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        lines.print(&format!("{value}\t{}", help.lines().next().unwrap_or_default()))?;
    }
    lines.end()
}
