//! Sends a request as an authenticator says.

use keyward_core::{
    Additions, Authenticator, Error, ErrorKind, Event, HashKind, MAX_ASKS, MAX_STEPS, Record,
    Refusal, RequestHead, ResponseHead, Result, State, Step, SubRequest, SubResponse,
};

/// The highest number of redirects that a caller should follow.
pub const MAX_REDIRECTS: usize = 10;

/// The client that sends what an authenticator says.
pub trait Caller {
    /// What the caller needs of an answer besides its head, such as its body.
    type Body;

    /// Sends the request with additions, without following a redirect.
    ///
    /// # Errors
    /// Whatever prevents an answer.
    fn send(&mut self, additions: &Additions) -> Result<(ResponseHead, Self::Body)>;

    /// Sends another request that the authenticator needs, if its URL may get what it carries.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if it may not; whatever prevents an answer.
    fn ask(&mut self, sub: &SubRequest) -> Result<SubResponse>;

    /// Returns the hash of the body of the request; `hash_body` of
    /// `keyward-authn` calculates it.
    ///
    /// # Errors
    /// Those of reading the body.
    fn hash_body(&mut self, kind: HashKind) -> Result<Vec<u8>>;
}

/// What came of a request.
#[derive(Debug)]
pub enum Outcome<B> {
    /// The answer. The server accepted the credential, or did not want one.
    Answered(ResponseHead, B),
    /// The authenticator gave up.
    Refused(Refusal),
}

/// Sends a request with a credential.
///
/// `challenge` is what the server said to the same request without a credential, if it was sent.
///
/// # Errors
/// Those of the authenticator and of the caller; [`Unavailable`](ErrorKind::Unavailable) if there is
/// no end after many steps.
pub fn converse<C: Caller>(
    authenticator: &dyn Authenticator,
    request: &RequestHead,
    record: Option<&Record>,
    challenge: Option<&ResponseHead>,
    state: &mut State,
    caller: &mut C,
) -> Result<Outcome<C::Body>> {
    let first = challenge.map_or(Event::Start, Event::Challenged);
    let mut step = authenticator.step(request, record, &first, state)?;
    let (mut answer, mut asks) = (None, 0);
    for _ in 0..MAX_STEPS {
        step = match step {
            Step::Send(additions) => {
                let (head, body) = caller.send(&additions)?;
                let is_bare = additions == Additions::default();
                // Without a credential, every answer but a refusal is what the caller wants.
                if is_bare && head.status != 401 {
                    return Ok(Outcome::Answered(head, body));
                }
                let (head, _) = answer.insert((head, body));
                let event = if is_bare { Event::Challenged(head) } else { Event::Answered(head) };
                authenticator.step(request, record, &event, state)?
            }
            Step::Ask(sub) => {
                asks += 1;
                if asks > MAX_ASKS {
                    return Err(endless());
                }
                let response = caller.ask(&sub)?;
                authenticator.step(request, record, &Event::Sub(&response), state)?
            }
            Step::HashBody(kind) => {
                let hash = caller.hash_body(kind)?;
                authenticator.step(request, record, &Event::BodyHash(&hash), state)?
            }
            Step::Accept => {
                let (head, body) = answer.ok_or_else(|| {
                    Error::new(ErrorKind::Other, "authenticate")
                        .because("the authenticator accepted an answer that did not come")
                })?;
                return Ok(Outcome::Answered(head, body));
            }
            Step::Refuse(refusal) => return Ok(Outcome::Refused(refusal)),
            _ => {
                return Err(Error::new(ErrorKind::Unsupported, "authenticate").because(
                    "the request cannot be sent in the way that the authenticator wants",
                ));
            }
        };
    }
    Err(endless())
}

fn endless() -> Error {
    Error::new(ErrorKind::Unavailable, "authenticate")
        .because("the server asks for more and more steps")
}
