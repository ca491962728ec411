//! The checkers that the arguments or the configuration name.

use keyward::Keyward;
use keyward_core::{Error, PresentedKind};
use keyward_portal::{AuthArgs, Chain, UsageError};

use crate::output::print;
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error};

/// What `keyward auth` can ask for.
const SUPPORTED: &[PresentedKind] = PresentedKind::ALL;

/// Opens the checkers; `None` if only help was asked for, which is printed.
pub(super) fn open(auth: &mut AuthArgs, session: &Session) -> Outcome<Option<(Keyward, Chain)>> {
    let keyward = session.keyward()?;
    if let Some(help) = auth.help(keyward.registry(), SUPPORTED).map_err(usage)? {
        print(help.trim_end())?;
        return Ok(None);
    }
    let settings = keyward.config().settings();
    if !auth.is_given() {
        auth.auth = settings.texts("auth.checkers").into_iter().map(str::to_owned).collect();
    }
    if auth.policy.is_none() {
        auth.policy = settings.text("auth.policy").map(str::to_owned);
    }
    if !auth.is_given() {
        return Err(usage_error("no checker is named: use --auth, or the setting auth.checkers"));
    }
    let chain = auth.chain(keyward.registry(), &keyward.host(), SUPPORTED).map_err(usage)?;
    Ok(Some((keyward, chain)))
}

/// What a checker says of its arguments ends the program as it would elsewhere; a type or a policy
/// that is wrong is a wrong argument.
fn usage(error: UsageError) -> Stop {
    match error {
        UsageError::NotRecognized(error) | UsageError::Unexpected { error, .. } => error.into(),
        other => Error::invalid("auth", other.to_string()).into(),
    }
}
