use std::fmt::{self, Debug};

use super::{Exchange, Sasl, State};
use crate::realm::Realm;

/// An exchange that waits, apart from its [`Sasl`]: for a server that keeps many of them while their
/// clients answer.
pub struct Paused<A>(State<A>);

impl<R: Realm> Exchange<'_, R> {
    /// Takes the exchange from its [`Sasl`], to be [resumed](Sasl::resume).
    pub fn pause(self) -> Paused<R::Avatar> {
        Paused(self.state)
    }
}

impl<R: Realm> Sasl<'_, R> {
    /// Goes on with an exchange.
    ///
    /// # Contract
    /// It was paused from a `Sasl` with the same portal, attempt and settings.
    pub fn resume(&self, paused: Paused<R::Avatar>) -> Exchange<'_, R> {
        Exchange { sasl: self, state: paused.0 }
    }
}

impl<A> Debug for Paused<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paused").finish_non_exhaustive()
    }
}
