//! Asks the user for a credential that the server accepts.

use keyward::Query;
use keyward_authn::challenges;
use keyward_core::{Error, ErrorKind, Record, ResponseHead, Result};
use keyward_kinds::names;
use keyward_origin::Target;
use keyward_provider::{Outcome, Provider};

use super::{Answer, Fetcher, refused};
use crate::draft::Draft;

/// What was tried before the user is asked.
pub(super) struct Tried<'a, 'd> {
    pub(super) target: &'a Target,
    pub(super) draft: &'a Draft<'d>,
    pub(super) provider: &'a Provider,
    pub(super) challenge: Option<&'a ResponseHead>,
    /// The name of the credential, and its record if there is one.
    pub(super) name: &'a str,
    pub(super) record: Option<&'a Record>,
}

impl Fetcher<'_> {
    /// Asks the user for the credential, at most three times, until the server accepts one, which is
    /// then stored. Returns `None` if there is no user to ask, or if what is needed cannot be typed.
    ///
    /// # Errors
    /// [`Unauthorized`](ErrorKind::Unauthorized) if the server accepts none; those of the request.
    pub(super) fn ask_user(&mut self, tried: &Tried<'_, '_>) -> Result<Option<Answer>> {
        let keyward = self.keyward;
        let Some(kind) = kind(tried) else { return Ok(None) };
        let resolver = keyward.resolver()?;
        let kind = resolver.kinds().find(kind)?;
        let origin = tried.target.origin().to_string();
        let query = Query::new(tried.name, None)?.of_kind(kind).for_url(&origin)?.forcing_prompt();
        let answer = keyward.log_in(&resolver, &query, |found| {
            let mut record = found.record.clone();
            if let Some(known) = tried.record {
                record.origins.clone_from(&known.origins);
            }
            self.try_typed(tried, record)
        });
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if matches!(error.kind(), ErrorKind::Locked | ErrorKind::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn try_typed(&mut self, tried: &Tried<'_, '_>, record: Record) -> Result<Answer> {
        let Tried { target, provider, name, .. } = *tried;
        let mut refusal = None;
        for used in &provider.authenticators {
            // What the server answered to another credential does not count for this one.
            self.forget(&provider.name, name, target.origin());
            let outcome = self.converse(
                &*self.keyward.authenticator(used)?,
                (&provider.name, name),
                target,
                tried.draft,
                Some(&record),
                tried.challenge,
            )?;
            match outcome {
                Outcome::Answered(head, _) if !is_accepted(head.status) => {
                    let why = format!("{}: the status is {}", target.origin(), head.status);
                    let kind = match head.status {
                        403 => ErrorKind::Unauthorized,
                        _ => ErrorKind::Unavailable,
                    };
                    return Err(Error::new(kind, "fetch").because(why));
                }
                Outcome::Answered(head, body) => {
                    let (target, credential) = (target.clone(), Some(name.to_owned()));
                    return Ok(Answer { target, head, body: body.into(), credential });
                }
                Outcome::Refused(why) => refusal = Some((name.to_owned(), why)),
            }
        }
        // A cause that another answer of the user cannot change is no reason to ask again.
        Err(match refused(target, provider, &[], refusal, None) {
            error if error.kind() == ErrorKind::NotFound => {
                Error::new(ErrorKind::Unauthorized, "fetch").because(error.message().to_owned())
            }
            error => error,
        })
    }
}

/// Whether a server that answers with this status has accepted the credential.
fn is_accepted(status: u16) -> bool {
    matches!(status, 200..=399 | 404 | 405 | 410 | 416)
}

/// Returns the kind of what the user is asked for.
fn kind(tried: &Tried<'_, '_>) -> Option<&'static str> {
    const TYPED: [&str; 2] = [names::USER_PASSWORD, names::TOKEN];
    if let Some(record) = tried.record {
        return TYPED.into_iter().find(|kind| *kind == record.kind);
    }
    tried.provider.authenticators.iter().find_map(|used| match used.name.as_str() {
        "basic" | "digest" | "html-form" | "loris" | "nda" | "registry-token" | "xnat" => {
            Some(names::USER_PASSWORD)
        }
        "bearer" | "token" => Some(names::TOKEN),
        "auto" => {
            let offered = challenges(tried.challenge?).0;
            let asks = |scheme: &str| offered.iter().any(|challenge| challenge.scheme == scheme);
            match asks("basic") || asks("digest") {
                true => Some(names::USER_PASSWORD),
                false => asks("bearer").then_some(names::TOKEN),
            }
        }
        _ => None,
    })
}
