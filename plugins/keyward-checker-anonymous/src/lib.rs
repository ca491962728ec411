//! Checker `anonymous`: lets in clients that ask for anonymous access.
//!
//! They have no identity. A client that presents anything else is not for this checker.

use std::sync::Arc;

use keyward_plugin::{
    Attempt, Backend, Checker, Host, Info, NoOptions, Presented, PresentedKind, Result, Round,
};

keyward_plugin::register!(checker: Anonymous);

/// The checker `anonymous`.
#[derive(Clone, Copy, Debug)]
pub struct Anonymous;

impl Backend for Anonymous {
    const INFO: Info = Info::new("anonymous", "Lets in clients that ask for anonymous access")
        .serving(&["anonymous"]);
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Checker for Anonymous {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::ANONYMOUS]
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        if presented.is(&PresentedKind::ANONYMOUS) {
            return Ok(Round::Accepted { identity: None, last: None, until: None });
        }
        Err(presented.unsupported())
    }
}

#[cfg(test)]
keyward_testkit::checker_suite!(
    Anonymous,
    |_| Values::new(),
    host = |_| TestHost::new().client(Client::new(Presented::anonymous())),
);
