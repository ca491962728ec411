//! Checker `deny`: lets in no client, whatever it presents.
//!
//! In a chain, no checker after it is asked.

use std::sync::Arc;

use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Host, Info, NoOptions, Presented, PresentedKind, Result,
    Round,
};

keyward_plugin::register!(checker: Deny);

/// The checker `deny`.
#[derive(Clone, Copy, Debug)]
pub struct Deny;

impl Backend for Deny {
    const INFO: Info = Info::new("deny", "Lets in no client");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Checker for Deny {
    fn accepts(&self) -> &[PresentedKind] {
        PresentedKind::ALL
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        if presented.kinds().iter().any(|kind| PresentedKind::ALL.contains(kind)) {
            return Ok(Round::wrong(Denial::Disabled));
        }
        Err(presented.unsupported())
    }
}

#[cfg(test)]
keyward_testkit::checker_suite!(
    Deny,
    |_| Values::new(),
    host = |_| {
        TestHost::new()
            .client(Client::new(Presented::password("ann", "made-up-password")).disabled())
            .client(Client::new(Presented::anonymous()).disabled())
    },
);
