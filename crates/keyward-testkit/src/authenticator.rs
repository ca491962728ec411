//! The contract of every authenticator.

mod only_time;
mod server;
mod strangers;
mod talk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_core::{
    Additions, Authenticator, Event, Header, Host, Record, RequestHead, Result, Secret, State,
    Step, Value,
};

use crate::Subject;
use crate::check::{everything_shown, hides};
use only_time::OnlyTime;
use server::get;
pub use server::{Answer, Sent, Server};
use strangers::{SERVERS, hostile_answers, records, refuses, unsendable};
use talk::{End, Talk, talk};

cases! {
    $
    /// Tests an authenticator:
    /// `authenticator_suite!(Token, |_| Values::new(), host = |_| TestHost::new().server(…))`.
    authenticator_suite for Authenticator in authenticator:
    its_own_server_accepts_it,
    another_instance_goes_on_with_the_state,
    every_conversation_ends,
    a_refused_credential_is_not_accepted,
    a_missing_credential_is_no_error,
    a_credential_is_used_only_in_its_own_conversation,
    what_it_adds_can_be_sent,
    a_request_with_the_credential_says_so,
    a_url_comes_from_its_options_or_a_server,
    hostile_answers_do_no_harm,
    a_foreign_state_does_no_harm,
    it_asks_its_host_only_for_the_time,
    a_refusal_is_a_short_line,
    nothing_shows_a_secret,
}

/// Nothing has to be removed after a case.
pub(crate) const CLEAN_UP: Option<fn(&dyn Authenticator)> = None;

const URL: &str = "https://data.example/folder/file.csv";

/// What all secrets of the credentials contain.
const MARK: &str = "canary7b3f";

/// The start of base64 of the username and the password.
const BASIC: &[u8] = b"YW5uOnBhc3N3b3Jk";

/// How long a step may take, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(5);

/// The longest reason of a refusal, in bytes.
const LONGEST: usize = 1000;

/// The credentials and the request with which an authenticator is tested, besides its own server.
fn credentials(subject: &Subject<dyn Authenticator>, mark: &str) -> Vec<Record> {
    let mut all = records(mark);
    // A credential of the kind that it was made for.
    if let Some(server) = subject.host().own_server() {
        let mut own = server.record.clone();
        for (name, field) in own.fields.iter_mut().filter(|(_, field)| field.secret) {
            field.value = Secret::from(format!("{name}-{mark}"));
        }
        all.push(own);
    }
    all
}

fn request(subject: &Subject<dyn Authenticator>) -> RequestHead {
    subject.host().own_server().map_or_else(|| get(URL), |server| server.request.clone())
}

/// Returns what an authenticator says to servers that it was not made for, with each credential.
fn strange_talks(subject: &Subject<dyn Authenticator>, records: &[Record]) -> Vec<Talk> {
    let authenticator = subject.open();
    let request = request(subject);
    let mut talks = Vec::new();
    for record in records {
        for server in SERVERS {
            let mut state = State::default();
            let record = Some(record);
            talks.push(talk(&*authenticator, &request, record, None, &mut state, &server));
            let head = server(&Sent::new(&request, &Additions::default(), Secret::default()));
            let head = head.into_response().head;
            let (mut state, head) = (State::default(), Some(&head));
            talks.push(talk(&*authenticator, &request, record, head, &mut state, &server));
        }
    }
    talks
}

/// Calls `each` with what an authenticator says to each hostile answer, and how long that took.
fn hostile_steps(
    subject: &Subject<dyn Authenticator>,
    mut each: impl FnMut(Result<Step>, Duration),
) {
    let authenticator = subject.open();
    let request = request(subject);
    let answers = hostile_answers();
    for record in credentials(subject, MARK) {
        for answer in &answers {
            let head = &answer.head;
            let mut state = State::default();
            let begun = authenticator.step(&request, Some(&record), &Event::Start, &mut state);
            let second = match begun {
                Ok(Step::Ask(_)) => Event::Sub(answer),
                _ => Event::Answered(head),
            };
            for (event, mut state) in
                [(Event::Challenged(head), State::default()), (second, state.clone())]
            {
                let start = Instant::now();
                let said = authenticator.step(&request, Some(&record), &event, &mut state);
                each(said, start.elapsed());
            }
        }
    }
}

/// The author's own server gives what was asked for, also the second time.
pub fn its_own_server_accepts_it(subject: &Subject<dyn Authenticator>) {
    let Some(server) = subject.host().own_server() else { return subject.pass_over(NO_SERVER) };
    accepted(&*subject.open(), server);
}

const NO_SERVER: &str = "its author has scripted no server for it";

/// Checks that a server accepts its credential: at first, when the state is known, and after the
/// server has asked for it.
fn accepted(authenticator: &dyn Authenticator, server: &Server) {
    let (request, record) = (&server.request, Some(&server.record));
    let mut state = State::default();
    let answers = |sent: &Sent| server.answer(sent);
    for _ in 0..2 {
        let said = talk(authenticator, request, record, None, &mut state, &answers);
        assert_eq!(said.answer().status / 100, 2, "the server does not accept the credential");
    }
    let bare = server.answer(&Sent::new(request, &Additions::default(), Secret::default()));
    let head = bare.into_response().head;
    if head.status == 401 {
        let mut state = State::default();
        let said = talk(authenticator, request, record, Some(&head), &mut state, &answers);
        assert_eq!(said.answer().status / 100, 2, "the server does not accept the credential");
    }
}

/// An authenticator that is another instance at each step, with a copy of the state.
#[derive(Debug)]
struct Fresh<'a>(&'a Subject<dyn Authenticator>);

impl Authenticator for Fresh<'_> {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        let mut copy = State::default();
        state.iter().for_each(|(name, value)| copy.set(name, value.clone()));
        let step = self.0.open().step(request, record, event, &mut copy);
        *state = copy;
        step
    }
}

/// All that an authenticator remembers is in the state: an instance in another process can take the
/// next step.
pub fn another_instance_goes_on_with_the_state(subject: &Subject<dyn Authenticator>) {
    if let Some(server) = subject.host().own_server() {
        accepted(&Fresh(subject), server);
    }
    let request = request(subject);
    for record in credentials(subject, MARK) {
        for server in SERVERS {
            let said = |authenticator: &dyn Authenticator| {
                let state = &mut State::default();
                let said = talk(authenticator, &request, Some(&record), None, state, &server);
                said.steps.iter().map(outline).collect::<Vec<_>>()
            };
            let (one, many) = (said(&*subject.open()), said(&Fresh(subject)));
            assert!(one == many, "another instance says something else");
        }
    }
}

/// What is equal in two steps for equal input. Values may be random.
fn outline(step: &Step) -> String {
    let names =
        |headers: &[Header]| headers.iter().map(|header| header.name.clone()).collect::<Vec<_>>();
    match step {
        Step::Send(additions) => {
            let query: Vec<_> = additions.query.iter().map(|(name, _)| name).collect();
            format!("send {:?} {query:?}", names(&additions.headers))
        }
        Step::Ask(sub) => {
            let head = &sub.head;
            format!("ask {} {} {:?}", head.method, head.url, names(&head.headers))
        }
        Step::Refuse(refusal) => format!("refuse {:?} {}", refusal.cause, refusal.why),
        other => format!("{other:?}"),
    }
}

/// Every conversation ends, whatever the server does.
pub fn every_conversation_ends(subject: &Subject<dyn Authenticator>) {
    for said in strange_talks(subject, &credentials(subject, MARK)) {
        assert!(!matches!(said.end, Some(End::Endless)), "the conversation does not end");
    }
}

/// What a server refuses with 401 is not accepted.
pub fn a_refused_credential_is_not_accepted(subject: &Subject<dyn Authenticator>) {
    let authenticator = subject.open();
    let request = request(subject);
    for record in credentials(subject, MARK) {
        let mut state = State::default();
        let said = talk(&*authenticator, &request, Some(&record), None, &mut state, &refuses);
        assert!(!matches!(said.end, Some(End::Answered(_))), "a refusal of the server is accepted");
    }
}

/// Without a credential, it gives up in an orderly way, or needs none.
pub fn a_missing_credential_is_no_error(subject: &Subject<dyn Authenticator>) {
    let authenticator = subject.open();
    let request = request(subject);
    for server in SERVERS {
        let mut state = State::default();
        let said = talk(&*authenticator, &request, None, None, &mut state, &server);
        match said.end {
            // A server may answer with something that cannot be used.
            Some(End::Failed(error)) if said.answers.is_empty() => {
                panic!("without a credential, it fails: {error:?}")
            }
            Some(End::Endless) => panic!("the conversation does not end"),
            _ => {}
        }
    }
}

/// Iterates over all values of a step.
fn values(step: &Step) -> Vec<&Secret> {
    let of = |headers| -> Vec<&Secret> { <[Header]>::iter(headers).map(|it| &it.value).collect() };
    match step {
        Step::Send(additions) => {
            let mut all = of(&additions.headers);
            all.extend(additions.query.iter().map(|(_, value)| value));
            all.extend(additions.certificate.iter().map(|(_, key)| key));
            all
        }
        Step::Ask(sub) => {
            let mut all = of(&sub.head.headers);
            all.push(&sub.body);
            all
        }
        _ => Vec::new(),
    }
}

/// Whether bytes contain a text.
fn contains(bytes: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text)
}

/// An instance does not keep a credential for another conversation.
pub fn a_credential_is_used_only_in_its_own_conversation(subject: &Subject<dyn Authenticator>) {
    let authenticator = subject.open();
    let request = request(subject);
    let plain = |mark: &str| {
        // Basic and the like encode the credential: the username shows whose it is.
        let mut all = credentials(subject, mark);
        all.iter_mut().for_each(|record| {
            record.fields.values_mut().for_each(|field| {
                let is_text = field.value.expose_str().is_some_and(|text| !text.contains('\n'));
                if is_text {
                    field.value = Secret::from(mark);
                }
            });
        });
        all
    };
    for (one, other) in plain("marka").into_iter().zip(plain("markb")) {
        for server in SERVERS {
            let said = |record: &Record| {
                let state = &mut State::default();
                talk(&*authenticator, &request, Some(record), None, state, &server)
            };
            said(&one);
            let after = said(&other);
            for value in after.steps.iter().flat_map(values) {
                // The second is base64 of `marka:marka`.
                let first = [&b"marka"[..], b"bWFya2E6bWFya2E="];
                let shows = first.iter().any(|text| contains(value.expose(), text));
                assert!(!shows, "it sends the credential of another conversation");
            }
        }
    }
}

/// Headers have names and values that HTTP allows, also if the credential is hostile.
pub fn what_it_adds_can_be_sent(subject: &Subject<dyn Authenticator>) {
    let records = credentials(subject, MARK);
    let all = [unsendable(&records), records].concat();
    for said in strange_talks(subject, &all) {
        for step in &said.steps {
            let headers = match step {
                Step::Send(additions) => &additions.headers,
                Step::Ask(sub) => &sub.head.headers,
                _ => continue,
            };
            for Header { name, value } in headers {
                let is_token =
                    |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
                let is_name = !name.is_empty() && name.bytes().all(is_token);
                let is_value =
                    value.expose().iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
                assert!(is_name && is_value, "the header {name:?} cannot be sent");
            }
        }
    }
}

/// A request that contains a part of the credential says that it carries it.
pub fn a_request_with_the_credential_says_so(subject: &Subject<dyn Authenticator>) {
    let mut talks = strange_talks(subject, &credentials(subject, MARK));
    let mut marks = vec![Secret::from(MARK)];
    if let Some(server) = subject.host().own_server() {
        let state = &mut State::default();
        let (request, record) = (&server.request, Some(&server.record));
        let answers = |sent: &Sent| server.answer(sent);
        talks.push(talk(&*subject.open(), request, record, None, state, &answers));
        let secret = server.record.fields.values().filter(|field| field.secret);
        marks.extend(secret.map(|field| field.value.clone()).filter(|it| it.len() >= 4));
    }
    for sub in talks.iter().flat_map(Talk::asks).filter(|sub| !sub.carries_credential) {
        let mut sent: Vec<_> = sub.head.headers.iter().map(|it| it.value.expose()).collect();
        sent.extend([sub.body.expose(), sub.head.url.as_bytes()]);
        for mark in &marks {
            let shows = |sent: &&[u8]| contains(sent, mark.expose()) || contains(sent, BASIC);
            assert!(
                !sent.iter().any(shows),
                "a request carries the credential and does not say so"
            );
        }
    }
}

/// It asks only servers that the request, its options or an answer name.
pub fn a_url_comes_from_its_options_or_a_server(subject: &Subject<dyn Authenticator>) {
    let mut talks = strange_talks(subject, &credentials(subject, MARK));
    if let Some(server) = subject.host().own_server() {
        let state = &mut State::default();
        let (request, record) = (&server.request, Some(&server.record));
        let answers = |sent: &Sent| server.answer(sent);
        talks.push(talk(&*subject.open(), request, record, None, state, &answers));
    }
    let mut named = vec![request(subject).url.into_bytes()];
    for (_, value) in subject.values().iter() {
        match value {
            Value::Text(text) => named.push(text.clone().into_bytes()),
            Value::List(texts) => named.extend(texts.iter().map(|it| it.clone().into_bytes())),
            _ => {}
        }
    }
    for said in &talks {
        let headers = said.answers.iter().flat_map(|answer| &answer.head.headers);
        let bodies = said.answers.iter().map(|answer| answer.body.expose());
        let answered: Vec<_> = headers.map(|it| it.value.expose()).chain(bodies).collect();
        for sub in said.asks() {
            let host = host_of(&sub.head.url);
            let is_named = named.iter().map(|it| &it[..]).chain(answered.iter().copied());
            let is_named = is_named.into_iter().any(|text| contains(text, host.as_bytes()));
            assert!(is_named, "nothing has named the server {host:?}");
        }
    }
}

/// Returns the host of a URL, which begins with a scheme.
#[track_caller]
fn host_of(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or_else(|| panic!("{url:?} is not a URL"));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    assert!(!authority.contains('@'), "the URL has user information");
    authority.split(':').next().unwrap_or_default()
}

/// Answers with thousands of headers, with megabytes and with control characters are taken quickly.
pub fn hostile_answers_do_no_harm(subject: &Subject<dyn Authenticator>) {
    hostile_steps(subject, |_, took| assert!(took < LIMIT, "a step takes {took:?}"));
}

/// Values of another version, or arbitrary ones, are no harm: the state may be old.
pub fn a_foreign_state_does_no_harm(subject: &Subject<dyn Authenticator>) {
    let authenticator = subject.open();
    let request = request(subject);
    for record in credentials(subject, MARK) {
        for server in SERVERS {
            let mut state = State::default();
            talk(&*authenticator, &request, Some(&record), None, &mut state, &server);
            let names: Vec<String> = state.iter().map(|(name, _)| name.to_owned()).collect();
            for value in [&b""[..], b"\xff\0", b"0", b"[[[[", &[b'9'; 100_000]] {
                let mut state = State::default();
                names.iter().for_each(|name| state.set(name.as_str(), value));
                talk(&*authenticator, &request, Some(&record), None, &mut state, &server);
            }
        }
    }
}

/// It does not prompt and gets no secret, no variable and no store: it works with what it is told.
pub fn it_asks_its_host_only_for_the_time(subject: &Subject<dyn Authenticator>) {
    let strict = Arc::new(OnlyTime::new());
    let host: Arc<dyn Host> = strict.clone();
    let Ok(authenticator) = subject.open_for(&host) else { panic!("it needs more than the time") };
    let request = request(subject);
    for record in credentials(subject, MARK) {
        for server in SERVERS {
            let mut state = State::default();
            talk(&*authenticator, &request, Some(&record), None, &mut state, &server);
        }
    }
    let asked = strict.asked_for();
    assert!(asked.is_empty(), "it asks its host for {asked:?}");
}

/// The reason of a refusal is one short line, also if it quotes the server.
pub fn a_refusal_is_a_short_line(subject: &Subject<dyn Authenticator>) {
    let check = |step: &Step| {
        if let Step::Refuse(refusal) = step {
            let why = &refusal.why;
            assert!(!why.is_empty() && why.len() <= LONGEST, "the reason has {} bytes", why.len());
            assert!(!why.contains(char::is_control), "the reason has control characters: {why:?}");
        }
    };
    for said in strange_talks(subject, &credentials(subject, MARK)) {
        said.steps.iter().for_each(check);
    }
    hostile_steps(subject, |said, _| said.iter().for_each(check));
}

/// Neither `Debug`, an error, a refusal nor the log shows a secret.
pub fn nothing_shows_a_secret(subject: &Subject<dyn Authenticator>) {
    let authenticator = subject.open();
    let records = credentials(subject, MARK);
    let mut shown = String::new();
    for said in strange_talks(subject, &[unsendable_mark(&records), records].concat()) {
        let debug: Vec<_> = said.steps.iter().map(|step| format!("{step:?}")).collect();
        shown += &debug.join(" ");
        if let Some(End::Failed(error)) = &said.end {
            shown += &everything_shown(error);
        }
    }
    hides(&format!("{shown} {authenticator:?} {:?}", subject.host().log()), MARK.as_bytes());
    if let Some(server) = subject.host().own_server() {
        let state = &mut State::default();
        let (request, record) = (&server.request, Some(&server.record));
        let answers = |sent: &Sent| server.answer(sent);
        let said = talk(&*authenticator, request, record, None, state, &answers);
        let steps = &said.steps;
        let shown = format!("{steps:?} {state:?} {authenticator:?} {:?}", subject.host().log());
        for field in server.record.fields.values().filter(|it| it.secret && it.value.len() >= 8) {
            hides(&shown, field.value.expose());
        }
    }
}

/// Credentials that cannot be sent, so that their errors can be looked at.
fn unsendable_mark(records: &[Record]) -> Vec<Record> {
    let mut all = records.to_vec();
    let fields = all.iter_mut().flat_map(|record| record.fields.values_mut());
    for field in fields.filter(|field| field.secret) {
        field.value = Secret::from(format!("a:{MARK}\r\n\0{MARK}"));
    }
    all
}
