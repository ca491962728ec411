//! The server's side of HTTP authentication (RFC 9110 section 11), for any HTTP server.
//!
//! A [`Guard`] is asked for each request. It knows the schemes Basic (RFC 7617), Digest (RFC 7616) and
//! Bearer (RFC 6750).

use keyward_core::{Attempt, Error, Presented, PresentedKind, Result, Secret};

use crate::mechanisms::digest::{self, Freshness, Offer};
use crate::portal::Portal;
use crate::realm::{Interface, Realm};
use crate::{Cause, Login, Malformed, Progress, Refusal};
use credentials::{Credentials, basic, bearer};
pub use response::Response;

mod credentials;
mod response;

#[cfg(test)]
mod tests;

/// A scheme of HTTP authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// A user and a password in each request.
    Basic,
    /// A user and the hash of a password in each request. The portal says
    /// [how](Portal::with_digest).
    Digest,
    /// A token in each request.
    Bearer,
}

impl Scheme {
    fn kind(self) -> PresentedKind {
        match self {
            Self::Basic => PresentedKind::PASSWORD,
            Self::Digest => PresentedKind::DIGEST,
            Self::Bearer => PresentedKind::TOKEN,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "Basic",
            Self::Digest => "Digest",
            Self::Bearer => "Bearer",
        }
    }

    /// Whether who reads a request can send others.
    fn shows_secret(self) -> bool {
        self != Self::Digest
    }
}

/// A request, as far as a guard needs to know it.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    method: &'a str,
    target: &'a str,
    authorization: Vec<Secret>,
}

impl<'a> Request<'a> {
    /// Makes a request with the method and the target of its first line, and the values of all
    /// its headers `Authorization`.
    pub fn new(
        method: &'a str,
        target: &'a str,
        authorization: impl IntoIterator<Item = Secret>,
    ) -> Self {
        Self { method, target, authorization: authorization.into_iter().collect() }
    }
}

/// What comes of a request.
#[derive(Debug)]
#[must_use = "a request that is refused must be answered so"]
pub enum Outcome<A> {
    /// The client is in. Drop the login when the response is finished or the client is gone.
    Entered {
        /// The login.
        login: Login<A>,
        /// Headers for the response.
        headers: Vec<(&'static str, Secret)>,
    },
    /// The client is not in, and gets this response.
    Refused {
        /// The response.
        response: Response,
        /// Why, for the log. There is no refusal if the client has presented nothing.
        refusal: Option<Refusal>,
    },
    /// The server cannot tell whether the client may come in. It gets this response.
    Failed {
        /// The response.
        response: Response,
        /// Why, for the log.
        error: Error,
    },
}

/// Lets clients of an HTTP server in.
///
/// # Security
/// - Basic and Bearer are offered and accepted on private connections only, unless
///   [`allowing_readers`](Self::allowing_readers) says otherwise.
/// - Bad input is answered with 401, and never with 500.
///
/// # Examples
/// ```
/// # use std::sync::Arc;
/// use keyward_core::Attempt;
/// use keyward_portal::http::{Guard, Outcome, Request, Scheme};
/// # use keyward_portal::{Chain, IdentityRealm, Portal, VISITOR};
/// # use keyward_core::{Account, Checker, Identity, Result, Verifier, VerifierForm};
/// # #[derive(Debug)]
/// # struct Ann;
/// # impl Checker for Ann {
/// #     fn stores(&self) -> &[VerifierForm] { &[VerifierForm::Plaintext] }
/// #     fn account(&self, user: &str, _: VerifierForm) -> Result<Option<Account>> {
/// #         let verifiers = vec![Verifier::new(VerifierForm::Plaintext, "open sesame")];
/// #         let found = (user == "ann").then(|| Identity::new("ann")).transpose()?;
/// #         Ok(found.map(|identity| Account::new(identity, verifiers)))
/// #     }
/// # }
/// # let host = Arc::new(keyward_testkit::TestHost::new());
/// # let chain = Chain::new().with("memory", Box::new(Ann));
/// # let portal = Portal::new(IdentityRealm, chain, host)?;
///
/// let guard = Guard::new(&portal, &[VISITOR], "office", &[Scheme::Basic])?;
/// let attempt = Attempt::from_address("192.0.2.1").private();
/// let request = Request::new("GET", "/", ["Basic YW5uOm9wZW4gc2VzYW1l".into()]);
/// assert!(matches!(guard.enter(&request, &attempt, ()), Outcome::Entered { .. }));
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Guard<'a, R> {
    portal: &'a Portal<R>,
    interfaces: &'a [Interface],
    realm: String,
    schemes: Vec<Scheme>,
    offer: Option<Offer>,
    allows_readers: bool,
}

impl<'a, R: Realm> Guard<'a, R> {
    /// Makes a guard that offers these schemes, in this order. `realm` is the name that browsers
    /// show; in Digest it is that of the portal.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the portal cannot serve a scheme, because no checker can or
    /// because its policy needs more than one factor; or if a header cannot contain the realm.
    pub fn new(
        portal: &'a Portal<R>,
        interfaces: &'a [Interface],
        realm: &str,
        schemes: &[Scheme],
    ) -> Result<Self> {
        if realm.contains(char::is_control) || realm.len() > 256 {
            let why = "a realm has at most 256 bytes, and no control characters";
            return Err(Error::invalid("guard", why));
        }
        let kinds: Vec<_> = schemes.iter().map(|scheme| scheme.kind()).collect();
        portal.chain().check(&kinds)?;
        for (scheme, kind) in schemes.iter().zip(&kinds) {
            if !portal.chain().suffices(std::slice::from_ref(kind)) {
                let why = format!("the policy needs more than {} can send", scheme.name());
                return Err(Error::invalid("guard", why));
            }
        }
        let offer = portal.digest_offer()?;
        if schemes.contains(&Scheme::Digest) && offer.is_none() {
            let why = "Digest is offered, but the portal has no realm for it";
            return Err(Error::invalid("guard", why));
        }
        let (realm, schemes) = (realm.to_owned(), schemes.to_vec());
        Ok(Self { portal, interfaces, realm, schemes, offer, allows_readers: false })
    }

    /// Offers Basic and Bearer also where others can read them.
    #[must_use]
    pub fn allowing_readers(self) -> Self {
        Self { allows_readers: true, ..self }
    }

    /// Decides about a request.
    pub fn enter(
        &self,
        request: &Request<'_>,
        attempt: &Attempt,
        mind: R::Mind,
    ) -> Outcome<R::Avatar> {
        let answer = Answering { guard: self, request, attempt };
        answer.decide(mind).unwrap_or_else(|error| Outcome::Failed {
            response: Response::failed(&error).to(request.method),
            error,
        })
    }

    /// The schemes that are offered on a connection.
    fn schemes(&self, attempt: &Attempt) -> impl Iterator<Item = Scheme> {
        let allows_all = attempt.private || self.allows_readers;
        self.schemes.iter().copied().filter(move |scheme| allows_all || !scheme.shows_secret())
    }
}

/// A request and the guard that decides about it.
struct Answering<'a, 'r, R> {
    guard: &'a Guard<'a, R>,
    request: &'a Request<'r>,
    attempt: &'a Attempt,
}

impl<R: Realm> Answering<'_, '_, R> {
    fn decide(&self, mind: R::Mind) -> Result<Outcome<R::Avatar>> {
        let Some(first) = self.request.authorization.first() else {
            return self.enter_unknown(mind);
        };
        let is_one = self.request.authorization.len() == 1;
        let credentials = Credentials::parse(first).filter(|_| is_one);
        let scheme = credentials.as_ref().and_then(|credentials| {
            self.schemes().find(|scheme| scheme.name().eq_ignore_ascii_case(credentials.scheme))
        });
        let (Some(credentials), Some(scheme)) = (credentials, scheme) else {
            return self.refuse(Refusal::new(Cause::Malformed), None, Freshness::Fresh);
        };
        if scheme == Scheme::Digest && self.is_stale(first)? {
            let refusal = Refusal::new(Cause::Malformed);
            return self.refuse(refusal, Some(scheme), Freshness::Stale);
        }
        match self.presented(scheme, &credentials, first) {
            Ok(presented) => self.present(scheme, &presented, mind),
            Err(_) => self.refuse(Refusal::new(Cause::Malformed), Some(scheme), Freshness::Fresh),
        }
    }

    fn schemes(&self) -> impl Iterator<Item = Scheme> {
        self.guard.schemes(self.attempt)
    }

    /// Lets a client in that has presented nothing, if anybody may come in.
    fn enter_unknown(&self, mind: R::Mind) -> Result<Outcome<R::Avatar>> {
        let Guard { portal, interfaces, .. } = self.guard;
        let chain = portal.chain();
        let presented = if chain.suffices(&[]) {
            Some(Presented::circumstances(self.attempt))
        } else {
            chain.suffices(&[PresentedKind::ANONYMOUS]).then(Presented::anonymous)
        };
        if let Some(presented) = presented
            && let Progress::LoggedIn(login) =
                portal.login(&presented, self.attempt, interfaces, mind)?
        {
            return Ok(Outcome::Entered { login, headers: Vec::new() });
        }
        let response = self.unauthorized(None, Freshness::Fresh)?;
        Ok(Outcome::Refused { response, refusal: None })
    }

    fn presented(
        &self,
        scheme: Scheme,
        credentials: &Credentials<'_>,
        header: &Secret,
    ) -> Result<Presented, Malformed> {
        match scheme {
            Scheme::Basic => basic(credentials.value),
            Scheme::Bearer => bearer(credentials.value),
            Scheme::Digest => Ok(Presented::new(PresentedKind::DIGEST)
                .with("response", header.clone())
                .with("method", self.request.method)
                .with("target", self.request.target)),
        }
    }

    fn present(
        &self,
        scheme: Scheme,
        presented: &Presented,
        mind: R::Mind,
    ) -> Result<Outcome<R::Avatar>> {
        let Guard { portal, interfaces, .. } = self.guard;
        match portal.login(presented, self.attempt, interfaces, mind)? {
            Progress::LoggedIn(login) => {
                let info = login.last_message().filter(|_| scheme == Scheme::Digest);
                let headers = info.map(|info| ("Authentication-Info", info.clone()));
                Ok(Outcome::Entered { headers: headers.into_iter().collect(), login })
            }
            Progress::Challenge(_) => {
                self.refuse(Refusal::new(Cause::NotServed), Some(scheme), Freshness::Fresh)
            }
            Progress::Refused(refusal) => {
                // Requests that overtake each other: the client needs a nonce, and no password.
                let is_replayed = refusal.cause == Cause::Denied(keyward_core::Denial::Replayed);
                let freshness = if is_replayed { Freshness::Stale } else { Freshness::Fresh };
                self.refuse(refusal, Some(scheme), freshness)
            }
        }
    }

    /// Whether a client answers a challenge that is too old. It learns that whether or not it knows
    /// the password.
    fn is_stale(&self, header: &Secret) -> Result<bool> {
        let Some(offer) = &self.guard.offer else { return Ok(false) };
        let Ok(response) = digest::Response::parse(header) else { return Ok(false) };
        let Request { method, target, .. } = *self.request;
        let request = digest::Request { method, target, body: None };
        let freshness = offer.examine(&response, &request, self.guard.portal.now());
        Ok(freshness == Ok(Freshness::Stale))
    }

    fn refuse(
        &self,
        refusal: Refusal,
        scheme: Option<Scheme>,
        freshness: Freshness,
    ) -> Result<Outcome<R::Avatar>> {
        let response = match (&refusal.cause, refusal.retry_after) {
            (_, Some(wait)) => Response::wait(wait).to(self.request.method),
            (Cause::Realm(_) | Cause::MayNotActAs, None) => {
                Response::forbidden().to(self.request.method)
            }
            _ => self.unauthorized(scheme, freshness)?,
        };
        Ok(Outcome::Refused { response, refusal: Some(refusal) })
    }

    /// Returns the response with the challenges. `tried` is the scheme that failed.
    fn unauthorized(&self, tried: Option<Scheme>, freshness: Freshness) -> Result<Response> {
        let mut challenges = Vec::new();
        for scheme in self.schemes() {
            let realm = digest::quoted(&self.guard.realm);
            match (scheme, &self.guard.offer) {
                (Scheme::Basic, _) => {
                    challenges.push(format!("Basic realm={realm}, charset=\"UTF-8\""));
                }
                (Scheme::Bearer, _) if tried == Some(Scheme::Bearer) => {
                    challenges.push(format!("Bearer realm={realm}, error=\"invalid_token\""));
                }
                (Scheme::Bearer, _) => challenges.push(format!("Bearer realm={realm}")),
                (Scheme::Digest, Some(offer)) => {
                    let nonce = offer.nonce(self.guard.portal.now())?;
                    challenges.extend(offer.challenges(&nonce, freshness));
                }
                (Scheme::Digest, None) => {}
            }
        }
        // A response with 401 must contain a challenge.
        let response = if challenges.is_empty() {
            Response::forbidden()
        } else {
            Response::unauthorized(challenges)
        };
        Ok(response.to(self.request.method))
    }
}
