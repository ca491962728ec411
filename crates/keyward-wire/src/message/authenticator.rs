//! The fields of authenticators.

use keyward_core::{
    Additions, Error, ErrorKind, Event, HashKind, Header, MAX_BODY_START, MAX_SUB_BODY, Refusal,
    RefusalCause, RequestHead, ResponseHead, Result, State, Step, SubRequest, SubResponse,
};

use super::failure::{cut, escape_text};
use super::pairs::{are_few, limited, read_pairs, secret};
use super::words::{meaning, word};
use crate::cbor::{Fields, Malformed, Map, Raw, pair};

/// The longest URL, in bytes.
pub const MAX_URL: usize = 64 << 10;

/// The longest method, in bytes.
pub const MAX_METHOD: usize = 64;

/// The longest hash of a body, in bytes.
pub const MAX_HASH: usize = 64;

/// The largest certificate, and the largest private key, in bytes.
pub const MAX_PEM: usize = 1 << 20;

const HASHES: [(&str, HashKind); 3] =
    [("md5", HashKind::Md5), ("sha-256", HashKind::Sha256), ("sha-512-256", HashKind::Sha512_256)];

const CAUSES: [(&str, RefusalCause); 3] = [
    ("needs_credential", RefusalCause::NeedsCredential),
    ("wrong_credential", RefusalCause::WrongCredential),
    ("other_scheme", RefusalCause::OtherScheme),
];

/// Checks that a child can read this request, event and state.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) if something is larger than the protocol allows, or of a
/// kind that it does not have.
pub fn check_call(request: &RequestHead, event: &Event<'_>, state: &State) -> Result<()> {
    let (head, body): (Option<&ResponseHead>, &[u8]) = match event {
        Event::Start => (None, &[]),
        Event::Challenged(head) | Event::Answered(head) => (Some(head), &[]),
        Event::Sub(sub) => (Some(&sub.head), sub.body.expose()),
        Event::BodyHash(hash) if hash.len() <= MAX_HASH => (None, &[]),
        Event::BodyHash(_) => return Err(too_large()),
        _ => return Err(unsupported("the protocol has no such event")),
    };
    let fits = are_few(state.iter().map(|(name, value)| (name, value.expose())))
        && is_small(request)
        && head.is_none_or(|head| {
            are_few(pairs(&head.headers)) && head.body_start.len() <= MAX_BODY_START
        })
        && body.len() <= MAX_SUB_BODY;
    if fits { Ok(()) } else { Err(too_large()) }
}

/// Checks that the host can read this step and state.
///
/// # Errors
/// As [`check_call`].
pub fn check_answer(step: &Step, state: &State) -> Result<()> {
    let fits = match step {
        Step::Send(additions) => {
            let pem = |bytes: &[u8]| bytes.len() <= MAX_PEM;
            let query = additions.query.iter();
            are_few(pairs(&additions.headers))
                && are_few(query.map(|(name, value)| (name.as_str(), value.expose())))
                && additions
                    .certificate
                    .as_ref()
                    .is_none_or(|(chain, key)| pem(chain) && pem(key.expose()))
        }
        Step::Ask(sub) => is_small(&sub.head) && sub.body.len() <= MAX_SUB_BODY,
        Step::HashBody(_) | Step::Accept | Step::Refuse(_) => true,
        _ => return Err(unsupported("the protocol has no such step")),
    };
    let fits = fits && are_few(state.iter().map(|(name, value)| (name, value.expose())));
    if fits { Ok(()) } else { Err(too_large()) }
}

fn unsupported(why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "step").because(why.to_owned())
}

fn too_large() -> Error {
    unsupported("a request, an answer or a state is larger than the plugin protocol allows")
}

fn is_small(head: &RequestHead) -> bool {
    head.method.len() <= MAX_METHOD && head.url.len() <= MAX_URL && are_few(pairs(&head.headers))
}

fn pairs(headers: &[Header]) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|header| (header.name.as_str(), header.value.expose()))
}

/// Writes the arguments of `step` except the record.
pub fn write_call(
    fields: &mut Fields<'_>,
    request: &RequestHead,
    event: &Event<'_>,
    state: &State,
) {
    fields.put_map("request", |fields| write_request(fields, request));
    let response = |fields: &mut Fields<'_>, name: &str, head: &ResponseHead| {
        fields.put("event", name).put_map("response", |fields| write_response(fields, head));
    };
    match event {
        Event::Challenged(head) => response(fields, "challenged", head),
        Event::Answered(head) => response(fields, "answered", head),
        Event::Sub(sub) => {
            response(fields, "sub", &sub.head);
            fields.put("body", sub.body.expose());
        }
        Event::BodyHash(hash) => {
            fields.put("event", "body_hash").put("hash", *hash);
        }
        // `check_call` refuses others.
        _ => {
            fields.put("event", "start");
        }
    }
    write_state(fields, state);
}

/// The arguments of `step` except the record.
#[derive(Debug)]
pub struct Received {
    /// The request.
    pub request: RequestHead,
    /// What the authenticator has learned so far.
    pub state: State,
    event: ReceivedEvent,
}

#[derive(Debug)]
enum ReceivedEvent {
    Start,
    Challenged(ResponseHead),
    Answered(ResponseHead),
    Sub(SubResponse),
    BodyHash(Vec<u8>),
}

impl Received {
    /// Reads the arguments.
    ///
    /// # Errors
    /// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
    pub fn read(fields: &Map<'_>) -> Result<Self, Malformed> {
        let response = || read_response(&fields.get("response")?);
        let event = match fields.get("event")? {
            "start" => ReceivedEvent::Start,
            "challenged" => ReceivedEvent::Challenged(response()?),
            "answered" => ReceivedEvent::Answered(response()?),
            "sub" => ReceivedEvent::Sub(SubResponse {
                head: response()?,
                body: secret(fields, "body", MAX_SUB_BODY)?,
            }),
            "body_hash" => ReceivedEvent::BodyHash(limited(fields, "hash", MAX_HASH)?.to_vec()),
            _ => return Err(Malformed("event")),
        };
        let request = read_request(&fields.get("request")?)?;
        Ok(Self { request, state: read_state(fields)?, event })
    }

    /// Returns the event.
    pub fn event(&self) -> Event<'_> {
        match &self.event {
            ReceivedEvent::Start => Event::Start,
            ReceivedEvent::Challenged(head) => Event::Challenged(head),
            ReceivedEvent::Answered(head) => Event::Answered(head),
            ReceivedEvent::Sub(sub) => Event::Sub(sub),
            ReceivedEvent::BodyHash(hash) => Event::BodyHash(hash),
        }
    }
}

/// Writes the answer to `step`.
pub fn write_answer(fields: &mut Fields<'_>, step: &Step, state: &State) {
    match step {
        Step::Send(additions) => {
            fields.put("step", "send");
            write_additions(fields, additions);
        }
        Step::Ask(sub) => {
            fields.put("step", "ask").put("body", sub.body.expose());
            fields.put_map("request", |fields| write_request(fields, &sub.head));
            fields.put("carries_credential", sub.carries_credential);
        }
        Step::HashBody(kind) => {
            fields.put("step", "hash_body").put("hash", word(&HASHES, *kind));
        }
        Step::Refuse(refusal) => {
            fields.put("step", "refuse").put("cause", word(&CAUSES, refusal.cause));
            fields.put("why", cut(&refusal.why));
        }
        // `check_answer` refuses others.
        _ => {
            fields.put("step", "accept");
        }
    }
    write_state(fields, state);
}

/// Reads the answer to `step`.
///
/// # Errors
/// [`Malformed`] if a field is missing or has a value that the protocol does not allow.
pub fn read_answer(fields: &Map<'_>) -> Result<(Step, State), Malformed> {
    let step = match fields.get("step")? {
        "send" => Step::Send(read_additions(fields)?),
        "ask" => Step::Ask(Box::new(SubRequest {
            head: read_request(&fields.get("request")?)?,
            body: secret(fields, "body", MAX_SUB_BODY)?,
            // Of a request that does not say it, the careful answer.
            carries_credential: fields.find("carries_credential")?.unwrap_or(true),
        })),
        "hash_body" => Step::HashBody(meaning(&HASHES, fields, "hash")?),
        "accept" => Step::Accept,
        "refuse" => Step::Refuse(Refusal {
            cause: meaning(&CAUSES, fields, "cause")?,
            why: escape_text(fields.get("why")?),
        }),
        _ => return Err(Malformed("step")),
    };
    Ok((step, read_state(fields)?))
}

fn write_additions(fields: &mut Fields<'_>, additions: &Additions) {
    write_headers(fields, &additions.headers);
    fields.put_list("query", &additions.query, |out, (name, value)| {
        pair(out, name, value.expose());
    });
    if let Some((chain, key)) = &additions.certificate {
        fields.put("certificate", &chain[..]).put("private_key", key.expose());
    }
}

fn read_additions(fields: &Map<'_>) -> Result<Additions, Malformed> {
    let certificate = match fields.find::<Raw<'_>>("certificate")? {
        None => None,
        Some(_) => Some((
            limited(fields, "certificate", MAX_PEM)?.to_vec(),
            secret(fields, "private_key", MAX_PEM)?,
        )),
    };
    Ok(Additions {
        headers: read_headers(fields)?,
        query: read_pairs(fields, "query")?,
        certificate,
    })
}

fn write_request(fields: &mut Fields<'_>, head: &RequestHead) {
    fields.put("method", head.method.as_str()).put("url", head.url.as_str());
    write_headers(fields, &head.headers);
}

fn read_request(fields: &Map<'_>) -> Result<RequestHead, Malformed> {
    let text = |name, most| match fields.get::<&str>(name)? {
        text if text.len() <= most => Ok(text.to_owned()),
        _ => Err(Malformed(name)),
    };
    Ok(RequestHead {
        method: text("method", MAX_METHOD)?,
        url: text("url", MAX_URL)?,
        headers: read_headers(fields)?,
    })
}

fn write_response(fields: &mut Fields<'_>, head: &ResponseHead) {
    fields.put("status", u64::from(head.status));
    write_headers(fields, &head.headers);
    fields.put("body_start", head.body_start.expose());
}

fn read_response(fields: &Map<'_>) -> Result<ResponseHead, Malformed> {
    let status = u16::try_from(fields.get::<u64>("status")?).map_err(|_| Malformed("status"))?;
    let body_start = secret(fields, "body_start", MAX_BODY_START)?;
    Ok(ResponseHead { status, headers: read_headers(fields)?, body_start })
}

fn write_headers(fields: &mut Fields<'_>, headers: &[Header]) {
    fields.put_list("headers", headers, |out, header| {
        pair(out, &header.name, header.value.expose());
    });
}

fn read_headers(fields: &Map<'_>) -> Result<Vec<Header>, Malformed> {
    let pairs = read_pairs(fields, "headers")?;
    Ok(pairs.into_iter().map(|(name, value)| Header { name, value }).collect())
}

fn write_state(fields: &mut Fields<'_>, state: &State) {
    let values: Vec<_> = state.iter().collect();
    fields.put_list("state", &values, |out, (name, value)| pair(out, name, value.expose()));
}

fn read_state(fields: &Map<'_>) -> Result<State, Malformed> {
    let mut state = State::default();
    for (name, value) in read_pairs(fields, "state")? {
        state.set(name, value);
    }
    Ok(state)
}
