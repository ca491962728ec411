use std::sync::Arc;

use keyward_kinds::names;
use keyward_origin::Target;
use keyward_plugin::{
    Additions, Authenticator, Backend, Event, Header, Host, Info, Origin, Record, RefusalCause,
    RequestHead, ResponseHead, Result, Secret, State, Step, SubRequest, SubResponse, Timestamp,
    options, printable,
};
use serde::Deserialize;

use crate::challenge::{Challenge, challenges};
use crate::credential::{basic, joined, user_and_password};
use crate::pages::accepted_unless_401;

mod realm;

#[cfg(test)]
mod tests;

/// How long a token lives if its server does not say it, in seconds.
const DEFAULT_LIFE: u64 = 60;
/// How long before its end a token is not used any more, in seconds.
const MARGIN: u64 = 5;
/// The most tokens that are kept, and the longest one, in bytes.
const MAX_TOKENS: usize = 100;
const MAX_TOKEN: usize = 64 << 10;

const PREFIX: &str = "registry-token.";
/// For what a token was asked.
const WANTED: &str = "registry.wanted";

options! {
    /// The servers of [`RegistryToken`].
    pub struct RegistryTokenOptions {
        /// Servers on other sites that may give tokens for the registry, as https://auth.example.org.
        pub realms: Vec<String>,
    }
}

/// A token of a container registry, from the server that the registry names; without a credential,
/// one that everyone gets.
///
/// A token is used only for the realm, the service and the scopes for which it was issued.
#[derive(Clone, Debug)]
pub struct RegistryToken {
    host: Arc<dyn Host>,
    realms: Vec<Origin>,
}

impl Backend for RegistryToken {
    const INFO: Info = Info::new("registry-token", "A token of a container registry");
    type Options = RegistryTokenOptions;

    fn open(options: RegistryTokenOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let realms = options.realms.iter().map(|url| keyward_origin::parse(url));
        Ok(Self { host: Arc::clone(host), realms: realms.collect::<Result<_>>()? })
    }
}

impl Authenticator for RegistryToken {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        match event {
            Event::Start => Ok(Step::Send(Additions::default())),
            Event::Challenged(answer) => self.challenged(request, record, answer, state),
            Event::Sub(sub) => self.issued(sub, state),
            Event::Answered(answer) => {
                if answer.status == 401
                    && let Some(wanted) = state.remove(WANTED)
                    && let Some(wanted) = wanted.expose_str()
                {
                    state.remove(&format!("{PREFIX}{wanted}"));
                }
                Ok(accepted_unless_401(answer))
            }
            _ => Ok(Step::Accept),
        }
    }
}

impl RegistryToken {
    fn challenged(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        answer: &ResponseHead,
        state: &mut State,
    ) -> Result<Step> {
        let other = |why: String| Ok(Step::refuse(RefusalCause::OtherScheme, why));
        let offered = challenges(answer);
        let is_token = |it: &&Challenge| it.scheme == "bearer" && it.parameter("realm").is_some();
        let Some(challenge) = offered.0.iter().find(is_token) else {
            return other(format!("the server does not name a server of tokens: {offered}"));
        };
        let Ok(realm) = Target::parse(challenge.parameter("realm").unwrap_or_default()) else {
            return other("the server of tokens has a URL that cannot be used".into());
        };
        let registry = Target::parse(&request.url)?;
        if let Some(why) = realm::refusal(realm.origin(), registry.origin(), &self.realms) {
            let origin = printable(&realm.origin().to_string()).to_string();
            return other(format!("tokens are not requested from {origin}: {why}"));
        }
        let (service, scope) = (challenge.parameter("service"), challenge.parameter("scope"));
        let url = realm::url(&realm, service, scope);
        state.set(WANTED, url.as_str());
        if let Some(token) = kept(state, &url, self.host.now()) {
            return Ok(send(&token));
        }
        let mut sub = SubRequest {
            head: RequestHead { method: "GET".into(), url, headers: Vec::new() },
            body: Secret::default(),
            carries_credential: false,
        };
        if record.is_some_and(|record| record.kind == names::USER_PASSWORD) {
            let (username, password) = match user_and_password(record) {
                Ok(found) => found,
                Err(step) => return Ok(step),
            };
            let value = basic(username, password)?;
            sub.head.headers.push(Header::new("Authorization", value));
            sub.carries_credential = true;
        }
        Ok(Step::Ask(Box::new(sub)))
    }

    /// Keeps a new token and sends it.
    fn issued(&self, sub: &SubResponse, state: &mut State) -> Result<Step> {
        if sub.head.status != 200 {
            let why = format!("the server of tokens answers with status {}", sub.head.status);
            return Ok(Step::refuse(RefusalCause::WrongCredential, why));
        }
        let issued = serde_json::from_slice::<Issued<'_>>(sub.body.expose()).ok();
        let token = issued.as_ref().and_then(|issued| issued.token.or(issued.access_token));
        let is_sendable = |token: &&str| {
            !token.is_empty()
                && token.len() <= MAX_TOKEN
                && token.bytes().all(|it| it.is_ascii_graphic())
        };
        let Some(token) = token.filter(is_sendable) else {
            let why = "the server of tokens answers without a token";
            return Ok(Step::refuse(RefusalCause::OtherScheme, why));
        };
        let life = issued.as_ref().and_then(|issued| issued.expires_in).unwrap_or(DEFAULT_LIFE);
        let end = self.host.now().as_unix().saturating_add(life).saturating_sub(MARGIN);
        let wanted = state.get(WANTED).and_then(Secret::expose_str).unwrap_or_default();
        let key = format!("{PREFIX}{wanted}");
        if state.iter().filter(|(key, _)| key.starts_with(PREFIX)).count() < MAX_TOKENS {
            state.set(key, joined(&[end.to_string().as_bytes(), b" ", token.as_bytes()]));
        }
        Ok(send(&Secret::from(token)))
    }
}

/// What a server of tokens answers.
#[derive(Deserialize)]
struct Issued<'a> {
    token: Option<&'a str>,
    access_token: Option<&'a str>,
    expires_in: Option<u64>,
}

/// Returns a token that is still good.
fn kept(state: &State, wanted: &str, now: Timestamp) -> Option<Secret> {
    let kept = state.get(&format!("{PREFIX}{wanted}"))?.expose_str()?;
    let (end, token) = kept.split_once(' ')?;
    (end.parse::<u64>().ok()? > now.as_unix()).then(|| token.into())
}

fn send(token: &Secret) -> Step {
    Step::Send(Additions::header("Authorization", joined(&[b"Bearer ", token.expose()])))
}
