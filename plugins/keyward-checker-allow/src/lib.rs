//! Checker `allow`: a condition that always holds.
//!
//! It says nothing about who a client is. It is for a policy that needs a
//! condition in a place, such as one that is being built up or tried.
//!
//! # Security
//! A policy that `allow` alone can satisfy, such as `allow` or `password or allow`, lets every client
//! in, without a name.

use std::sync::Arc;

use keyward_plugin::{
    Attempt, Backend, Checker, Host, Info, NoOptions, Presented, PresentedKind, Result, Round,
};

keyward_plugin::register!(checker: Allow);

/// The checker `allow`.
#[derive(Clone, Copy, Debug)]
pub struct Allow;

impl Backend for Allow {
    const INFO: Info = Info::new("allow", "A condition that always holds");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Checker for Allow {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::CIRCUMSTANCES]
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        if presented.is(&PresentedKind::CIRCUMSTANCES) {
            return Ok(Round::Accepted { identity: None, last: None, until: None });
        }
        Err(presented.unsupported())
    }
}

#[cfg(test)]
keyward_testkit::checker_suite!(
    Allow,
    |_| Values::new(),
    host = |_| {
        TestHost::new()
            .client(Client::new(Presented::new(keyward_plugin::PresentedKind::CIRCUMSTANCES)))
    },
);
