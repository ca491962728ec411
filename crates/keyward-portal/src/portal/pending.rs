//! Logins that wait for the client.

use keyward_core::{Attempt, Identity, PresentedKind, Result, Secret, Timestamp, hex};
use sha2::{Digest, Sha256};

use super::{PATIENCE, Portal};
use crate::login::{Challenge, SessionId};
use crate::memory::{self, Key, Topic, damaged};
use crate::parts::{join, split};
use crate::realm::Realm;

/// Everything that the portal knows of a login that waits. The client never sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// The prepared name that the client gave first; failures are counted for it.
    pub(super) claimed: Option<String>,
    /// Whom the factors so far belong to.
    pub(super) identity: Option<Identity>,
    /// What was proved: names of checkers and of kinds.
    pub(super) factors: Vec<String>,
    /// Until when all of it holds, if one of the checkers has set an end.
    pub(super) until: Option<Timestamp>,
    /// Whom the client wants to act as.
    pub(super) wanted: Option<String>,
    /// The round that waits for an answer, if one does.
    pub(super) round: Option<Round>,
}

/// A round that waits for an answer.
#[derive(Clone, Debug)]
pub(super) struct Round {
    /// The kind of the credential.
    pub(super) kind: PresentedKind,
    /// The name of the checker that issued the challenge; none if the portal did.
    pub(super) link: Option<String>,
    /// The prepared name of the user, if it is known yet.
    pub(super) user: Option<String>,
    /// What the mechanism or the checker remembers.
    pub(super) state: Secret,
}

/// What a client may go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Answer,
    Factor,
}

impl<R: Realm> Portal<R> {
    /// Keeps a login until the client answers.
    pub(super) fn wait(
        &self,
        waiting: &Waiting,
        attempt: &Attempt,
        message: Secret,
        missing: Vec<String>,
    ) -> Result<Challenge> {
        let id = hex::encode(&keyward_fs::random::<16>()?);
        let session = SessionId(Secret::from(id));
        let note = waiting.write(attempt);
        memory::put(&*self.memory, &key(&session), self.now(), PATIENCE, &note)?;
        Ok(Challenge { session, message, missing })
    }

    /// Returns a login that waits for this, and forgets it. Whatever comes of it, the session is
    /// over.
    pub(super) fn take(
        &self,
        session: &SessionId,
        attempt: &Attempt,
        wanted: Wanted,
    ) -> Result<Option<Waiting>> {
        let Some(note) = memory::take(&*self.memory, &key(session), self.now())? else {
            return Ok(None);
        };
        let (waiting, same_place) = Waiting::read(&note, attempt)?;
        let has_round = waiting.round.is_some();
        Ok((same_place && has_round == (wanted == Wanted::Answer)).then_some(waiting))
    }
}

/// The note is found by a hash of the id, so that who can list notes cannot use them.
fn key(session: &SessionId) -> Key {
    let digest = Sha256::digest(session.expose());
    Key { topic: Topic::Pending, about: hex::encode(&digest[..16]) }
}

impl Waiting {
    fn write(&self, attempt: &Attempt) -> Secret {
        let text = |text: Option<&str>| optional(text.map(str::as_bytes));
        let factors = join(self.factors.iter().map(String::as_bytes));
        let round = self.round.as_ref().map(Round::write);
        let until = self.until.map(|until| until.as_unix().to_be_bytes());
        join([
            text(attempt.address.as_deref()).expose(),
            text(self.claimed.as_deref()).expose(),
            text(self.identity.as_ref().map(Identity::as_str)).expose(),
            factors.expose(),
            optional(until.as_ref().map(<[u8; 8]>::as_slice)).expose(),
            text(self.wanted.as_deref()).expose(),
            optional(round.as_ref().map(Secret::expose)).expose(),
        ])
    }

    /// Reads a note. Also returns whether the client is where it was.
    fn read(note: &Secret, attempt: &Attempt) -> Result<(Self, bool)> {
        let parts = split(note.expose()).ok_or_else(damaged)?;
        let [address, claimed, identity, factors, until, wanted, round] = parts.as_slice() else {
            return Err(damaged());
        };
        let identity = read_text(identity)?.map(Identity::new).transpose()?;
        let factors = split(factors).ok_or_else(damaged)?;
        let round = read_optional(round)?.map(Round::read).transpose()?;
        let waiting = Self {
            claimed: read_text(claimed)?,
            identity,
            factors: factors.into_iter().map(utf8).collect::<Result<_>>()?,
            until: read_optional(until)?.map(read_time).transpose()?,
            wanted: read_text(wanted)?,
            round,
        };
        Ok((waiting, read_text(address)? == attempt.address))
    }
}

impl Round {
    fn write(&self) -> Secret {
        join([
            self.kind.name().as_bytes(),
            optional(self.link.as_deref().map(str::as_bytes)).expose(),
            optional(self.user.as_deref().map(str::as_bytes)).expose(),
            self.state.expose(),
        ])
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let parts = split(bytes).ok_or_else(damaged)?;
        let [kind, link, user, state] = parts.as_slice() else { return Err(damaged()) };
        Ok(Self {
            kind: PresentedKind::from_name(&utf8(kind)?).ok_or_else(damaged)?,
            link: read_text(link)?,
            user: read_text(user)?,
            state: Secret::from(*state),
        })
    }
}

/// A part that may be missing: nothing, or the part as a list of one.
fn optional(part: Option<&[u8]>) -> Secret {
    join(part)
}

fn read_optional(bytes: &[u8]) -> Result<Option<&[u8]>> {
    match split(bytes).ok_or_else(damaged)?.as_slice() {
        [] => Ok(None),
        [part] => Ok(Some(part)),
        _ => Err(damaged()),
    }
}

fn read_text(bytes: &[u8]) -> Result<Option<String>> {
    read_optional(bytes)?.map(utf8).transpose()
}

fn read_time(bytes: &[u8]) -> Result<Timestamp> {
    let bytes = bytes.try_into().map_err(|_| damaged())?;
    Ok(Timestamp::from_unix(u64::from_be_bytes(bytes)))
}

fn utf8(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| damaged())
}
