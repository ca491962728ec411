use clap::{Arg, ArgMatches, Command};
use keyward::OpenStore;
use keyward_config::Interaction;
use keyward_core::{ErrorKind, Level};
use keyward_store::{Rotated, Verified};
use serde_json::json;

use super::{Entry, Session};
use crate::arguments::{self, switch, text};
use crate::exit::each;
use crate::output::{complain, print};
use crate::progress::Progress;
use crate::stop::{Outcome, Stop};

pub(super) const ENTRY: Entry = Entry {
    name: "store",
    about: "Check a store, give it a new key, or give a user a folder in it",
    example: "keyward store verify work\nkeyward store rotate work",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("verify")
                .about("Open every entry and report those that do not open")
                .after_help("Example:\n  keyward store verify work")
                .arg(arguments::store())
                .arg(arguments::user().help("List only the entries of this user"))
                .arg(arguments::json()),
        )
        .subcommand(
            Command::new("rotate")
                .about("Encrypt every entry with a new key, or continue an interrupted rotation")
                .after_help(
                    "Example:\n  keyward store rotate work\n  keyward store rotate work --retire",
                )
                .arg(arguments::store())
                .arg(switch(
                    "retire",
                    "Delete the old keys instead; an error if an entry still needs one",
                ))
                .arg(arguments::json()),
        )
        .subcommand(
            Command::new("enroll")
                .about("Give a user of this machine a folder in a store for all users")
                .after_help("Example:\n  keyward store enroll team bob")
                .arg(arguments::store())
                .arg(Arg::new("user").value_name("USER").required(true).help("The user")),
        )
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("verify", matches)) => verify(session, matches),
        Some(("rotate", matches)) => rotate(session, matches),
        Some(("enroll", matches)) => enroll(session, matches),
        _ => Ok(()),
    }
}

fn verify(session: &Session, matches: &ArgMatches) -> Outcome {
    let mut progress = Progress::new("checked");
    let mut verified = Verified::default();
    let outcome = each(chosen(session, matches)?, |store| {
        store.store.verify(text(matches, "user"), |id, error| {
            progress.step();
            // Counted here, so that the result contains what was found before the storage failed.
            let Some(error) = error else {
                verified.good += 1;
                return;
            };
            progress.clear();
            let what = match error.kind() {
                ErrorKind::NoKey => {
                    verified.closed += 1;
                    "not openable by you"
                }
                ErrorKind::Refused => "refused",
                _ => {
                    verified.corrupt += 1;
                    "corrupt"
                }
            };
            complain(&format!("{id}: {what} ({})", error.message()));
        })?;
        Ok(())
    });
    progress.clear();
    if outcome.is_err() && verified == Verified::default() {
        return outcome;
    }
    if matches.get_flag("json") {
        let report = json!({ "good": verified.good, "closed": verified.closed, "corrupt": verified.corrupt });
        print(&report.to_string())?;
    } else {
        print(&format!(
            "{} good, {} not openable by you, {} corrupt",
            verified.good, verified.closed, verified.corrupt
        ))?;
    }
    match verified.corrupt {
        0 => outcome,
        _ => each([outcome, Err(Stop::Code(6, CORRUPT.into()))], |outcome| outcome),
    }
}

const CORRUPT: &str = "error: the store holds corrupt entries";

fn rotate(session: &Session, matches: &ArgMatches) -> Outcome {
    let json = matches.get_flag("json");
    let stores = chosen(session, matches)?;
    if matches.get_flag("retire") {
        let mut retired = 0;
        let outcome = each(&stores, |store| {
            retired += store.store.retire()?;
            Ok(())
        });
        if outcome.is_err() && retired == 0 {
            return outcome;
        }
        print(&match json {
            true => json!({ "retired": retired }).to_string(),
            false => format!("{} deleted", old_keys(retired)),
        })?;
        return outcome;
    }
    let mut progress = Progress::new("resealed");
    let mut rotated = Rotated::default();
    let outcome = each(&stores, |store| {
        session.console.log(Level::Info, format_args!("rotating store `{}`", store.file.name));
        let done = store.store.rotate(|_| progress.step())?;
        rotated.resealed += done.resealed;
        rotated.current += done.current;
        rotated.old_keys += done.old_keys;
        Ok(())
    });
    progress.clear();
    if outcome.is_err() && rotated == Rotated::default() {
        return outcome;
    }
    print(&match json {
        true => json!({
            "resealed": rotated.resealed,
            "current": rotated.current,
            "old_keys": rotated.old_keys,
        })
        .to_string(),
        false if rotated.old_keys == 0 => format!("{} resealed", entries(rotated.resealed)),
        false => format!(
            "{} resealed, {} kept (--retire deletes old keys once no entry needs them)",
            entries(rotated.resealed),
            old_keys(rotated.old_keys)
        ),
    })?;
    outcome
}

fn entries(number: u64) -> String {
    format!("{number} {}", if number == 1 { "entry" } else { "entries" })
}

fn old_keys(number: usize) -> String {
    format!("{number} old {}", if number == 1 { "key" } else { "keys" })
}

fn enroll(session: &Session, matches: &ArgMatches) -> Outcome {
    let (store, user) = (text(matches, "store"), text(matches, "user"));
    Ok(session.keyward()?.enroll(store.unwrap_or_default(), user.unwrap_or_default())?)
}

/// Opens the store `STORE`: for the user of `--user`, or once for each user whose entries the
/// caller may see.
fn chosen(session: &Session, matches: &ArgMatches) -> Outcome<Vec<OpenStore>> {
    let keyward = session.keyward()?;
    let name = text(matches, "store").unwrap_or_default();
    match matches.try_get_one::<String>("user") {
        Ok(Some(user)) => Ok(vec![keyward.store_of(name, Some(user))?]),
        _ => Ok(keyward.stores_of_all(name)?),
    }
}
