use std::io;

use keyward::{Keyward, OpenStore, Silent, StoreName};
use keyward_accounts::{Accounts, Unbound};
use keyward_config::Environment;
use keyward_core::{Error, Secret};
use keyward_git::GIT_ASKS;
use keyward_helper::git::{self, Action, CAPABILITIES, MAX_REQUEST, Reply, Request};

use crate::input::{UntilEmptyLine, standard_input};
use crate::output::{complain, print_secret};
use crate::session::Session;
use crate::stop::Outcome;

/// Answer git's credential protocol; `keyward setup git` makes git call it
#[derive(clap::Args, Debug, PartialEq)]
#[command(after_help = "Example:
  printf 'protocol=https\\nhost=example.com\\n' | keyward helper git get --store work")]
pub(crate) struct Arguments {
    /// get, store, erase or capability; any other does nothing
    action: String,
    /// The store; one that does not exist has no credentials
    #[arg(long, value_name = "S", default_value = "git")]
    store: String,
    /// The user of the credentials [default: the store's `user`, else you]
    #[arg(short, long, value_name = "U")]
    user: Option<String>,
    /// Also return credentials that are stored without an origin, if the URL is the name of their entry
    #[arg(long)]
    unbound: bool,
}

impl Arguments {
    /// Parses the words after `helper git`, if they have the form that `keyward setup git` writes
    /// into git's configuration.
    pub(super) fn from_setup(words: &[&str]) -> Option<Self> {
        match *words {
            ["--store", store, action] if ![store, action].iter().any(|it| it.starts_with('-')) => {
                let (store, action) = (store.to_owned(), action.to_owned());
                Some(Self { action, store, user: None, unbound: false })
            }
            _ => None,
        }
    }
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let environment = Environment::of_process();
    let action = Action::from_word(&arguments.action);
    // If Keyward itself asks git, git must not ask Keyward in turn.
    let Some(action) = action.filter(|_| environment.get(GIT_ASKS).is_none()) else {
        return Ok(());
    };
    if action == Action::Capability {
        return print_secret(&Secret::from(CAPABILITIES), false);
    }
    let said = answer(session, environment, arguments, action);
    match said.and_then(|reply| Ok(reply.encode()?)) {
        Ok(said) => print_secret(&said, false),
        // Otherwise git would ask its next helper or the user, although this store may hold the
        // credential.
        Err(stop) if action == Action::Get => {
            print_secret(&Reply::quit().encode()?, false)?;
            Err(stop)
        }
        Err(stop) => Err(stop),
    }
}

fn answer(
    session: &Session,
    environment: Environment,
    arguments: &Arguments,
    action: Action,
) -> Outcome<Reply> {
    let request = request()?;
    if action == Action::Store
        && let Some(why) = &request.refusal
    {
        // git ignores how a helper ends, and would ask for the password again without a reason.
        complain(&format!("warning: keyward does not keep this credential: {why}"));
    }
    let keyward = keyward(session, environment)?;
    let Some(store) = store(&keyward, arguments)? else { return Ok(Reply::default()) };
    let id = store.entry(arguments.user.as_deref(), None)?;
    let unbound = if arguments.unbound { Unbound::Give } else { Unbound::Refuse };
    let accounts = Accounts::new(&*store, id.user()).with_unbound(unbound);
    let now = store.now();
    match action {
        Action::Get => return Ok(git::get(&request, &accounts, now)?),
        Action::Store => git::store(&request, &accounts, now)?,
        Action::Erase => git::erase(&request, &accounts, now)?,
        Action::Capability => {}
    }
    Ok(Reply::default())
}

fn request() -> Outcome<Request> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => Error::invalid("read the request", "it is too large"),
        _ => Error::io("read the request", error),
    };
    let input = UntilEmptyLine::new(standard_input().map_err(failed)?);
    let request = Secret::read_from(input, MAX_REQUEST).map_err(failed)?;
    Ok(Request::parse(request.expose())?)
}

/// As in git, `GIT_TERMINAL_PROMPT=0` means that nothing prompts for a passphrase.
fn keyward(session: &Session, environment: Environment) -> Outcome<Keyward> {
    let prompts = environment.get("GIT_TERMINAL_PROMPT");
    let is_off = |word: &str| prompts.as_ref().is_some_and(|set| set.eq_ignore_ascii_case(word));
    if ["0", "false", "no", "off", ""].into_iter().any(is_off) {
        return Ok(Keyward::with(environment, Silent)?);
    }
    Ok(Keyward::with(environment, session.console)?)
}

/// The store, unless it does not exist or is being removed.
fn store(keyward: &Keyward, arguments: &Arguments) -> Outcome<Option<OpenStore>> {
    match keyward.config().find_store(&StoreName::new(&arguments.store)?)? {
        Some(file) if !file.deleting => {
            Ok(Some(keyward.store_from(file, arguments.user.as_deref())?))
        }
        _ => Ok(None),
    }
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
