//! What a requester does with a keycard.

use std::time::Duration;

use keyward_core::{Attempt, Error, Result, Timestamp};

use super::{Bouncer, lives};
use crate::entries::{self, Edit, Lease, Stored, Switch};
use crate::{Keycard, KeycardId, RequesterId, State};

impl Bouncer {
    /// Returns a keycard if its client is let in now, in these circumstances. The conditions of the
    /// policy are asked again.
    ///
    /// # Errors
    /// Those of the conditions and of the keycards. The client is not let in then.
    pub fn check(
        &self,
        id: &KeycardId,
        requester: &RequesterId,
        attempt: &Attempt,
    ) -> Result<Option<Keycard>> {
        let (stored, switch) = self.entries.read_with_switch::<Stored>(&entries::card(id))?;
        let Some(stored) = stored.filter(|stored| stored.keycard.requester == *requester) else {
            return Ok(None);
        };
        if !self.is_live(&stored, switch)? || !self.still_holds(&stored, attempt)? {
            return Ok(None);
        }
        Ok(Some(Keycard { state: State::Authenticated, ..stored.keycard }))
    }

    /// Keeps all keycards of this issuer alive for `ttl` from now on, at most as long as the settings
    /// say. It never shortens a life, moves no keycard's [end](Keycard::ends), and brings no
    /// keycard back that has expired.
    ///
    /// # Errors
    /// Those of the keycards; [`Invalid`](keyward_core::ErrorKind::Invalid) if the ttl is less than a
    /// second.
    pub fn keep_alive(&self, requester: &RequesterId, issuer: &str, ttl: Duration) -> Result<()> {
        if ttl < Duration::from_secs(1) {
            return Err(Error::invalid("keep-alive", "the ttl is at least a second"));
        }
        let now = self.now();
        let wanted = now.after(ttl.min(self.settings.ttl)).as_unix();
        // The last keycards of a lease end before this.
        let until = Timestamp::from_unix(wanted).after(self.settings.duration);
        let name = entries::lease(requester, issuer);
        self.entries.update(&name, Some(until), &mut |lease: Option<Lease>| {
            let current = lease.filter(|lease| now.as_unix() < lease.until);
            let since = current.map_or(now.as_unix(), |lease| lease.since);
            let until = current.map_or(wanted, |lease| lease.until.max(wanted));
            Edit::Put(Lease { since, until })
        })
    }

    /// Keeps a keycard alive because its client is active, for the ttl of the settings from now on. It
    /// must be the only keycard of its issuer, or others live on with it.
    ///
    /// A requester can call it at each request of the client: it writes only when half of the ttl is over.
    ///
    /// # Errors
    /// Those of the keycards; [`Invalid`](keyward_core::ErrorKind::Invalid) if the keycard has no issuer.
    pub fn keep_active(&self, keycard: &Keycard) -> Result<()> {
        let Some(issuer) = &keycard.issuer else {
            return Err(Error::invalid("keep-alive", "the keycard has no issuer"));
        };
        let lease: Option<Lease> =
            self.entries.read(&entries::lease(&keycard.requester, issuer))?;
        let until = lease.map_or(keycard.expires, |lease| lease.until.max(keycard.expires));
        let ttl = self.settings.ttl;
        if Timestamp::from_unix(until) >= self.now().after(ttl / 2) || until >= keycard.ends {
            return Ok(());
        }
        self.keep_alive(&keycard.requester, issuer, ttl)
    }

    /// Removes a keycard whose client has left. Returns whether this requester had it.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn remove(&self, id: &KeycardId, requester: &RequesterId) -> Result<bool> {
        let mut removed = false;
        self.entries.update(&entries::card(id), None, &mut |stored: Option<Stored>| {
            removed = stored.is_some_and(|stored| stored.keycard.requester == *requester);
            if removed { Edit::Remove } else { Edit::Leave }
        })?;
        Ok(removed)
    }

    pub(super) fn is_live(&self, stored: &Stored, switch: Switch) -> Result<bool> {
        let now = self.now();
        if lives(stored, None, switch, now) {
            return Ok(true);
        }
        let Keycard { requester, issuer: Some(issuer), .. } = &stored.keycard else {
            return Ok(false);
        };
        let lease = self.entries.read(&entries::lease(requester, issuer))?;
        Ok(lives(stored, lease, switch, now))
    }

    pub(super) fn still_holds(&self, stored: &Stored, attempt: &Attempt) -> Result<bool> {
        Ok(self.portal.still_holds(&stored.keycard.factors, None, attempt)?.holds)
    }
}
