//! Sends a request as an authenticator says.

use keyward_core::{
    Additions, Authenticator, Error, ErrorKind, Event, MAX_ASKS, MAX_STEPS, Record, Refusal,
    RequestHead, ResponseHead, Result, State, Step, SubRequest, SubResponse,
};

/// The highest number of redirects that a caller should follow.
pub const MAX_REDIRECTS: usize = 10;

/// Sends another request that an authenticator needs. The function decides whether its URL may get
/// the credential.
pub type Ask<'a> = &'a mut dyn FnMut(&SubRequest) -> Result<SubResponse>;

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
/// `challenge` is what the server said to the same request without a credential, if it was sent. `send` sends
/// the request with additions, without following a redirect; its second result is what the caller
/// needs of the answer.
///
/// # Errors
/// Those of the authenticator, of `send` and of `ask`; [`Unavailable`](ErrorKind::Unavailable) if
/// there is no end after many steps.
pub fn converse<B>(
    authenticator: &dyn Authenticator,
    request: &RequestHead,
    record: Option<&Record>,
    challenge: Option<&ResponseHead>,
    state: &mut State,
    send: &mut dyn FnMut(&Additions) -> Result<(ResponseHead, B)>,
    ask: Ask<'_>,
) -> Result<Outcome<B>> {
    let first = challenge.map_or(Event::Start, Event::Challenged);
    let mut step = authenticator.step(request, record, &first, state)?;
    let (mut answer, mut asks) = (None, 0);
    for _ in 0..MAX_STEPS {
        step = match step {
            Step::Send(additions) => {
                let (head, body) = send(&additions)?;
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
                let response = ask(&sub)?;
                authenticator.step(request, record, &Event::Sub(&response), state)?
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
