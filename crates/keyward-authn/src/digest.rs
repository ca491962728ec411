use std::sync::Arc;

use keyward_origin::Target;
use keyward_plugin::{
    Additions, Authenticator, Backend, Error, ErrorKind, Event, Host, Info, Record, RefusalCause,
    RequestHead, ResponseHead, Result, State, Step, options,
};

use crate::challenge::{Challenge, challenges};
use crate::credential::user_and_password;
use crate::pages::{Pages, accepted_unless_401};
use answer::Answer;
use offer::{Offer, Protection};

mod answer;
mod offer;

#[cfg(test)]
mod tests;

/// Which answer of one request is sent.
const STAGE: &str = "digest.stage";
/// How often the server's nonce was used.
const COUNT: &str = "digest.count";
const CNONCE: &str = "digest.cnonce";

options! {
    /// The pages of [`Digest`].
    pub struct DigestOptions {
        /// Regular expressions of which a login page in place of a file matches one.
        pub failure: Vec<String>,
    }
}

/// A username, and a hash of the password, the request and a number of the server (RFC 7616).
///
/// Of several offers, it takes the one with the strongest hash: SHA-512/256, SHA-256, MD5. Where a
/// server once offered a stronger one, a weaker one is refused.
///
/// # Security
/// A reader of the request cannot repeat it, but can try passwords: use it with TLS.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    pages: Pages,
}

impl Backend for Digest {
    const INFO: Info =
        Info::new("digest", "A username and a hash of the password in each request (RFC 7616)");
    type Options = DigestOptions;

    fn open(options: DigestOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self { pages: Pages::new(&[], &options.failure)? })
    }
}

impl Authenticator for Digest {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        match event {
            Event::Start if Offer::remembered(state).is_none() => {
                Ok(Step::Send(Additions::default()))
            }
            Event::Start => {
                state.set(STAGE, "remembered");
                answer(request, record, None, state)
            }
            Event::Challenged(challenged) => {
                let Some((offer, challenge)) = Offer::strongest(challenged) else {
                    return Ok(nothing_known(challenged));
                };
                if let Some(refusal) = weaker(&offer, state) {
                    return Ok(refusal);
                }
                begin(&challenge, "first", state)?;
                answer(request, record, None, state)
            }
            Event::BodyHash(hash) => answer(request, record, Some(hash), state),
            Event::Answered(answered) if answered.status == 401 => {
                answer_again(request, record, answered, state)
            }
            Event::Answered(answered) => {
                remember_next(answered, state);
                Ok(self.pages.judge(answered))
            }
            _ => Ok(Step::Accept),
        }
    }
}

/// Answers once more if the server says that its nonce is old, or if it was of an earlier request.
fn answer_again(
    request: &RequestHead,
    record: Option<&Record>,
    answered: &ResponseHead,
    state: &mut State,
) -> Result<Step> {
    let stage = state.get(STAGE).and_then(|stage| stage.expose_str()).unwrap_or_default();
    let Some((offer, challenge)) = Offer::strongest(answered).filter(|_| stage != "last") else {
        return Ok(accepted_unless_401(answered));
    };
    let is_stale = challenge.parameter("stale").is_some_and(|it| it.eq_ignore_ascii_case("true"));
    if !is_stale && stage != "remembered" {
        return Ok(accepted_unless_401(answered));
    }
    if let Some(refusal) = weaker(&offer, state) {
        return Ok(refusal);
    }
    begin(&challenge, "last", state)?;
    answer(request, record, None, state)
}

/// Remembers a challenge, for this and later requests.
fn begin(challenge: &Challenge, stage: &str, state: &mut State) -> Result<()> {
    let nonce = state.get("digest.nonce").and_then(|nonce| nonce.expose_str());
    // A server may send the same nonce again. Then the count goes on.
    if nonce.is_none() || nonce != challenge.parameter("nonce") {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| {
            Error::new(ErrorKind::Other, "authenticate").because("there are no random numbers")
        })?;
        state.set(CNONCE, base16ct::lower::encode_string(&random));
        state.remove(COUNT);
    }
    state.set(STAGE, stage);
    Offer::remember(challenge, state);
    Ok(())
}

/// Answers the challenge that is remembered.
fn answer(
    request: &RequestHead,
    record: Option<&Record>,
    body: Option<&[u8]>,
    state: &mut State,
) -> Result<Step> {
    let (username, password) = match user_and_password(record) {
        Ok(found) => found,
        Err(step) => return Ok(step),
    };
    let text = |name| state.get(name).and_then(|value| value.expose_str()).unwrap_or_default();
    let offer = Offer::remembered(state)
        .ok_or_else(|| Error::invalid("authenticate", "there is no challenge to answer"))?;
    if offer.protection == Protection::Body && body.is_none() {
        return Ok(Step::HashBody(offer.hash));
    }
    let count = text(COUNT).parse::<u32>().unwrap_or(0).saturating_add(1);
    let target = Target::parse(&request.url)?;
    let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
    let answer = Answer {
        offer: &offer,
        method: &request.method,
        uri: &format!("{}{query}", target.path()),
        username,
        password,
        cnonce: text(CNONCE),
        count,
        body,
    };
    let header = answer.header();
    if header.expose().iter().any(u8::is_ascii_control) {
        let why = "a header cannot contain the username or what the server sent";
        return Err(Error::invalid("authenticate", why));
    }
    state.set(COUNT, count.to_string());
    Ok(Step::Send(Additions::header("Authorization", header)))
}

/// Remembers the nonce for the next request, if the server announces one.
fn remember_next(answered: &ResponseHead, state: &mut State) {
    // The header has the form of a challenge without its scheme.
    let lists = answered.values("authentication-info").map(|list| format!("Info {list}"));
    let lists: Vec<_> = lists.collect();
    let infos = Challenge::read(lists.iter().map(String::as_str));
    if let Some(next) = infos.iter().find_map(|info| info.parameter("nextnonce")) {
        Offer::remember_next(next, state);
        state.remove(COUNT);
    }
}

/// Refuses an offer that is weaker than one of the same server before.
fn weaker(offer: &Offer, state: &State) -> Option<Step> {
    let before = Offer::remembered(state)?;
    (offer.strength() < before.strength()).then(|| {
        Step::refuse(
            RefusalCause::OtherScheme,
            "the server offered Digest with a stronger hash before: someone may have changed its \
             answer",
        )
    })
}

fn nothing_known(answer: &ResponseHead) -> Step {
    let offered = challenges(answer);
    let why = match offered.0.iter().any(|challenge| challenge.scheme == "digest") {
        true => {
            "the server asks for Digest with an algorithm or a protection that is not known".into()
        }
        false => format!("the server does not ask for Digest, but for {offered}"),
    };
    Step::refuse(RefusalCause::OtherScheme, why)
}

/// Whether this server was answered with Digest before.
pub(crate) fn was_used(state: &State) -> bool {
    Offer::remembered(state).is_some()
}

/// Whether a response offers a Digest that can be answered.
pub(crate) fn is_offered(answer: &ResponseHead) -> bool {
    Offer::strongest(answer).is_some()
}
