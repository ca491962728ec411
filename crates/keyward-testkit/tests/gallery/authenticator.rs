use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_testkit::authenticator::CASES;
use keyward_testkit::core::{
    Additions, Authenticator, Error, Event, Field, Header, Host, Record, RefusalCause, RequestHead,
    ResponseHead, Result, Secret, State, Step, SubRequest,
};
use keyward_testkit::core::{Value, Values};
use keyward_testkit::{Answer, Scratch, Sent, Server, Subject, TestHost};

use crate::{catches_all, failing};
use Fault::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    SendsSomethingElse,
    RemembersInItself,
    NeverEnds,
    AcceptsRefusals,
    FailsWithoutACredential,
    KeepsTheFirstKey,
    SendsLines,
    HidesTheCredential,
    AsksElsewhere,
    PanicsOnLongHeaders,
    Dawdles,
    TrustsTheState,
    ReadsAVariable,
    QuotesTheServer,
    GivesNoReason,
    ShowsTheKey,
    ShowsTheLast,
}

#[test]
fn a_correct_authenticator_passes() {
    assert_eq!(failing(CASES, || subject(None)), [].into());
}

#[test]
fn every_faulty_authenticator_is_caught() {
    let table: &[crate::Fault<'_, Fault>] = &[
        (
            SendsSomethingElse,
            &["its_own_server_accepts_it", "another_instance_goes_on_with_the_state"],
        ),
        (RemembersInItself, &["another_instance_goes_on_with_the_state"]),
        (NeverEnds, &["every_conversation_ends"]),
        (AcceptsRefusals, &["a_refused_credential_is_not_accepted"]),
        (FailsWithoutACredential, &["a_missing_credential_is_no_error"]),
        (KeepsTheFirstKey, &["a_credential_is_used_only_in_its_own_conversation"]),
        (SendsLines, &["what_it_adds_can_be_sent"]),
        (HidesTheCredential, &["a_request_with_the_credential_says_so"]),
        (AsksElsewhere, &["a_url_comes_from_its_options_or_a_server"]),
        (PanicsOnLongHeaders, &["hostile_answers_do_no_harm", "a_refusal_is_a_short_line"]),
        (Dawdles, &["hostile_answers_do_no_harm"]),
        (TrustsTheState, &["a_foreign_state_does_no_harm"]),
        (ReadsAVariable, &["it_asks_its_host_only_for_the_time"]),
        (QuotesTheServer, &["a_refusal_is_a_short_line"]),
        (GivesNoReason, &["a_refusal_is_a_short_line"]),
        (ShowsTheKey, &["nothing_shows_a_secret"]),
        (ShowsTheLast, &["nothing_shows_a_secret"]),
    ];
    catches_all(CASES, subject, table);
}

const LOGIN: &str = "https://login.example/token";

fn subject(fault: Option<Fault>) -> Subject<dyn Authenticator> {
    let record = Record::new("api-key").with("key", Field::secret("made-up-key"));
    let server = Server::new(record, "https://data.example/file", answer);
    let host = TestHost::new().server(server);
    Subject::<dyn Authenticator>::new(Scratch::new(), host, move |host| {
        let (host, dawdled) = (Arc::clone(host), AtomicBool::default());
        Ok(Box::new(Exchange { fault, host, dawdled, kept: Mutex::default() }))
    })
    .with_values(Values::new().with("login", Value::Text(LOGIN.into())))
}

/// The server: it exchanges a key for a token, which it forgets after one request.
fn answer(sent: &Sent) -> Answer {
    let right = sent.header("x-key") == Some(b"made-up-key");
    match (sent.head.method.as_str(), sent.header("x-token")) {
        ("POST", _) if right => Answer::new(200).body("made-up-token"),
        ("GET", Some(b"made-up-token")) => Answer::new(200).body("data"),
        _ => Answer::new(401),
    }
}

/// Exchanges a key for a token; correct except for its fault.
struct Exchange {
    fault: Option<Fault>,
    host: Arc<dyn Host>,
    dawdled: AtomicBool,
    /// What a faulty one keeps.
    kept: Mutex<Option<Secret>>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.lock().unwrap();
        let text = kept.as_ref().and_then(Secret::expose_str).filter(|_| self.has(ShowsTheLast));
        f.write_str(text.unwrap_or("Exchange"))
    }
}

impl Exchange {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn refuse(&self, cause: RefusalCause, why: &str) -> Step {
        Step::refuse(cause, if self.has(GivesNoReason) { "" } else { why })
    }

    fn log_in(&self, record: Option<&Record>, state: &mut State) -> Result<Step> {
        state.remove("token");
        let Some(record) = record else {
            if self.has(FailsWithoutACredential) {
                return Err(Error::invalid("step", "there is no credential"));
            }
            return Ok(self.refuse(RefusalCause::NeedsCredential, "a key is needed"));
        };
        let Some(field) = record.field("key") else {
            return Ok(self.refuse(RefusalCause::WrongCredential, "it has no key"));
        };
        let mut key = field.value.clone();
        if !key.expose().iter().all(u8::is_ascii_graphic) && !self.has(SendsLines) {
            let quoted = if self.has(ShowsTheKey) { key.expose_str().unwrap() } else { "the key" };
            return Err(Error::invalid("step", format!("a header cannot contain {quoted}")));
        }
        if self.has(KeepsTheFirstKey) {
            key = self.kept.lock().unwrap().get_or_insert(key).clone();
        }
        if self.has(ShowsTheLast) {
            *self.kept.lock().unwrap() = Some(key.clone());
        }
        let url = if self.has(AsksElsewhere) { "https://other.example/" } else { LOGIN };
        let head = RequestHead {
            method: "POST".into(),
            url: url.into(),
            headers: vec![Header::new("X-Key", key)],
        };
        let carries_credential = !self.has(HidesTheCredential);
        Ok(Step::Ask(Box::new(SubRequest { head, body: Secret::default(), carries_credential })))
    }

    fn send(&self, state: &State) -> Step {
        let token = match self.fault {
            Some(SendsSomethingElse) => Some(Secret::from("something-else")),
            _ => state.get("token").cloned(),
        };
        Step::Send(Additions::header("X-Token", token.unwrap_or_default()))
    }

    /// Does what some faulty ones do with any answer.
    fn look_at(&self, answer: &ResponseHead) -> Option<Step> {
        let longest = answer.headers.iter().map(|header| header.value.len()).max();
        assert!(longest < Some(100_000) || !self.has(PanicsOnLongHeaders));
        if answer.headers.len() > 1000
            && self.has(Dawdles)
            && !self.dawdled.swap(true, Ordering::SeqCst)
        {
            std::thread::sleep(Duration::from_millis(5_100));
        }
        let text = answer.values("www-authenticate").next().filter(|_| self.has(QuotesTheServer));
        text.map(|text| Step::refuse(RefusalCause::OtherScheme, text))
    }

    fn has_token(&self, state: &State) -> bool {
        let Some(token) = state.get("token") else { return false };
        if self.has(TrustsTheState) {
            return !token.expose_str().unwrap().is_empty();
        }
        is_token(token)
    }
}

fn is_token(token: &Secret) -> bool {
    (1..1000).contains(&token.len()) && token.expose().iter().all(u8::is_ascii_graphic)
}

impl Authenticator for Exchange {
    fn step(
        &self,
        _: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        if self.has(ReadsAVariable) {
            self.host.variable("KEY");
        }
        let head = match event {
            Event::Challenged(head) | Event::Answered(head) => Some(*head),
            Event::Sub(sub) => Some(&sub.head),
            _ => None,
        };
        if let Some(step) = head.and_then(|head| self.look_at(head)) {
            return Ok(step);
        }
        let is_new = match self.has(RemembersInItself) {
            true => self.kept.lock().unwrap().take().is_some(),
            false => state.remove("new").is_some(),
        };
        match event {
            Event::Start | Event::Challenged(_) if self.has_token(state) => Ok(self.send(state)),
            Event::Start | Event::Challenged(_) => self.log_in(record, state),
            Event::Sub(sub) if sub.head.status == 200 && is_token(&sub.body) => {
                state.set("token", sub.body.clone());
                match self.has(RemembersInItself) {
                    true => *self.kept.lock().unwrap() = Some(Secret::from("new")),
                    false => state.set("new", "yes"),
                }
                Ok(self.send(state))
            }
            Event::Sub(_) if self.has(AcceptsRefusals) => Ok(self.send(state)),
            Event::Answered(head) if head.status != 401 || self.has(AcceptsRefusals) => {
                Ok(Step::Accept)
            }
            Event::Answered(_) if !is_new => self.log_in(record, state),
            _ if self.has(NeverEnds) => self.log_in(record, state),
            _ => Ok(self.refuse(RefusalCause::WrongCredential, "the server refuses the key")),
        }
    }
}
