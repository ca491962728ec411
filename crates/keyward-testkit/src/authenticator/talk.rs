//! A conversation: an authenticator, a caller that does what it says, and a server.

use keyward_core::{
    Additions, Authenticator, Error, Event, HashKind, MAX_ASKS, MAX_STEPS, Record, RequestHead,
    ResponseHead, Secret, State, Step, SubRequest, SubResponse, hex,
};
use sha2::{Digest, Sha256, Sha512_256};

use super::server::{Answer, Sent};

/// What was said.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// What the authenticator said, in order.
    pub(crate) steps: Vec<Step>,
    /// What the server answered, in order.
    pub(crate) answers: Vec<SubResponse>,
    pub(crate) end: Option<End>,
}

/// How a conversation ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The caller has the answer.
    Answered(ResponseHead),
    /// The authenticator gave up.
    Refused,
    /// The authenticator failed.
    Failed(Error),
    /// There were too many steps.
    Endless,
}

impl Talk {
    /// Returns the answer that the caller got.
    #[track_caller]
    pub(crate) fn answer(&self) -> &ResponseHead {
        match &self.end {
            Some(End::Answered(head)) => head,
            other => {
                let last = self.steps.last();
                panic!("the server's answer does not arrive: {other:?} after {last:?}")
            }
        }
    }

    /// Iterates over the requests that the authenticator wanted.
    pub(crate) fn asks(&self) -> impl Iterator<Item = &SubRequest> {
        self.steps.iter().filter_map(|step| match step {
            Step::Ask(sub) => Some(&**sub),
            _ => None,
        })
    }
}

/// Lets an authenticator authenticate a request.
///
/// `challenge` is what the server said to the request without a credential, if it was sent.
pub(crate) fn talk(
    authenticator: &dyn Authenticator,
    request: &RequestHead,
    record: Option<&Record>,
    challenge: Option<&ResponseHead>,
    state: &mut State,
    server: &dyn Fn(&Sent) -> Answer,
) -> Talk {
    let mut talk = Talk::default();
    let mut say = |talk: &mut Talk, event: &Event<'_>| {
        let said = authenticator.step(request, record, event, state)?;
        talk.steps.push(said.clone());
        Ok(said)
    };
    let mut answered: Option<ResponseHead> = None;
    let mut step = say(&mut talk, &challenge.map_or(Event::Start, Event::Challenged));
    let mut asks = 0;
    for _ in 0..MAX_STEPS {
        let said = match step {
            Ok(said) => said,
            Err(error) => return Talk { end: Some(End::Failed(error)), ..talk },
        };
        step = match said {
            Step::Send(additions) => {
                let sent = Sent::new(request, &additions, Secret::default());
                let response = server(&sent).into_response();
                talk.answers.push(response.clone());
                let is_bare = additions == Additions::default();
                if is_bare && response.head.status != 401 {
                    return Talk { end: Some(End::Answered(response.head)), ..talk };
                }
                let head = answered.insert(response.head).clone();
                let event = if is_bare { Event::Challenged(&head) } else { Event::Answered(&head) };
                say(&mut talk, &event)
            }
            Step::Ask(sub) => {
                asks += 1;
                if asks > MAX_ASKS {
                    return Talk { end: Some(End::Endless), ..talk };
                }
                let sent = Sent::new(&sub.head, &Additions::default(), sub.body.clone());
                let response = server(&sent).into_response();
                talk.answers.push(response.clone());
                say(&mut talk, &Event::Sub(&response))
            }
            Step::HashBody(kind) => say(&mut talk, &Event::BodyHash(&hash_of_nothing(kind))),
            Step::Accept => {
                let end = answered.map(End::Answered);
                let end = end.expect("the authenticator accepts an answer that did not come");
                return Talk { end: Some(end), ..talk };
            }
            Step::Refuse(_) => {
                return Talk { end: Some(End::Refused), ..talk };
            }
            other => panic!("this suite does not know the step {other:?}"),
        };
    }
    Talk { end: Some(End::Endless), ..talk }
}

/// Returns the hash of an empty body.
fn hash_of_nothing(kind: HashKind) -> Vec<u8> {
    match kind {
        HashKind::Md5 => {
            let mut hash = [0; 16];
            hex::decode(b"d41d8cd98f00b204e9800998ecf8427e", &mut hash).unwrap();
            hash.to_vec()
        }
        HashKind::Sha512_256 => Sha512_256::digest([]).to_vec(),
        _ => Sha256::digest([]).to_vec(),
    }
}
