//! Answers one call of another program: reads its request, opens the store, prints the reply. The
//! protocol says what the bytes mean.

use std::io;

use keyward::{Environment, Keyward, OpenStore, Silent};
use keyward_accounts::{Accounts, Unbound};
use keyward_core::{EntryId, Error, Result, Secret};
use keyward_helper::{Answer, Call};
use keyward_origin::Location;

use crate::input::{UntilEmptyLine, standard_input};
use crate::output::{print_message, print_secret};
use crate::session::Session;
use crate::stop::Outcome;

/// Where the credentials are, and how to get them.
pub(super) struct Options<'a> {
    pub(super) environment: Environment,
    /// The store. If it does not exist, there are no credentials.
    pub(super) store: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) unbound: Unbound,
    /// Whether backends may ask the user.
    pub(super) can_prompt: bool,
}

/// Answers a call.
pub(super) fn run(session: &Session, call: &impl Call, options: Options<'_>) -> Outcome {
    if let Some(reply) = call.fixed_reply() {
        return print_secret(&reply, false);
    }
    match answer(session, call, options) {
        Ok(reply) => print_secret(&reply, false),
        Err(error) => {
            print_secret(&call.failure(&error), false)?;
            Err(error.into())
        }
    }
}

fn answer<C: Call>(session: &Session, call: &C, options: Options<'_>) -> Result<Secret> {
    let request = call.parse(read_request(C::MAX_REQUEST)?.expose())?;
    if let Some(warning) = call.warning(&request) {
        print_message(&format!("warning: {warning}"));
    }
    let keyward = match options.can_prompt {
        true => Keyward::with(options.environment, session.console)?,
        false => Keyward::with(options.environment, Silent)?,
    };
    let keyward = keyward.giving_to(session.recipient.clone());
    let Some(store) = find_store(&keyward, options.store, options.user)? else {
        return Ok(call.miss());
    };
    let id = store.entry(options.user, None)?;
    let accounts = Accounts::new(&*store, id.user()).with_unbound(options.unbound);
    let renew = |location: &Location, record| {
        keyward.fresh(&store, &EntryId::new(id.user(), Some(&location.to_string()))?, record)
    };
    let Answer { reply, given } = call.answer(&request, &accounts, &renew, store.now())?;
    if let Some(location) = given {
        store.give_out(&[EntryId::new(id.user(), Some(&location.to_string()))?])?;
    }
    Ok(reply)
}

fn read_request(limit: usize) -> Result<Secret> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => Error::invalid("read the request", "it is too large"),
        _ => Error::io("read the request", error),
    };
    let input = UntilEmptyLine::new(standard_input().map_err(failed)?);
    Secret::read_from(input, limit).map_err(failed)
}

/// Opens the store, unless it does not exist or is being removed.
fn find_store(keyward: &Keyward, name: &str, user: Option<&str>) -> Result<Option<OpenStore>> {
    match keyward.config().find_store(&keyward.config().store_called(name)?)? {
        Some(file) if !file.deleting => Ok(Some(keyward.store_from(file, user)?)),
        _ => Ok(None),
    }
}
