//! Services that give another credential, for a while, for a username and a password.

use std::fmt::Debug;
use std::sync::Arc;

use keyward_plugin::{
    Authenticator, Event, Field, Host, Record, RequestHead, Result, State, Step, SubRequest,
    SubResponse, Timestamp,
};

use crate::pages::Pages;

/// How long before its end a credential is not used any more, in seconds.
const MARGIN: u64 = 2;

/// What the names of the values in the state begin with: the fields of the record that the service gave.
const FIELD: &str = "made.field.";
/// When that record expires.
const EXPIRES: &str = "made.expires";
/// Whether it was made for an earlier request.
const STAGE: &str = "made.stage";

/// A service that gives a record for a username and a password.
pub trait Service: Debug + Send + Sync {
    /// Returns the request that asks for the record.
    ///
    /// # Errors
    /// The step that says what is wrong with the record `user`.
    fn request(&self, user: Option<&Record>) -> Result<SubRequest, Step>;

    /// Reads the answer.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_plugin::ErrorKind::Unavailable) if the service fails. What it refuses is
    /// a step.
    fn record(&self, answer: &SubResponse) -> Result<Result<Record, Step>>;
}

/// Asks a service once, and authenticates requests with the record that it gave.
#[derive(Debug)]
pub(crate) struct Exchanged<'a> {
    pub(crate) service: &'a dyn Service,
    /// The kind of the record.
    pub(crate) kind: &'a str,
    /// What uses the record.
    pub(crate) then: &'a dyn Authenticator,
    pub(crate) pages: &'a Pages,
    pub(crate) host: &'a Arc<dyn Host>,
}

impl Exchanged<'_> {
    pub(crate) fn step(
        &self,
        request: &RequestHead,
        user: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        match event {
            Event::Sub(answer) => match self.service.record(answer)? {
                Ok(record) => {
                    keep(&record, state);
                    state.set(STAGE, "new");
                    self.then.step(request, Some(&record), &Event::Start, state)
                }
                Err(refusal) => Ok(refusal),
            },
            // A service does not always say when its record ends, so it is only known by failing.
            Event::Answered(answer)
                if state.get(STAGE).is_some_and(|stage| stage.expose() == b"old")
                    && (matches!(answer.status, 400 | 401 | 403)
                        || self.pages.shows_failure(&answer.body_start)) =>
            {
                self.ask(user, state)
            }
            Event::Answered(answer) if self.pages.shows_failure(&answer.body_start) => {
                Ok(self.pages.judge(answer))
            }
            Event::Start | Event::Challenged(_) => match kept(self.kind, state, self.host.now()) {
                Some(record) => {
                    state.set(STAGE, "old");
                    self.then.step(request, Some(&record), &Event::Start, state)
                }
                None => self.ask(user, state),
            },
            _ => {
                let record = kept(self.kind, state, Timestamp::default());
                self.then.step(request, record.as_ref(), event, state)
            }
        }
    }

    fn ask(&self, user: Option<&Record>, state: &mut State) -> Result<Step> {
        forget(state);
        Ok(match self.service.request(user) {
            Ok(sub) => Step::Ask(Box::new(sub)),
            Err(refusal) => refusal,
        })
    }
}

fn keep(record: &Record, state: &mut State) {
    for (name, field) in &record.fields {
        state.set(format!("{FIELD}{name}"), field.value.clone());
    }
    if let Some(expires) = record.expires {
        state.set(EXPIRES, expires.as_unix().to_string());
    }
}

/// Returns the record that was kept, if it has not expired.
fn kept(kind: &str, state: &State, now: Timestamp) -> Option<Record> {
    let expires = state.get(EXPIRES).and_then(|text| text.expose_str()?.parse::<u64>().ok());
    if expires.is_some_and(|expires| expires <= now.as_unix().saturating_add(MARGIN)) {
        return None;
    }
    let fields = state.iter().filter_map(|(name, value)| Some((name.strip_prefix(FIELD)?, value)));
    let record = fields.fold(Record::new(kind), |record, (name, value)| {
        record.with(name, Field::secret(value.clone()))
    });
    (!record.fields.is_empty()).then_some(record)
}

fn forget(state: &mut State) {
    let made = state.iter().map(|(name, _)| name).filter(|name| name.starts_with("made."));
    for name in made.map(str::to_owned).collect::<Vec<_>>() {
        state.remove(&name);
    }
}
