//! Logins that wait, and keycards for those that are complete.

use std::time::Duration;

use keyward_core::{Attempt, Timestamp};
use keyward_core::{Error, ErrorKind, Presented, PresentedKind, Result, Secret, hex};
use keyward_portal::{
    Challenge, Edit as MemoryEdit, Key, Login, Progress, SessionId, Topic, Visitor,
};
use sha2::{Digest, Sha256};

use super::Bouncer;
use crate::entries::{self, Edit, Stored, Switch};
use crate::request::Waiting;
use crate::{Answer, Keycard, KeycardId, Request, RequesterId, State, Why};

/// How long the note about a login that waits is kept: longer than the portal waits.
const PATIENCE: Duration = Duration::from_mins(10);

impl Bouncer {
    pub(super) fn waiting(
        &self,
        kind: &PresentedKind,
        presented: Option<&Presented>,
        request: &Request,
        requester: &RequesterId,
        switch: Switch,
    ) -> Waiting {
        let user = presented.and_then(Presented::user);
        let token = presented.and_then(|presented| presented.field("token"));
        Waiting {
            requester: requester.clone(),
            kind: kind.name().to_owned(),
            user: user.map(str::to_owned),
            token: token.map(fingerprint),
            issuer: request.issuer.clone(),
            domain: request.domain.clone(),
            details: request.attempt.details.clone(),
            service: request.attempt.service.clone(),
            ttl: self.ttl(request).as_secs(),
            duration: self.duration(request).as_secs(),
            notices: request.notices,
            round: switch.round,
        }
    }

    pub(super) fn conclude(
        &self,
        progress: Progress<Visitor>,
        waiting: Waiting,
        attempt: &Attempt,
    ) -> Result<Answer> {
        match progress {
            Progress::Refused(refusal) => Ok(refusal.into()),
            Progress::Challenge(challenge) => self.request(challenge, waiting),
            Progress::LoggedIn(login) => self.issue(&login, waiting, attempt),
        }
    }

    /// Keeps what the requester said until the client has answered.
    pub(super) fn request(&self, challenge: Challenge, waiting: Waiting) -> Result<Answer> {
        let Challenge { session, message, missing, .. } = challenge;
        let note = serde_json::to_vec(&waiting);
        let note = Secret::from(note.map_err(|error| Error::invalid("login", error.to_string()))?);
        let now = self.now();
        self.portal.memory().update(&self.key(&session), now, &mut |_| {
            MemoryEdit::Put(note.clone(), now.after(PATIENCE))
        })?;
        Ok(Answer::Requesting { session, message, missing })
    }

    /// Takes what is known of a login that waits. Another requester gets nothing, and takes nothing.
    pub(super) fn take_waiting(
        &self,
        session: &SessionId,
        requester: &RequesterId,
    ) -> Result<Option<Waiting>> {
        let mut taken = Ok(None);
        self.portal.memory().update(&self.key(session), self.now(), &mut |note| {
            let waiting = note.map(|note| serde_json::from_slice::<Waiting>(note.expose()));
            match waiting.transpose() {
                Ok(Some(waiting)) if waiting.requester == *requester => {
                    taken = Ok(Some(waiting));
                    MemoryEdit::Remove
                }
                Ok(_) => {
                    taken = Ok(None);
                    MemoryEdit::Leave
                }
                Err(_) => {
                    taken = Err(Error::corrupt("login"));
                    MemoryEdit::Leave
                }
            }
        })?;
        taken
    }

    fn key(&self, session: &SessionId) -> Key {
        let about = entries::label(&[&self.name, session.expose()]);
        Key { topic: Topic::Beside, about }
    }

    /// Issues a keycard. Its id is new, whatever ids the client saw before.
    fn issue(&self, login: &Login<Visitor>, waiting: Waiting, attempt: &Attempt) -> Result<Answer> {
        let (now, visitor) = (self.now(), login.visitor());
        let after = |seconds| now.after(Duration::from_secs(seconds));
        let ends = visitor.until.into_iter().fold(after(waiting.duration), Timestamp::min);
        if ends <= now {
            return Ok(Answer::refused(Why::NoLife));
        }
        let keycard = Keycard {
            id: KeycardId::random()?,
            kind: waiting.kind,
            state: State::Authenticated,
            bouncer: self.name.clone(),
            requester: waiting.requester,
            issuer: waiting.issuer,
            identity: visitor.identity.as_ref().map(|identity| identity.as_str().to_owned()),
            user: waiting.user,
            factors: visitor.factors.clone(),
            address: attempt.address.clone(),
            domain: waiting.domain,
            details: waiting.details,
            token: waiting.token,
            since: now.as_unix(),
            expires: after(waiting.ttl).min(ends).as_unix(),
            ends: ends.as_unix(),
        };
        let stored = Stored {
            keycard: keycard.clone(),
            notices: waiting.notices,
            round: waiting.round,
            private: attempt.private,
            service: waiting.service,
            end: None,
        };
        self.put_new(&stored)?;
        let last = login.last_message().cloned();
        Ok(Answer::Authenticated { keycard: Box::new(keycard), last })
    }

    fn put_new(&self, stored: &Stored) -> Result<()> {
        let mut is_new = true;
        let name = entries::card(&stored.keycard.id);
        let until = Some(Timestamp::from_unix(stored.keycard.ends));
        self.entries.update(&name, until, &mut |found: Option<Stored>| {
            is_new = found.is_none();
            if is_new { Edit::Put(stored.clone()) } else { Edit::Leave }
        })?;
        if is_new {
            return Ok(());
        }
        let why = "the random id of a keycard exists already";
        Err(Error::new(ErrorKind::Unavailable, "random").because(why))
    }
}

/// The start of a token's SHA-256. It is enough to recognize a token, and not to find one.
fn fingerprint(token: &Secret) -> String {
    hex::encode(&Sha256::digest(token.expose())[..8])
}
