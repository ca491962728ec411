use clap::{ArgMatches, Command};
use keyward_config::Interaction;
use keyward_core::{ErrorKind, Level};
use serde_json::json;

use super::{Entry, Session};
use crate::arguments::{self, switch, text};
use crate::exit::{Outcome, Stop};
use crate::output::{complain, print};
use crate::progress::Progress;

pub(super) const ENTRY: Entry = Entry {
    name: "store",
    about: "Check a store, or give it a new key",
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
                .arg(arguments::user().help("Only the entries of this user"))
                .arg(arguments::json()),
        )
        .subcommand(
            Command::new("rotate")
                .about("Seal every entry under a new key; an interrupted rotation goes on")
                .after_help(
                    "Example:\n  keyward store rotate work\n  keyward store rotate work --retire",
                )
                .arg(arguments::store())
                .arg(switch("retire", "Drop the old keys instead, once no entry needs them"))
                .arg(arguments::json()),
        )
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    match matches.subcommand() {
        Some(("verify", matches)) => verify(session, matches),
        Some(("rotate", matches)) => rotate(session, matches),
        _ => Ok(()),
    }
}

fn verify(session: &Session, matches: &ArgMatches) -> Outcome {
    let store = session.keyward()?.store(text(matches, "store").unwrap_or_default())?;
    let mut progress = Progress::new("checked");
    let verified = store.store.verify(text(matches, "user"), |id, error| {
        progress.step();
        if let Some(error) = error {
            progress.clear();
            let what = match error.kind() {
                ErrorKind::NoKey => "not openable by you",
                _ => "corrupt",
            };
            complain(&format!("{id}: {what} ({})", error.message()));
        }
    })?;
    progress.clear();
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
        0 => Ok(()),
        _ => Err(Stop::Code(6, "error: the store holds entries that nobody can open".into())),
    }
}

fn rotate(session: &Session, matches: &ArgMatches) -> Outcome {
    let store = session.keyward()?.store(text(matches, "store").unwrap_or_default())?;
    let json = matches.get_flag("json");
    if matches.get_flag("retire") {
        let retired = store.store.retire()?;
        return print(&match json {
            true => json!({ "retired": retired }).to_string(),
            false => format!("{retired} old keys dropped"),
        });
    }
    session.console.log(Level::Info, format_args!("rotating store `{}`", store.file.name));
    let mut progress = Progress::new("sealed anew");
    let rotated = store.store.rotate(|_| progress.step())?;
    progress.clear();
    print(&match json {
        true => json!({
            "resealed": rotated.resealed,
            "current": rotated.current,
            "old_keys": rotated.old_keys,
        })
        .to_string(),
        false => format!(
            "{} entries sealed anew, {} old keys kept (drop them with --retire)",
            rotated.resealed, rotated.old_keys
        ),
    })
}
