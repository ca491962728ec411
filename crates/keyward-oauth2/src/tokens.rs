use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use http::{Request, Response};
use keyward_core::{
    Change, EntryId, EntryLock, Error, ErrorKind, Exclusion, LockMode, Record, Result, Secret,
    Source, Timestamp,
};
use keyward_http::Http;
use keyward_kinds::fields;

use crate::client::Client;
use crate::grant::Grant;
use crate::request::{self, Sent};
use crate::response::{self, Answer, Failure, Issued};
use crate::save::with_tokens;
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
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
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
        Self { http, now: Arc::new(now), wait: WAIT, margin: None, renew_every: RENEW_EVERY }
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
            Validity::Expired => false,
        }
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
        let request = token_request(&record, grant)?;
        match self.ask(request) {
            Answer::Issued(Issued { access: Err(error), .. }) => Err(error),
            Answer::Issued(issued) => Ok(with_tokens(record, &issued, self.now())),
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
                Err(error) if error.kind() != ErrorKind::Locked => return Err(error),
                Err(_) if is_usable(&record, wanted, self.now()) => return Ok(record),
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
                    && Validity::judge(record, self.now()) != Validity::Expired
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
        let error = match RefreshState::read(record).error(now) {
            Some(error) => error,
            None if Grant::renewing(record).is_some() => return None,
            None if record.field(fields::ACCESS_TOKEN).is_none() => {
                dead("there is no access token, and no refresh token to get one with")
            }
            None if Validity::judge(record, now) == Validity::Expired => {
                dead("the access token has expired, and there is no refresh token")
            }
            None => dead("there is no refresh token"),
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
        let request = token_request(&record, &grant)?;
        // This also shows that the new tokens can be stored.
        if !change(lock, &grant, |record| RefreshState::InDoubt.write(record))? {
            return Ok(None);
        }
        let (state, error) = match self.ask_under_lock(request, lock)? {
            Answer::Issued(issued) => {
                return self.store(source, id, lock, &grant, issued).map(Some);
            }
            Answer::GrantRefused(why) => (RefreshState::Dead { why: why.clone() }, dead(&why)),
            Answer::Failed(failure) => (self.failed(&failure), failure.error),
        };
        change(lock, &grant, |record| state.write(record))?;
        // Someone else may have logged in meanwhile, and the old token may be good for a while.
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
        grant: &Grant,
        issued: Issued,
    ) -> Result<Record> {
        let now = self.now();
        let unusable = issued.access.as_ref().err().map(|error| RefreshState::Failed {
            until: now.after(PAUSE),
            kind: error.kind(),
            why: error.message().to_owned(),
        });
        change(lock, grant, |record| {
            let record = with_tokens(record, &issued, now);
            unusable.iter().fold(record, |record, state| state.write(record))
        })?;
        issued.access?;
        source.get(id)
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
        (self.now)()
    }

    pub(crate) fn send(&self, request: Request<Secret>) -> Result<Response<Secret>> {
        self.http.send(request)
    }

    pub(crate) fn ask(&self, request: Request<Secret>) -> Answer {
        let sent = request.extensions().get::<Sent>().cloned().unwrap_or_default();
        match self.http.send(request) {
            Ok(response) => response::read(&response, &sent),
            Err(error) => Answer::Failed(error.into()),
        }
    }

    /// Asks the server, and meanwhile renews a lock that would end otherwise.
    fn ask_under_lock(&self, request: Request<Secret>, lock: &mut dyn EntryLock) -> Result<Answer> {
        if lock.exclusion() != Exclusion::Lease {
            return Ok(self.ask(request));
        }
        let (done, answered) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || drop(done.send(self.ask(request))));
            loop {
                match answered.recv_timeout(self.renew_every) {
                    Ok(answer) => return Ok(answer),
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

/// Changes the record of a locked entry, if it still contains the grant that was used. Returns
/// whether it does.
fn change(
    lock: &mut dyn EntryLock,
    grant: &Grant,
    change: impl Fn(Record) -> Record,
) -> Result<bool> {
    let mut changed = false;
    lock.update(&mut |record| {
        let record = record.filter(|record| grant.renews(record));
        changed = record.is_some();
        Ok(record.map_or(Change::Leave, |record| Change::Put(Box::new(change(record)))))
    })?;
    Ok(changed)
}

pub(crate) fn token_request(record: &Record, grant: &Grant) -> Result<Request<Secret>> {
    let client = Client::read(record)?;
    let mut parameters = grant.parameters();
    if let Some(scope) = record.field(fields::SCOPE).filter(|_| grant.names_scope()) {
        parameters.push(("scope", scope.value.clone()));
    }
    let more = client.parameters.iter();
    parameters.extend(more.map(|(name, value)| (name.as_str(), value.clone())));
    request::to_endpoint(&client, &client.token_url, parameters)
}

/// Whether a caller can use the token that there is, though it should be refreshed.
fn is_usable(record: &Record, wanted: Wanted<'_>, now: Timestamp) -> bool {
    matches!(wanted, Wanted::Good) && Validity::judge(record, now) != Validity::Expired
}

fn took_too_long() -> Error {
    Error::new(ErrorKind::Locked, "token")
        .because("another process is refreshing the token, and takes too long")
}
