//! The audit log: who was let in or refused, by which service, and why. It contains no secret.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Mutex;

use keyward_bouncer::{Keycard, Why};
use keyward_config::now;
use keyward_core::{Attempt, Error, ErrorKind, Result};
use keyward_portal::{Cause, Refusal, Visitor};
use serde_json::{Map, Value};

/// Where decisions are written: one JSON object for each line.
#[derive(Debug, Default)]
pub struct Audit {
    file: Option<Mutex<File>>,
}

/// What was decided.
#[derive(Clone, Copy, Debug)]
pub enum Decision<'a> {
    /// The client was let in.
    Accepted(&'a Visitor),
    /// The client was refused. Without a refusal, it had presented nothing.
    Refused(Option<&'a Refusal>),
    /// The bouncer lets the client in, but the rule names other users.
    NotOfRule,
    /// The client has a keycard.
    WithKeycard(&'a Keycard),
    /// The client got no keycard.
    NoKeycard(&'a Why),
    /// The bouncer is disabled.
    Disabled,
    /// It could not be decided, so the client was not let in.
    Failed(&'a Error),
    /// It could not be decided, and the rule allows that (`allow_default`).
    AllowedInOutage(&'a Error),
}

impl Decision<'_> {
    /// The word in the log and in the metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted(_) | Self::WithKeycard(_) => "accepted",
            Self::Refused(Some(_)) => "refused",
            Self::Refused(None) => "asked",
            Self::NotOfRule | Self::NoKeycard(_) | Self::Disabled => "refused",
            Self::Failed(_) => "failed",
            Self::AllowedInOutage(_) => "allowed-in-outage",
        }
    }

    fn describe(&self, fields: &mut Map<String, Value>) {
        let mut set = |name: &str, value: String| {
            fields.insert(name.to_owned(), value.into());
        };
        match self {
            Self::Accepted(visitor) => {
                if let Some(identity) = &visitor.identity {
                    set("user", identity.to_string());
                }
                if visitor.authenticated != visitor.identity
                    && let Some(authenticated) = &visitor.authenticated
                {
                    set("authenticated", authenticated.to_string());
                }
                set("factors", visitor.factors.join(" "));
            }
            Self::WithKeycard(keycard) => {
                if let Some(identity) = &keycard.identity {
                    set("user", identity.clone());
                }
                set("factors", keycard.factors.join(" "));
                set("keycard", keycard.id.to_string());
            }
            Self::NoKeycard(why) => set("cause", describe_why(why)),
            Self::Disabled => set("cause", describe_why(&Why::Disabled)),
            Self::Refused(None) => {}
            Self::NotOfRule => set("cause", "the rule is for other users".into()),
            Self::Refused(Some(refusal)) => set("cause", describe(&refusal.cause)),
            Self::Failed(error) | Self::AllowedInOutage(error) => set("error", error.to_string()),
        }
    }
}

fn describe_why(why: &Why) -> String {
    match why {
        Why::Login(cause) => describe(cause),
        Why::Disabled => "the bouncer is disabled".into(),
        Why::Kind => "the bouncer does not accept this kind of credential".into(),
        Why::TooLarge => "the request is too large".into(),
        Why::NoLife => "the keycard would have expired already".into(),
        Why::NotWaiting => "no login of this requester waits under this id".into(),
        _ => "it was refused".into(),
    }
}

/// Says why a login was refused, for the logs. The client is not told.
pub fn describe(cause: &Cause) -> String {
    match cause {
        Cause::UnknownUser => "the user is unknown".into(),
        Cause::Denied(denial) => denial.describe().into(),
        Cause::Malformed => "what was presented cannot be read".into(),
        Cause::TooManyFailures => "there were too many failures before".into(),
        Cause::NoSession => "no login waits for this answer".into(),
        Cause::NotServed => "no checker can check it".into(),
        Cause::MayNotActAs => "the user may not act as the other".into(),
        Cause::OtherUser => "the factors belong to different users".into(),
        Cause::Realm(why) => why.clone(),
        _ => "it was refused".into(),
    }
}

impl Audit {
    /// Opens the file, or makes it for this user only. Without a path, nothing is written.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the file cannot be opened.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let file = file.map_err(|error| {
            let why = format!("the audit log {} cannot be opened", path.display());
            Error::new(ErrorKind::Unavailable, "audit").because(why).caused_by(error)
        })?;
        Ok(Self { file: Some(Mutex::new(file)) })
    }

    /// Writes a decision. `more` says what the client wanted, such as a host and a path.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if it cannot be written. No client may be let in then.
    pub fn write(
        &self,
        service: &str,
        bouncer: &str,
        decision: &Decision<'_>,
        attempt: &Attempt,
        more: &[(&str, &str)],
    ) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut fields = Map::new();
        fields.insert("time".into(), crate::log::time(now()).into());
        for (name, value) in
            [("service", service), ("bouncer", bouncer), ("decision", decision.word())]
        {
            fields.insert(name.to_owned(), value.into());
        }
        if let Some(address) = &attempt.address {
            fields.insert("address".into(), address.as_str().into());
        }
        for (name, value) in more {
            fields.insert((*name).to_owned(), (*value).into());
        }
        decision.describe(&mut fields);
        let line = Value::Object(fields).to_string() + "\n";
        let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|error| Error::io("audit", error))
    }
}
