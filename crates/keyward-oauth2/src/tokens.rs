use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use keyward_core::{
    Change, EntryId, EntryLock, Error, ErrorKind, Exclusion, LockMode, Record, Result, Secret,
    Source, Timestamp,
};
use keyward_http::Http;
use keyward_kinds::fields;

use crate::clock::Clock;
use crate::grant::Grant;
use crate::identity::Identity;
use crate::response::{self, Answer, Failure, Issued};
use crate::save::with_tokens;
use crate::secrets::Secrets;
use crate::state::{RefreshState, Validity, dead};

/// How long the server is not asked again after a failure, unless it says so itself.
const PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that a server can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);

/// How long to wait for another process that asks the server, which may be slow.
const WAIT: Duration = Duration::from_secs(150);

/// How often a lease is renewed while the server is asked, and how long it lasts from then on.
const RENEW_EVERY: Duration = Duration::from_secs(10);
const LEASE: Duration = Duration::from_secs(30);

/// Returns records of the kind `oauth2` with an access token that is good.
///
/// # Contract
/// - However many threads and processes need the same token, one asks the server. The others wait,
///   and get the token or the error that it got.
/// - The new tokens are stored before they are returned. A refresh token is never removed because of
///   an error: if the server refuses it, the record is kept.
/// - A token that is still good is returned if the server cannot be asked.
///
/// The one loss that no client can prevent: the server has replaced the refresh token, and the
/// process ends, or the answer gets lost, before the new one is stored.
///
/// # Security
/// Tokens and secrets go to the endpoints in the record and nowhere else. Redirects are not followed.
#[derive(Clone)]
pub struct Tokens {
    http: Arc<dyn Http>,
    pub(crate) clock: Clock,
    wait: Duration,
    /// How long before its end a token is due, if the caller wants another time than usual.
    margin: Option<Duration>,
    /// How often a lease is renewed while the server is asked.
    renew_every: Duration,
}

/// Which access token a caller needs.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// One that is good as far as the record says.
    Good,
    /// Another one than this, which a server has rejected. If the record contains another one
    /// already, then someone else has refreshed it.
    OtherThan(&'a Secret),
    /// A new one.
    New,
}

impl Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("http", &self.http).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Makes one that sends requests with this client, and whose clock is `now`.
    pub fn new(http: Arc<dyn Http>, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { http, clock: Clock::new(now), wait: WAIT, margin: None, renew_every: RENEW_EVERY }
    }

    /// Returns the same, which waits at most this long for another process that asks the server.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Returns the same, for which a token is due this long before its end, but at most half of its
    /// life before. `None` is the usual margin: a tenth of the life, at most five minutes.
    #[must_use]
    pub fn with_margin(self, margin: Option<Duration>) -> Self {
        Self { margin, ..self }
    }

    /// Returns how good the access token of a record is, with the clock and the margin of this.
    pub fn judge(&self, record: &Record) -> Validity {
        match self.margin {
            None => Validity::judge(record, self.now()),
            Some(margin) => Validity::judge_with(record, self.now(), margin),
        }
    }

    /// Whether a record has what the server gives tokens for without a new login.
    pub fn can_renew(record: &Record) -> bool {
        Grant::renewing(record).is_some()
    }

    /// Whether a record can be handed out as it is: its access token need not be refreshed, or
    /// cannot be, because there is nothing to refresh it with.
    pub fn is_good(record: &Record, now: Timestamp) -> bool {
        match Validity::judge(record, now) {
            Validity::Good => true,
            Validity::Due => Grant::renewing(record).is_none(),
            Validity::Expired | Validity::Foreign => false,
        }
    }

    /// By how many seconds the clock of the server is ahead of this machine's, according to the
    /// last answer. A negative number says by how many it is behind.
    pub fn clock_difference(&self) -> i64 {
        self.clock.ahead()
    }

    #[cfg(test)]
    pub(crate) fn renewing_every(self, renew_every: Duration) -> Self {
        Self { renew_every, ..self }
    }

    /// Asks the server of a client for tokens, and returns the record with them. Nothing is stored.
    ///
    /// # Errors
    /// [`Unauthorized`](ErrorKind::Unauthorized) if the server refuses the grant or the client;
    /// [`Unavailable`](ErrorKind::Unavailable) if it cannot be reached or its answer cannot be used;
    /// [`Invalid`](ErrorKind::Invalid) if the record or the request is wrong.
    pub fn request(&self, record: Record, grant: &Grant) -> Result<Record> {
        let asked_for = Identity::wanted(&record);
        match self.ask(&record, grant)? {
            Answer::Issued(Issued { access: Err(error), .. }) => Err(error),
            Answer::Issued(issued) => Ok(with_tokens(record, &issued, &asked_for, self.now())),
            Answer::GrantRefused(why) => {
                Err(Error::new(ErrorKind::Unauthorized, "token").because(why))
            }
            Answer::Failed(failure) => Err(failure.error),
        }
    }

    /// Returns the record of an entry, with the access token that is wanted.
    ///
    /// # Errors
    /// Those of the source; [`Unauthorized`](ErrorKind::Unauthorized) if a new login is needed;
    /// [`Unavailable`](ErrorKind::Unavailable) if the server cannot be asked;
    /// [`Locked`](ErrorKind::Locked) if another process takes too long.
    pub fn get(&self, source: &dyn Source, id: &EntryId, wanted: Wanted<'_>) -> Result<Record> {
        let Wanted::New = wanted else { return self.get_existing(source, id, wanted) };
        match source.get(id)?.field(fields::ACCESS_TOKEN) {
            Some(token) => self.get_existing(source, id, Wanted::OtherThan(&token.value)),
            None => self.get_existing(source, id, Wanted::Good),
        }
    }

    fn get_existing(
        &self,
        source: &dyn Source,
        id: &EntryId,
        wanted: Wanted<'_>,
    ) -> Result<Record> {
        let started = Instant::now();
        loop {
            let record = source.get(id)?;
            if let Some(outcome) = self.without_asking(&record, wanted) {
                return outcome.map(|()| record);
            }
            // The one who gets this lock asks the server.
            match source.lock(id, LockMode::Exclusive, Duration::ZERO) {
                Ok(mut lock) => match self.refresh(source, id, lock.as_mut(), wanted)? {
                    Some(record) => return Ok(record),
                    None => continue,
                },
                // Another one refreshes it, or the store is read-only: it is good for a while.
                Err(_) if is_usable(&record, wanted, self.now()) => return Ok(record),
                Err(error) if error.kind() != ErrorKind::Locked => return Err(error),
                Err(_) => {}
            }
            let left = self.wait.checked_sub(started.elapsed()).ok_or_else(took_too_long)?;
            drop(source.lock(id, LockMode::Shared, left)?);
        }
    }

    fn is_wanted(&self, record: &Record, wanted: Wanted<'_>) -> bool {
        match wanted {
            Wanted::Good => self.judge(record) == Validity::Good,
            Wanted::OtherThan(rejected) => {
                let token = record.field(fields::ACCESS_TOKEN);
                token.is_some_and(|token| token.value != *rejected)
                    && Validity::judge(record, self.now()).is_usable()
            }
            Wanted::New => false,
        }
    }

    /// Returns the result for a record if the server need not or cannot be asked now: whether its
    /// token can be used.
    fn without_asking(&self, record: &Record, wanted: Wanted<'_>) -> Option<Result<()>> {
        if self.is_wanted(record, wanted) {
            return Some(Ok(()));
        }
        let now = self.now();
        let grant = Grant::renewing(record);
        let error = match RefreshState::read(record) {
            // Only a new login gets a refresh token for something else.
            _ if !Identity::is_own(record)
                && matches!(grant, None | Some(Grant::RefreshToken(_))) =>
            {
                Some(dead("the tokens were issued for something else than the record now asks for"))
            }
            RefreshState::Dead { .. } if !Identity::is_own(record) => None,
            state => state.error(now),
        };
        let error = match (error, grant) {
            (Some(error), _) => error,
            (None, Some(_)) => return None,
            (None, None) if record.field(fields::ACCESS_TOKEN).is_none() => {
                dead("there is no access token, and no refresh token to get one with")
            }
            (None, None) if Validity::judge(record, now) == Validity::Expired => {
                dead("the access token has expired, and there is no refresh token")
            }
            (None, None) => dead("there is no refresh token"),
        };
        Some(if is_usable(record, wanted, now) { Ok(()) } else { Err(error) })
    }

    /// Asks the server for new tokens. The caller holds the lock of the entry. `None` if a writer
    /// without the lock has changed the grant.
    fn refresh(
        &self,
        source: &dyn Source,
        id: &EntryId,
        lock: &mut dyn EntryLock,
        wanted: Wanted<'_>,
    ) -> Result<Option<Record>> {
        let record = source.get(id)?;
        if let Some(outcome) = self.without_asking(&record, wanted) {
            return outcome.map(|()| Some(record));
        }
        let Some(grant) = Grant::renewing(&record) else { return Ok(None) };
        // An incomplete record is not in doubt.
        grant.request(&record, self.clock.server_now())?;
        let asked = Asked { identity: Identity::wanted(&record), record, grant };
        // This also shows that the new tokens can be stored.
        if asked.change(lock, |record| RefreshState::InDoubt.write(record))? != Found::Ours {
            return Ok(None);
        }
        match self.ask_under_lock(&asked, lock)? {
            Answer::Issued(issued) => self.store(source, id, lock, &asked, issued).map(Some),
            Answer::GrantRefused(why) => {
                let state = RefreshState::Dead { why: why.clone() };
                asked.change(lock, |record| state.write(asked.identity.write_refused(record)))?;
                self.despite(dead(&why), source, id, wanted)
            }
            Answer::Failed(failure) => {
                let state = self.failed(&failure);
                asked.change(lock, |record| state.write(record))?;
                self.despite(failure.error, source, id, wanted)
            }
        }
    }

    /// Returns the record if it can be used though the server could not be asked: someone else may
    /// have logged in meanwhile, and the old token may be good for a while.
    fn despite(
        &self,
        error: Error,
        source: &dyn Source,
        id: &EntryId,
        wanted: Wanted<'_>,
    ) -> Result<Option<Record>> {
        let record = source.get(id)?;
        let is_good = self.is_wanted(&record, wanted) || is_usable(&record, wanted, self.now());
        if is_good { Ok(Some(record)) } else { Err(error) }
    }

    /// Stores tokens, and returns the record.
    fn store(
        &self,
        source: &dyn Source,
        id: &EntryId,
        lock: &mut dyn EntryLock,
        asked: &Asked,
        issued: Issued,
    ) -> Result<Record> {
        let now = self.now();
        let unusable = issued.access.as_ref().err().map(|error| RefreshState::Failed {
            until: now.after(PAUSE),
            kind: error.kind(),
            why: error.message().to_owned(),
        });
        let found = asked.change(lock, |record| {
            let record = with_tokens(record, &issued, &asked.identity, now);
            unusable.iter().fold(record, |record, state| state.write(record))
        })?;
        if found == Found::Nothing {
            self.take_back(asked, &issued);
        }
        issued.access?;
        source.get(id)
    }

    /// Tells the server to forget tokens that are not stored: their record was removed while they were
    /// asked for. What the server says changes nothing.
    fn take_back(&self, asked: &Asked, issued: &Issued) {
        let record = with_tokens(asked.record.clone(), issued, &asked.identity, self.now());
        for token in [fields::REFRESH_TOKEN, fields::ACCESS_TOKEN] {
            drop(self.revoke(&record, token));
        }
    }

    fn failed(&self, failure: &Failure) -> RefreshState {
        let pause = failure.retry_after.unwrap_or(PAUSE).clamp(PAUSE, MAX_PAUSE);
        RefreshState::Failed {
            until: self.now().after(pause),
            kind: failure.error.kind(),
            why: failure.error.message().to_owned(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a request, and notes the time of the server.
    pub(crate) fn send(&self, request: Request<Secret>) -> Result<Response<Secret>> {
        let response = self.http.send(request)?;
        self.clock.note(response.headers());
        Ok(response)
    }

    /// Asks the server of a record for tokens.
    ///
    /// # Errors
    /// `Invalid` if the record lacks something.
    pub(crate) fn ask(&self, record: &Record, grant: &Grant) -> Result<Answer> {
        let before = self.clock.believed_ahead();
        let answer = self.ask_once(record, grant)?;
        // A server refuses what was signed in its future or long ago, and then says what time it is.
        let is_other_time = self.clock.believed_ahead().abs_diff(before) > 1;
        if is_other_time && grant.is_signed(record) && answer.is_refusal() {
            return self.ask_once(record, grant);
        }
        Ok(answer)
    }

    fn ask_once(&self, record: &Record, grant: &Grant) -> Result<Answer> {
        let request = grant.request(record, self.clock.server_now())?;
        let secrets = request.extensions().get::<Secrets>().cloned().unwrap_or_default();
        let answer = match self.send(request) {
            Ok(response) => response::read(&response, &secrets),
            Err(error) => Answer::Failed(error.into()),
        };
        Ok(match (grant, answer) {
            // The service for developers knows no `invalid_grant`.
            (Grant::DeveloperToken, Answer::Failed(failure))
                if failure.is_refusal() || failure.status == Some(StatusCode::UNAUTHORIZED) =>
            {
                Answer::GrantRefused("the server refuses the developer's token".into())
            }
            (_, answer) => answer,
        })
    }

    /// Asks the server, and meanwhile renews a lock that would end otherwise.
    fn ask_under_lock(&self, asked: &Asked, lock: &mut dyn EntryLock) -> Result<Answer> {
        let ask = || self.ask(&asked.record, &asked.grant);
        if lock.exclusion() != Exclusion::Lease {
            return ask();
        }
        let (done, answered) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || drop(done.send(ask())));
            loop {
                match answered.recv_timeout(self.renew_every) {
                    Ok(answer) => return answer,
                    // A lost lock is noticed when the tokens are stored.
                    Err(RecvTimeoutError::Timeout) => drop(lock.renew(LEASE)),
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(
                            Error::new(ErrorKind::Other, "token").because("a thread failed")
                        );
                    }
                }
            }
        })
    }
}

/// A record as it was when the server was asked, and what it was asked for.
struct Asked {
    record: Record,
    grant: Grant,
    identity: Identity,
}

/// What is in the entry when the server has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A record with the grant that was used.
    Ours,
    /// Another login.
    Other,
    Nothing,
}

impl Asked {
    /// Changes the record of a locked entry, if it still contains the grant that was used.
    fn change(&self, lock: &mut dyn EntryLock, change: impl Fn(Record) -> Record) -> Result<Found> {
        let mut found = Found::Nothing;
        lock.update(&mut |record| {
            let is_ours = record.as_ref().map(|record| self.grant.renews(record));
            found = match is_ours {
                Some(true) => Found::Ours,
                Some(false) => Found::Other,
                None => Found::Nothing,
            };
            let record = record.filter(|_| found == Found::Ours);
            Ok(record.map_or(Change::Leave, |record| Change::Put(Box::new(change(record)))))
        })?;
        Ok(found)
    }
}

/// Whether a caller can use the token that there is, though it should be refreshed.
fn is_usable(record: &Record, wanted: Wanted<'_>, now: Timestamp) -> bool {
    matches!(wanted, Wanted::Good) && Validity::judge(record, now).is_usable()
}

fn took_too_long() -> Error {
    Error::new(ErrorKind::Locked, "token")
        .because("another process is refreshing the token, and takes too long")
}
