use keyward::Keyward;
use keyward_config::Interaction;
use keyward_core::{ErrorKind, Level};
use keyward_store::{Rotated, Verified};
use serde_json::json;

use super::Run;
use crate::candidates;
use crate::exit::each;
use crate::output::{print, print_message};
use crate::progress::Progress;
use crate::session::Session;
use crate::stop::{Outcome, Stop};

/// Check a store, give it a new key, or give a user a folder in it
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward store verify work
  keyward store rotate work")]
pub(super) enum Command {
    /// Open every entry and report those that do not open
    #[command(after_help = "Example:
  keyward store verify work")]
    Verify {
        /// The store
        #[arg(add = candidates::stores())]
        store: String,
        /// Open only the entries of this user
        #[arg(short, long, value_name = "U")]
        user: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Encrypt every entry with a new key, or continue an interrupted rotation
    #[command(after_help = "Example:
  keyward store rotate work
  keyward store rotate work --retire
  keyward store rotate work --rewrap")]
    Rotate {
        /// The store
        #[arg(add = candidates::stores())]
        store: String,
        /// Delete the old keys instead; an error if an entry still needs one
        #[arg(long)]
        retire: bool,
        /// Wrap the store's keys again instead, for a key service that has a new key; the entries
        /// stay as they are
        #[arg(long, conflicts_with = "retire")]
        rewrap: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a user of this machine a folder in a system store
    #[command(after_help = "Example:
  keyward store enroll team bob")]
    Enroll {
        /// The store
        #[arg(add = candidates::stores())]
        store: String,
        /// The user
        user: String,
    },
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        match self {
            Self::Verify { store, user, json } => verify(&keyward, &store, user.as_deref(), json),
            Self::Rotate { store, retire: true, json, .. } => retire(&keyward, &store, json),
            Self::Rotate { store, rewrap: true, json, .. } => rewrap(&keyward, &store, json),
            Self::Rotate { store, json, .. } => rotate(session, &keyward, &store, json),
            Self::Enroll { store, user } => Ok(keyward.enroll(&store, &user)?),
        }
    }
}

fn verify(keyward: &Keyward, store: &str, user: Option<&str>, json: bool) -> Outcome {
    // Each user may have a separate folder in the store.
    let stores = match user {
        Some(_) => vec![keyward.store_of(store, user)?],
        None => keyward.stores_of_all(store)?,
    };
    let mut progress = Progress::new("checked");
    let mut verified = Verified::default();
    let outcome = each(stores, |store| {
        store.verify(user, |id, error| {
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
            print_message(&format!("{id}: {what} ({})", error.message()));
        })?;
        Ok(())
    });
    progress.clear();
    if outcome.is_err() && verified == Verified::default() {
        return outcome;
    }
    if json {
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

/// Deletes the keys that no entry needs.
fn retire(keyward: &Keyward, store: &str, json: bool) -> Outcome {
    let mut retired = 0;
    let outcome = each(keyward.stores_of_all(store)?, |store| {
        retired += store.retire()?;
        Ok(())
    });
    if outcome.is_err() && retired == 0 {
        return outcome;
    }
    print(&match json {
        true => json!({ "retired": retired }).to_string(),
        false => format!("{} deleted", old_keys(retired)),
    })?;
    outcome
}

/// Wraps the keys of the store again.
fn rewrap(keyward: &Keyward, store: &str, json: bool) -> Outcome {
    each(keyward.stores_of_all(store)?, |store| {
        store.rewrap()?;
        Ok(())
    })?;
    print(&match json {
        true => json!({ "rewrapped": true }).to_string(),
        false => "The store's keys were wrapped again".to_owned(),
    })
}

fn rotate(session: &Session, keyward: &Keyward, store: &str, json: bool) -> Outcome {
    let mut progress = Progress::new("resealed");
    let mut rotated = Rotated::default();
    let outcome = each(keyward.stores_of_all(store)?, |store| {
        session.console.log(Level::Info, format_args!("rotating store `{}`", store.file.name));
        let done = store.rotate(|_| progress.step())?;
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
