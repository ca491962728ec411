//! A child gets from its host only the secrets and variables that it may see.

use std::cell::Cell;
use std::fmt::Arguments;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{
    Host, Level, Loaded, Network, Prompt, Result, Secret, SecretRef, Source, Storage, Timestamp,
    Value, Values,
};
use keyward_loader::process::{Command, Programs};

use keyward_testkit::MemorySource;

use crate::child::{Script, ann};

thread_local! {
    /// The deadline of the calls that this thread makes.
    static LIMIT: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// A host that refuses nothing, and answers with the question.
#[derive(Debug, Default)]
struct Generous(Mutex<Vec<String>>);

impl Host for Generous {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        Ok(Secret::from(reference.from.as_str()).into())
    }

    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        Ok(Secret::from(prompt.text))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        Some(Secret::from(name))
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn log(&self, _: Level, message: Arguments<'_>) {
        self.0.lock().unwrap().push(message.to_string());
    }

    fn remaining(&self) -> Option<Duration> {
        LIMIT.get()
    }

    fn network(&self) -> Result<Network> {
        let mut network = Network::default();
        network.root_files = vec!["/a.pem".into()];
        network.https_proxy = Some("http://ann:s3cret@proxy:1/".into());
        network.http_proxy = Some("http://open".into());
        network.all_proxy = Some("socks5://bob:s3cret@socks".into());
        network.no_proxy = "localhost".into();
        Ok(network)
    }

    fn source(&self, _: &str) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(MemorySource::default()))
    }
}

/// Asks for what an expression says, and keeps the answers as a blob.
fn asking(expression: &str) -> Script {
    Script::new(&format!(
        "STORAGE['options'] = [{{'name': n, 'type': t, 'required': False, 'help': ''}} for n, t in
    [('password', 'secret'), ('variable', 'text'), ('variables', 'list'), ('shelf', 'store')]]
i = greet()
def ask(call, **arguments):
    send({{'id': 5, 'call': call, 'instance': i, 'arguments': arguments}})
    m = read()
    return m['answer'].get('secret') if 'answer' in m else m['error']['kind']
def secret(reference): return ask('secret', reference=reference)
def variable(name): return ask('variable', name=name)
m = read()
answer(m, blob=repr({expression}).encode())
read()"
    ))
}

fn reference(from: &str, options: Values) -> Value {
    Value::Secret(SecretRef { from: from.into(), options })
}

/// What it is answered, and what it is said to have tried.
fn answered(command: &Command, values: &Values) -> (String, Vec<String>) {
    let programs = Programs::new();
    let registration = programs.run(command).unwrap().remove(0);
    let generous = Arc::new(Generous::default());
    let host: Arc<dyn Host> = generous.clone();
    let storage: Box<dyn Storage> = registration.open(values, &host).unwrap();
    let blob = storage.get(&ann()).unwrap().blob;
    drop(storage);
    (String::from_utf8(blob).unwrap(), std::mem::take(&mut *generous.0.lock().unwrap()))
}

#[test]
fn only_the_secrets_in_its_options_are_its_own() {
    let script = asking(
        r#"[secret('{"from":"vault","path":"a"}'), secret('{"path":"a","from":"vault"}'),
    secret('{"from":"vault","path":"b"}'), secret('{"from":"vault"}'),
    secret('{"from":"file","path":"/home/ann/.ssh/id"}')]"#,
    );
    let path = Values::new().with("path", Value::Text("a".into()));
    let values = Values::new().with("password", reference("vault", path));
    assert_eq!(answered(&script.command, &values).0, "[b'vault', b'vault', 5, 5, 5]");
    assert_eq!(answered(&asking("secret('{\"from\":\"x\"}')").command, &Values::new()).0, "5");
}

#[test]
fn only_the_variables_that_its_program_sees_are_its_own() {
    let script = asking("[variable(n) for n in ('A', 'B', 'HOME', '')]");
    // The child announces what options it has, with defaults: a name in them is no permission.
    let values = Values::new().with("variable", Value::Text("HOME".into()));
    let command = script.command.clone().variable("A", "4").variable("B", "5");
    let (told, said) = answered(&command, &values);
    assert_eq!(told, "[b'A', b'B', None, None]");
    // The warning is logged once.
    let why = "s asks for the variable HOME, which it may not see (`keyward plugin trust --env`)";
    assert_eq!(said, [why]);
}

#[test]
fn a_prompt_names_the_backend() {
    let script = asking("ask('prompt', text='Passphrase of store work')");
    let told = answered(&script.command, &Values::new()).0;
    assert_eq!(told, "b's asks: Passphrase of store work'");
}

#[test]
fn the_password_of_a_proxy_is_only_for_a_program_that_sees_the_variable() {
    let script = asking(
        "[(a := (send({'id': 5, 'call': 'network', 'instance': i}), read()['answer'])[1]),
    a['https_proxy'], a['http_proxy'], a['all_proxy']][1:] + [a['root_files'], a['no_proxy']]",
    );
    let (told, said) = answered(&script.command, &Values::new());
    let rest = "b'http://open', b'socks5://socks', ['/a.pem'], 'localhost']";
    assert_eq!(told, format!("[b'http://proxy:1/', {rest}"));
    let why = "s does not get the password of the proxy in https_proxy, which it may not see \
               (`keyward plugin trust --env`)";
    assert_eq!(said, [why]);
    let command = script.command.clone().variable("HTTPS_PROXY", "its own");
    let (told, _) = answered(&command, &Values::new());
    assert_eq!(told, format!("[b'http://ann:s3cret@proxy:1/', {rest}"));
}

#[test]
fn only_the_stores_in_its_options_are_its_own() {
    let script = asking(
        "[(send({'id': 5, 'call': 'source_contains', 'instance': i, 'arguments':
        {'store': store, 'user': 'ann', 'name': ''}}), m := read(),
        m['answer']['found'] if 'answer' in m else m['error']['kind'])[2]
    for store in ('vault', 'other', '')]",
    );
    let values = Values::new().with("shelf", Value::Text("vault".into()));
    assert_eq!(answered(&script.command, &values).0, "[False, 5, 5]");
    assert_eq!(answered(&script.command, &Values::new()).0, "[5, 5, 5]");
}

#[test]
fn a_child_cannot_announce_the_name_of_a_store() {
    let script = Script::new(
        "STORAGE['options'] = [{'name': 'shelf', 'type': 'store', 'default': '\"vault\"', 'help': ''}]
i = greet()",
    );
    assert!(Programs::new().run(&script.command).is_err());
}

/// The deadline belongs to the thread that calls, and another thread answers the child.
#[test]
fn a_child_learns_how_long_the_caller_of_its_call_waits() {
    let script = asking(
        "(send({'id': 5, 'call': 'remaining', 'instance': i, 'arguments': {}}), read()['answer'])[1]",
    );
    assert_eq!(answered(&script.command, &Values::new()).0, "{}");
    // A limit that is shorter than the one of every call.
    let command = script.command.clone().call_timeout(Duration::from_secs(30));
    LIMIT.set(Some(Duration::from_secs(10)));
    let (left, _) = answered(&command, &Values::new());
    LIMIT.set(None);
    let left = left.strip_prefix("{'remaining': ").and_then(|left| left.strip_suffix('}'));
    let left: u64 = left.expect("a time").parse().unwrap();
    assert!((1..=10_000).contains(&left), "{left}");
}

#[test]
fn many_calls_are_answered_though_the_child_reads_after_the_last() {
    let script = Script::named("many_calls_are_answered_though_the_child_reads_after_the_last");
    assert_eq!(answered(&script.command, &Values::new()).0, "True");
}

#[test]
fn a_log_call_with_an_id_is_answered_and_logged_before_the_answer_that_follows() {
    let script = asking("[ask('log', level='info', message=f'line {n}') for n in range(3)]");
    let (answers, logged) = answered(&script.command, &Values::new());
    assert_eq!(answers, "[None, None, None]");
    let line = |n: usize| format!("{}: line {n}", script.command.path().display());
    assert_eq!(logged, [line(0), line(1), line(2)]);
}

#[test]
fn the_host_answers_while_it_waits_for_nothing() {
    let script = Script::named("the_host_answers_while_it_waits_for_nothing");
    let storage = script.storage();
    storage.get(&ann()).unwrap();
    let started = Instant::now();
    while !script.beside("child.py.answered").exists() {
        assert!(started.elapsed() < Duration::from_secs(5), "the host did not answer");
        thread::sleep(Duration::from_millis(5));
    }
}
