use std::io;

use clap::{Arg, ArgMatches, Command};
use keyward::{Keyward, OpenStore, Silent, StoreName};
use keyward_accounts::{Accounts, Unbound};
use keyward_config::Environment;
use keyward_core::{Error, Secret};
use keyward_git::GIT_ASKS;
use keyward_helper::git::{self, Action, CAPABILITIES, MAX_REQUEST, Reply, Request};

use crate::arguments::{self, switch, text};
use crate::commands::Session;
use crate::input::{UntilEmptyLine, standard_input};
use crate::output::{complain, print_secret};
use crate::stop::Outcome;

pub(super) fn command() -> Command {
    Command::new("git")
        .about("Answer git's credential protocol; `keyward setup git` makes git call it")
        .after_help("Example:\n  printf 'protocol=https\\nhost=example.com\\n' | keyward helper git get --store work")
        .arg(
            Arg::new("action")
                .value_name("ACTION")
                .required(true)
                .help("get, store, erase or capability; any other does nothing"),
        )
        .arg(
            Arg::new("store")
                .long("store")
                .value_name("S")
                .default_value("git")
                .help("The store; one that does not exist has no credentials"),
        )
        .arg(arguments::user().help("The user of the credentials [default: you]"))
        .arg(switch("unbound", "Also return credentials that are stored without an origin, if the URL is the name of their entry"))
}

/// A request of git.
#[derive(Debug, PartialEq)]
pub(super) struct Asked<'a> {
    action: &'a str,
    store: &'a str,
    user: Option<&'a str>,
    unbound: Unbound,
}

impl<'a> Asked<'a> {
    /// Parses the words after `helper git`, if they have the form that `keyward setup git` writes
    /// into git's configuration.
    pub(super) fn plain(words: &[&'a str]) -> Option<Self> {
        match *words {
            ["--store", store, action] if ![store, action].iter().any(|it| it.starts_with('-')) => {
                Some(Self { action, store, user: None, unbound: Unbound::Refuse })
            }
            _ => None,
        }
    }
}

impl<'a> From<&'a ArgMatches> for Asked<'a> {
    fn from(matches: &'a ArgMatches) -> Self {
        Self {
            action: text(matches, "action").unwrap_or_default(),
            store: text(matches, "store").unwrap_or_default(),
            user: text(matches, "user"),
            unbound: if matches.get_flag("unbound") { Unbound::Give } else { Unbound::Refuse },
        }
    }
}

pub(super) fn run(session: &Session, asked: &Asked<'_>) -> Outcome {
    let environment = Environment::of_process();
    let action = Action::from_word(asked.action);
    // If Keyward itself asks git, git must not ask Keyward in turn.
    let Some(action) = action.filter(|_| environment.get(GIT_ASKS).is_none()) else {
        return Ok(());
    };
    if action == Action::Capability {
        return print_secret(&Secret::from(CAPABILITIES), false);
    }
    let said = answer(session, environment, asked, action);
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
    asked: &Asked<'_>,
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
    let Some(store) = store(&keyward, asked)? else { return Ok(Reply::default()) };
    let id = store.entry(asked.user, None)?;
    let accounts = Accounts::new(&store.store, id.user()).with_unbound(asked.unbound);
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
fn store(keyward: &Keyward, asked: &Asked<'_>) -> Outcome<Option<OpenStore>> {
    match keyward.config().find_store(&StoreName::new(asked.store)?)? {
        Some(file) if !file.deleting => Ok(Some(keyward.store_from(file, asked.user)?)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_ask_what_the_command_line_does() {
        for [store, action] in [["git", "get"], ["a b", "store"], ["", ""], ["s", "some day"]] {
            let words = ["--store", store, action];
            let matches = command().no_binary_name(true).try_get_matches_from(words).unwrap();
            assert_eq!(Asked::plain(&words), Some(Asked::from(&matches)), "{words:?}");
        }
    }

    #[test]
    fn other_words_are_not_plain() {
        for words in [
            &["--store", "-s", "get"][..],
            &["--store", "get", "--help"],
            &["--store", "get"],
            &["--store=s", "get"],
            &["--store", "s", "get", "--unbound"],
            &["get"],
        ] {
            assert_eq!(Asked::plain(words), None, "{words:?}");
        }
    }
}
