//! Answers one call of another program: reads its request, opens the store, prints the reply. The
//! protocol says what the bytes mean.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use keyward::{Bound, Environment, Keyward, OpenStore, Silent};
use keyward_accounts::{Accounts, Unbound};
use keyward_core::{EntryId, Error, ErrorKind, Result, Secret};
use keyward_helper::{Answer, Call, Confirm, Given, Sources};
use keyward_origin::{Location, Target};

use crate::input::{UntilEmptyLine, standard_input};
use crate::output::{escaped, print_message, print_secret};
use crate::session::Session;
use crate::stop::Outcome;

/// Where the credentials are, and how to get them.
pub(super) struct Options<'a> {
    pub(super) environment: Environment,
    /// The store. If it does not exist, there are no credentials.
    pub(super) store: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) unbound: Unbound,
    /// Whether the user is asked before a new credential is stored.
    pub(super) confirm: bool,
    /// Whether anything may ask the user.
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
    let entry = |location: &Location| EntryId::new(id.user(), Some(&location.to_string()));
    let renew = |location: &Location, record| keyward.fresh(&store, &entry(location)?, record);
    let bound = RefCell::new(None);
    let provided = |location: &Location| {
        let found = provided(&keyward, location)?;
        let record = found.as_ref().map(|found| found.record.clone());
        bound.replace(found);
        Ok(record)
    };
    let confirm = |location: &Location| confirm(session, location, options.can_prompt);
    let confirm: Option<Confirm<'_>> = options.confirm.then_some(&confirm);
    let sources = Sources { accounts: &accounts, renew: &renew, provided: &provided, confirm };
    let Answer { reply, given } = call.answer(&request, &sources, store.now())?;
    match given {
        Some(Given::Account(location)) => store.give_out(&[entry(&location)?])?,
        Some(Given::Provided) => bound.take().map_or(Ok(()), |bound| bound.give_out())?,
        None => {}
    }
    Ok(reply)
}

/// Asks the user whether a credential may be stored. Without a terminal it is not stored.
fn confirm(session: &Session, location: &Location, can_prompt: bool) -> Result<bool> {
    let terminal = session.console.terminal();
    let (true, Ok(mut terminal)) = (can_prompt, terminal) else {
        print_message("warning: the credential is not stored: there is no terminal to confirm it");
        return Ok(false);
    };
    let question = format!("Store the credential for {}? [y/N] ", escaped(&location.to_string()));
    terminal.agrees(&question)
}

/// The authenticators that send what the program would send. Another one may keep the password from the
/// server.
const SENT: [&str; 3] = ["auto", "basic", "bearer"];

/// Returns the credential that the provider of a location names. One that is not bound to the server
/// is not given out, and does not keep the program from asking elsewhere.
fn provided(keyward: &Keyward, location: &Location) -> Result<Option<Bound>> {
    let Ok(target) = Target::parse(&location.to_string()) else { return Ok(None) };
    let providers = keyward.providers_in(Path::new("."))?;
    if let Some((_, provider)) = providers.matching(&target).first()
        && !provider.authenticators.iter().any(|used| SENT.contains(&used.name.as_str()))
    {
        return Ok(None);
    }
    match keyward.provided(&providers, &target) {
        Err(error) if error.kind() == ErrorKind::Refused => {
            print_message(&format!("warning: {error}"));
            Ok(None)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found,
    }
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
