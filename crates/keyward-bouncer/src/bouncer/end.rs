//! What ends keycards, and how their requesters learn it.

use std::time::Duration;

use keyward_core::{Result, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::Bouncer;
use crate::entries::{self, CARD, ENDED, Edit, End, LEASE, Lease, SWITCH, Stored, Switch};
use crate::{EndReason, Ended, Keycard, KeycardId, RequesterId, State};

/// How long a notice waits for a requester that does not ask.
const NOTICE_LIFE: Duration = Duration::from_hours(7 * 24);

/// Some of the keycards of a bouncer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Value")]
#[non_exhaustive]
pub enum Selection {
    /// The one with this id.
    Id(KeycardId),
    /// Those of this user: the identity, or the user that has authenticated as someone else.
    User(String),
    /// Those of this requester.
    Requester(RequesterId),
    /// All.
    All,
}

/// As the RPC of `keyward serve` takes it.
impl From<Selection> for Value {
    fn from(selection: Selection) -> Self {
        match selection {
            Selection::Id(id) => json!({"id": id}),
            Selection::User(user) => json!({"user": user}),
            Selection::Requester(requester) => json!({"requester": requester}),
            Selection::All => json!({"all": true}),
        }
    }
}

impl From<KeycardId> for Selection {
    fn from(id: KeycardId) -> Self {
        Self::Id(id)
    }
}

impl Selection {
    fn has(&self, card: &Keycard) -> bool {
        match self {
            Self::Id(id) => card.id == *id,
            Self::User(user) => [&card.identity, &card.user].contains(&&Some(user.clone())),
            Self::Requester(requester) => card.requester == *requester,
            Self::All => true,
        }
    }
}

impl Bouncer {
    /// Returns the live keycards of a selection, for an administrator.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn list(&self, selection: &Selection) -> Result<Vec<Keycard>> {
        let switch = self.switch()?;
        let mut found = Vec::new();
        self.each(selection, &mut |stored| {
            if self.is_live(&stored, switch)? {
                found.push(Keycard { state: State::Authenticated, ..stored.keycard });
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Takes keycards back. From when this returns, none of them lets a client in at any copy of the
    /// server. Returns how many there were.
    ///
    /// # Errors
    /// Those of the keycards. Then some of them may be taken back.
    pub fn revoke(&self, selection: &Selection) -> Result<usize> {
        let mut revoked = 0;
        self.each(selection, &mut |stored| {
            if stored.end.is_none() {
                revoked += 1;
            }
            self.end(&stored, EndReason::Revoked)
        })?;
        Ok(revoked)
    }

    /// Lets no client in until the bouncer is enabled again, and ends all keycards.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn disable(&self) -> Result<()> {
        self.turn(true)?;
        // From here on no keycard lives. The rest removes them, and tells their requesters.
        self.each(&Selection::All, &mut |stored| self.end(&stored, EndReason::Disabled))
    }

    /// Lets clients in again, who must log in again.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn enable(&self) -> Result<()> {
        self.turn(false)
    }

    /// Whether it lets clients in.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn is_enabled(&self) -> Result<bool> {
        Ok(!self.switch()?.disabled)
    }

    pub(super) fn turn(&self, disabled: bool) -> Result<()> {
        self.entries.update(SWITCH, None, &mut |switch: Option<Switch>| {
            let switch = switch.unwrap_or_default();
            let round = switch.round + u64::from(disabled && !switch.disabled);
            Edit::Put(Switch { disabled, round })
        })
    }

    /// Returns which keycards of a requester have ended, until it confirms that it knows.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn ended(&self, requester: &RequesterId) -> Result<Vec<Ended>> {
        let mut found = Vec::new();
        self.entries.each(&entries::notices(requester), &mut |_, ended: Ended| {
            found.push(ended);
            Ok(())
        })?;
        Ok(found)
    }

    /// Forgets that these keycards have ended, because their requester knows.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn confirm(&self, requester: &RequesterId, ids: &[KeycardId]) -> Result<()> {
        let prefix = entries::notices(requester);
        ids.iter().try_for_each(|id| self.entries.remove(&format!("{prefix}{id}")))
    }

    /// Ends the keycards that live no more or that the policy does not allow any more, and removes
    /// what is not needed. Returns how many keycards it ended.
    ///
    /// A server calls it about once a minute. Nothing lives longer if it does not: the requesters are
    /// told later, and the entries stay. If a condition cannot be asked, its keycards stay.
    ///
    /// # Errors
    /// Those of the keycards.
    pub fn sweep(&self) -> Result<usize> {
        let (switch, mut ended) = (self.switch()?, 0);
        self.each(&Selection::All, &mut |stored| {
            let reason = match stored.end {
                Some(end) => end.reason,
                None if switch.disabled || stored.round != switch.round => EndReason::Disabled,
                None if !self.is_live(&stored, switch)? => EndReason::Expired,
                None if self.still_holds(&stored, &stored.attempt()).unwrap_or(true) => {
                    return Ok(());
                }
                None => EndReason::Withdrawn,
            };
            ended += 1;
            self.end(&stored, reason)
        })?;
        self.forget()?;
        Ok(ended)
    }

    /// Removes old notices, and leases that keep nothing alive.
    fn forget(&self) -> Result<()> {
        let now = self.now();
        self.entries.each(ENDED, &mut |name, ended: Ended| {
            let until = Timestamp::from_unix(ended.time).after(NOTICE_LIFE);
            if until <= now { self.entries.remove(name) } else { Ok(()) }
        })?;
        self.entries.each(LEASE, &mut |name, _: Lease| {
            self.entries.update(name, None, &mut |lease: Option<Lease>| match lease {
                Some(lease) if lease.until <= now.as_unix() => Edit::Remove,
                _ => Edit::Leave,
            })
        })
    }

    /// Ends a keycard: marks it, leaves a notice, removes it. If the process dies in between,
    /// the next sweep does the rest.
    fn end(&self, stored: &Stored, reason: EndReason) -> Result<()> {
        let card = &stored.keycard;
        let (name, now) = (entries::card(&card.id), self.now());
        let mut ended = None;
        let until = Some(Timestamp::from_unix(card.ends));
        self.entries.update(&name, until, &mut |current: Option<Stored>| {
            ended = current.as_ref().and_then(|current| current.end);
            let Some(current) = current.filter(|_| ended.is_none()) else { return Edit::Leave };
            let end = End { reason, time: now.as_unix() };
            ended = Some(end);
            Edit::Put(Stored { end: Some(end), ..current })
        })?;
        let Some(End { reason, time }) = ended else { return Ok(()) };
        if stored.notices {
            let notice = Ended { id: card.id.clone(), reason, time };
            let name = format!("{}{}", entries::notices(&card.requester), card.id);
            let until = Some(Timestamp::from_unix(time).after(NOTICE_LIFE));
            self.entries.update(&name, until, &mut |_| Edit::Put(notice.clone()))?;
        }
        self.entries.remove(&name)
    }

    fn each(
        &self,
        selection: &Selection,
        visit: &mut dyn FnMut(Stored) -> Result<()>,
    ) -> Result<()> {
        if let Selection::Id(id) = selection {
            let stored = self.entries.read(&entries::card(id))?;
            return stored.map_or(Ok(()), visit);
        }
        self.entries.each(CARD, &mut |_, stored: Stored| {
            if selection.has(&stored.keycard) { visit(stored) } else { Ok(()) }
        })
    }
}
