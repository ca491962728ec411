//! The server's side of SASL (RFC 4422), for any protocol that uses it.
//!
//! A server makes a [`Sasl`] for each connection, offers its [`mechanisms`](Sasl::mechanisms), and
//! sends and receives what the steps of an exchange say. The messages are the decoded ones: protocols
//! such as IMAP and SMTP encode them as base64.

use keyward_core::{Attempt, Presented, Result, Secret};

use crate::portal::Portal;
use crate::realm::{Interface, Realm};
use crate::{Cause, Login, Progress, Refusal, SessionId};
pub use mechanism::Mechanism;
pub use paused::Paused;

mod mechanism;
mod messages;
mod paused;

pub(crate) use messages::is_token;

#[cfg(test)]
mod tests;

/// The longest message of a client, in bytes.
const MAX: usize = 16 << 10;

/// SASL on one connection.
///
/// # Security
/// - Mechanisms in which the client sends its secret are offered on private connections only.
/// - If the connection has channel binding, a client that could use it and was kept from it is refused.
///
/// # Examples
/// ```
/// # use std::sync::Arc;
/// use keyward_core::Attempt;
/// use keyward_portal::sasl::{Sasl, Step};
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
/// let attempt = Attempt::from_address("192.0.2.1").private().to("imap");
/// let sasl = Sasl::new(&portal, &[VISITOR], attempt);
/// let names: Vec<_> = sasl.mechanisms().map(|mechanism| mechanism.name()).collect();
/// assert!(names.contains(&"PLAIN"));
/// match sasl.start("PLAIN", Some(&"\0ann\0open sesame".into()), ())? {
///     Step::Success { login, .. } => assert!(login.visitor().identity.is_some()),
///     Step::Challenge { .. } | Step::Refused(_) => unreachable!(),
/// }
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Sasl<'a, R> {
    portal: &'a Portal<R>,
    interfaces: &'a [Interface],
    attempt: Attempt,
    binding: Option<Secret>,
    needs_binding: bool,
    certificate: Option<Secret>,
    sends_data_with_success: bool,
}

/// What to do next.
#[derive(Debug)]
#[must_use = "an exchange may need another step"]
pub enum Step<'s, R: Realm> {
    /// Send this message, which may be empty, and go on with the answer.
    Challenge {
        /// What the client gets.
        message: Secret,
        /// What goes on.
        exchange: Exchange<'s, R>,
    },
    /// The client is in.
    Success {
        /// The login.
        login: Login<R::Avatar>,
        /// What the client gets together with the news, if the protocol can say both at once.
        data: Option<Secret>,
    },
    /// The client is not let in. It is not told why.
    Refused(Refusal),
}

/// An exchange that waits for the client. If the client cancels it, drop it.
#[derive(Debug)]
pub struct Exchange<'s, R: Realm> {
    sasl: &'s Sasl<'s, R>,
    state: State<R::Avatar>,
}

#[derive(Debug)]
enum State<A> {
    /// The client speaks first, but has not yet.
    Begin(Mechanism),
    LoginUser,
    LoginPassword(String),
    Portal(SessionId),
    /// The client knows that it failed, and must say so (RFC 7628 section 3.2.3).
    Failed(Refusal),
    /// The client has the last message of the mechanism, and must answer with nothing.
    Done(Login<A>),
}

impl<'a, R: Realm> Sasl<'a, R> {
    /// Makes it for a connection. `interfaces` are what the server can work with, the preferred one
    /// first.
    pub fn new(portal: &'a Portal<R>, interfaces: &'a [Interface], attempt: Attempt) -> Self {
        Self {
            portal,
            interfaces,
            attempt,
            binding: None,
            needs_binding: false,
            certificate: None,
            sends_data_with_success: false,
        }
    }

    /// Offers channel binding. `exported` are the 32 bytes that TLS 1.3 exports with the label
    /// `EXPORTER-Channel-Binding` and no context (RFC 9266).
    #[must_use]
    pub fn with_channel_binding(self, exported: Secret) -> Self {
        Self { binding: Some(exported), ..self }
    }

    /// Offers only mechanisms that are bound to the connection: SCRAM with channel binding, and the
    /// client's certificate.
    #[must_use]
    pub fn requiring_channel_binding(self) -> Self {
        Self { needs_binding: true, ..self }
    }

    /// Says with which certificate, in DER form, TLS has authenticated the client.
    #[must_use]
    pub fn with_certificate(self, certificate: Secret) -> Self {
        Self { certificate: Some(certificate), ..self }
    }

    /// Says that the protocol can send data together with the news of a success, as XMPP and LDAP
    /// can. Otherwise they are sent as a challenge, which the client answers with nothing.
    #[must_use]
    pub fn sending_data_with_success(self) -> Self {
        Self { sends_data_with_success: true, ..self }
    }

    /// Returns the mechanisms that the client may use, the best first.
    pub fn mechanisms(&self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(|mechanism| self.offers(*mechanism))
    }

    fn offers(&self, mechanism: Mechanism) -> bool {
        let is_possible = match mechanism {
            Mechanism::External => self.certificate.is_some(),
            it if it.is_bound() => self.binding.is_some(),
            it => !self.needs_binding && (self.attempt.private || !it.shows_secret()),
        };
        let kind = mechanism.kind();
        // A login with more than one factor cannot be said in SASL.
        is_possible && self.portal.chain().suffices(std::slice::from_ref(&kind))
    }

    /// Begins an exchange, with the client's first message if it came with the name of the mechanism.
    ///
    /// # Errors
    /// Those of [`Portal::login`].
    pub fn start(
        &self,
        mechanism: &str,
        initial: Option<&Secret>,
        mind: R::Mind,
    ) -> Result<Step<'_, R>> {
        let known = Mechanism::from_name(mechanism).filter(|mechanism| self.offers(*mechanism));
        let Some(mechanism) = known else { return Ok(refused(Cause::NotServed)) };
        match (mechanism, initial) {
            (Mechanism::CramMd5, None) => {
                let challenge = self.portal.begin(&mechanism.kind(), &self.attempt)?;
                Ok(self.challenge(challenge.message, State::Portal(challenge.session)))
            }
            (Mechanism::CramMd5, Some(_)) => Ok(refused(Cause::Malformed)),
            (Mechanism::Login, None) => Ok(self.challenge("Username:".into(), State::LoginUser)),
            (_, None) => Ok(self.challenge(Secret::default(), State::Begin(mechanism))),
            (_, Some(message)) => self.first(mechanism, message, mind),
        }
    }

    /// Reads a client's first message.
    fn first(&self, mechanism: Mechanism, message: &Secret, mind: R::Mind) -> Result<Step<'_, R>> {
        if message.len() > MAX {
            return Ok(refused(Cause::Malformed));
        }
        let presented = match mechanism {
            Mechanism::Login => return Ok(self.login_user(message)),
            Mechanism::CramMd5 => return Ok(refused(Cause::Malformed)),
            Mechanism::Plain => messages::plain(message),
            Mechanism::OauthBearer => messages::oauth_bearer(message),
            Mechanism::Anonymous => messages::anonymous(message),
            Mechanism::External => {
                let certificate = self.certificate.clone().unwrap_or_default();
                messages::external(message, certificate)
            }
            _ => Ok(self.scram(mechanism, message)),
        };
        let Ok(presented) = presented else { return Ok(refused(Cause::Malformed)) };
        let step = self.login(&presented, mind)?;
        Ok(match step {
            Step::Refused(refusal) if mechanism == Mechanism::OauthBearer => {
                self.challenge(messages::INVALID_TOKEN.into(), State::Failed(refusal))
            }
            step => step,
        })
    }

    fn scram(&self, mechanism: Mechanism, message: &Secret) -> Presented {
        let presented = Presented::new(mechanism.kind()).with("message", message.clone());
        match &self.binding {
            Some(exported) if mechanism.is_bound() => presented.with("binding", exported.clone()),
            Some(_) => presented.with("binding-offered", ""),
            None => presented,
        }
    }

    fn login_user(&self, message: &Secret) -> Step<'_, R> {
        match message.expose_str() {
            Some(user) if !user.is_empty() => {
                self.challenge("Password:".into(), State::LoginPassword(user.to_owned()))
            }
            _ => refused(Cause::Malformed),
        }
    }

    fn login(&self, presented: &Presented, mind: R::Mind) -> Result<Step<'_, R>> {
        let progress = self.portal.login(presented, &self.attempt, self.interfaces, mind)?;
        Ok(self.step(progress))
    }

    fn step(&self, progress: Progress<R::Avatar>) -> Step<'_, R> {
        match progress {
            Progress::Challenge(challenge) if challenge.missing.is_empty() => {
                self.challenge(challenge.message, State::Portal(challenge.session))
            }
            Progress::Challenge(_) => refused(Cause::NotServed),
            Progress::Refused(refusal) => Step::Refused(refusal),
            Progress::LoggedIn(login) => match login.last_message().cloned() {
                Some(data) if !self.sends_data_with_success => {
                    self.challenge(data, State::Done(login))
                }
                data => Step::Success { login, data },
            },
        }
    }

    fn challenge(&self, message: Secret, state: State<R::Avatar>) -> Step<'_, R> {
        Step::Challenge { message, exchange: Exchange { sasl: self, state } }
    }
}

impl<'s, R: Realm> Exchange<'s, R> {
    /// Goes on with the client's answer.
    ///
    /// # Errors
    /// Those of [`Portal::step`].
    pub fn answer(self, answer: &Secret, mind: R::Mind) -> Result<Step<'s, R>> {
        let sasl = self.sasl;
        if answer.len() > MAX {
            return Ok(refused(Cause::Malformed));
        }
        match self.state {
            State::Begin(mechanism) => sasl.first(mechanism, answer, mind),
            State::LoginUser => Ok(sasl.login_user(answer)),
            State::LoginPassword(user) => {
                sasl.login(&Presented::password(user, answer.clone()), mind)
            }
            State::Portal(session) => {
                let (attempt, interfaces) = (&sasl.attempt, sasl.interfaces);
                let progress = sasl.portal.step(&session, answer, attempt, interfaces, mind)?;
                Ok(sasl.step(progress))
            }
            State::Done(login) if answer.is_empty() => Ok(Step::Success { login, data: None }),
            State::Done(_) => Ok(refused(Cause::Malformed)),
            State::Failed(refusal) => Ok(Step::Refused(refusal)),
        }
    }
}

fn refused<'s, R: Realm>(cause: Cause) -> Step<'s, R> {
    Step::Refused(Refusal::new(cause))
}
