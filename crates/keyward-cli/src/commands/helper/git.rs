use keyward::Environment;
use keyward_accounts::Unbound;
use keyward_git::GIT_ASKS;
use keyward_helper::git::Action;

use super::runner::{self, Options};
use crate::candidates;
use crate::session::Session;
use crate::stop::Outcome;

/// Answer git's credential protocol; `keyward setup git` makes git call it
#[derive(clap::Args, Debug, PartialEq)]
#[command(after_help = "Example:
  printf 'protocol=https\\nhost=example.com\\n' | keyward helper git get --store work")]
pub(crate) struct Arguments {
    /// get, store, erase or capability; any other action does nothing
    action: String,
    /// The store; if it does not exist, git gets no credentials
    #[arg(long, value_name = "S", default_value = "git", add = candidates::stores())]
    store: String,
    /// The user of the credentials [default: the store's `user`, else you]
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
    /// Also return credentials that are stored without an origin, if the URL is the name of their entry
    #[arg(long)]
    unbound: bool,
    /// Ask on the terminal before a new credential is stored
    #[arg(long)]
    confirm: bool,
    /// Ask nothing
    #[arg(long)]
    non_interactive: bool,
}

impl Arguments {
    /// Parses the words after `helper git`, if they have the form that `keyward setup git` writes
    /// into git's configuration.
    pub(super) fn from_setup(words: &[&str]) -> Option<Self> {
        match *words {
            ["--store", store, action] if ![store, action].iter().any(|it| it.starts_with('-')) => {
                let [store, action] = [store, action].map(str::to_owned);
                Some(Self {
                    action,
                    store,
                    user: None,
                    unbound: false,
                    confirm: false,
                    non_interactive: false,
                })
            }
            _ => None,
        }
    }
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let Some(action) = Action::from_word(&arguments.action) else { return Ok(()) };
    let environment = Environment::current();
    // If Keyward itself asks git, git must not ask Keyward in turn.
    if environment.get(GIT_ASKS).is_some() {
        return Ok(());
    }
    let options = Options {
        store: &arguments.store,
        user: arguments.user.as_deref(),
        unbound: if arguments.unbound { Unbound::Give } else { Unbound::Refuse },
        confirm: arguments.confirm,
        can_prompt: !arguments.non_interactive && can_prompt(&environment),
        environment,
    };
    runner::run(session, &action, options)
}

/// Whether git allows prompts: `GIT_TERMINAL_PROMPT` is not set to a false value.
fn can_prompt(environment: &Environment) -> bool {
    let value = environment.get("GIT_TERMINAL_PROMPT");
    let is = |word: &str| value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(word));
    !["0", "false", "no", "off", ""].into_iter().any(is)
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    #[test]
    fn the_words_that_setup_writes_mean_what_the_command_line_means() {
        for [store, action] in [["git", "get"], ["a b", "store"], ["", ""], ["s", "some day"]] {
            let words = ["--store", store, action];
            let command = Arguments::augment_args(Command::new("git")).no_binary_name(true);
            let matches = command.try_get_matches_from(words).unwrap();
            let parsed = Arguments::from_arg_matches(&matches).unwrap();
            assert_eq!(Arguments::from_setup(&words), Some(parsed), "{words:?}");
        }
    }

    #[test]
    fn setup_writes_no_other_words() {
        for words in [
            &["--store", "-s", "get"][..],
            &["--store", "get", "--help"],
            &["--store", "get"],
            &["--store=s", "get"],
            &["--store", "s", "get", "--unbound"],
            &["get"],
        ] {
            assert_eq!(Arguments::from_setup(words), None, "{words:?}");
        }
    }
}
