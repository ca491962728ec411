//! Compares the sources of the program with a model, for every order of them.

use std::path::Path;

use keyward_config::{Environment, Silent};
use keyward_core::{ErrorKind, Expect, Field, Record};
use keyward_defaults as _;
use keyward_kinds::names;
use keyward_resolver::Query;

use crate::{Keyward, NewStore};

/// What a source has: nothing, a whole credential, a part of one, or something that fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Absent,
    Whole,
    Part,
    Fails,
}

const STATES: [State; 4] = [State::Absent, State::Whole, State::Part, State::Fails];

const SOURCES: [&str; 3] = ["environment", "configuration", "stores"];

const ORDERS: [&[usize]; 9] =
    [&[0, 1, 2], &[0, 2, 1], &[1, 0, 2], &[1, 2, 0], &[2, 0, 1], &[2, 1, 0], &[1], &[2, 1], &[]];

/// How a look-up ends: the source of username and password, or a failure.
type End = Result<[usize; 2], ErrorKind>;

/// The rules, as `docs/resolver.md` states them: a word for each source, and the result.
fn model(states: [State; 3], order: &[usize], merges: bool) -> (Vec<&'static str>, End) {
    let mut words = vec!["not asked"; order.len()];
    let mut username = None;
    for (at, source) in order.iter().enumerate() {
        words[at] = match states[*source] {
            State::Absent => "absent",
            State::Whole => "found",
            State::Part if merges => "found",
            State::Part | State::Fails => "misconfigured",
        };
        match states[*source] {
            State::Absent => {}
            State::Whole => return (words, Ok([username.unwrap_or(*source), *source])),
            State::Part if merges => username = username.or(Some(*source)),
            State::Part | State::Fails => return (words, Err(ErrorKind::Invalid)),
        }
    }
    (words, Err(if username.is_some() { ErrorKind::Invalid } else { ErrorKind::NotFound }))
}

fn write(path: &Path, text: &str) {
    #[expect(clippy::disallowed_methods, reason = "a test writes a file that need not survive")]
    std::fs::write(path, text).unwrap();
}

/// The configuration in which each source is in its state. The password of the table in it is in a
/// variable.
fn configuration(states: [State; 3], order: &[usize], as_profile: bool) -> String {
    let order: Vec<_> = order.iter().map(|source| format!("'{}'", SOURCES[*source])).collect();
    let order = order.join(", ");
    let store = if states[2] == State::Fails { "nope" } else { "s" };
    let username = "username = '1-username'";
    let table = match states[1] {
        State::Absent => String::new(),
        State::Whole => format!("{username}\npassword = {{ from = 'env', name = 'P' }}"),
        State::Part => username.into(),
        State::Fails => format!("{username}\npassword = 'canary'"),
    };
    let settings = match as_profile {
        true => format!("profile = 'p'\n[profiles.p]\nsources = [{order}]\nstores = ['{store}']"),
        false => format!("[resolve]\nsources = [{order}]\nstores = ['{store}']"),
    };
    format!("version = 1\n{settings}\n[credentials.{}]\n{table}\n", name(states[2]))
}

/// The name of the credential that is in this state in the store.
fn name(in_store: State) -> &'static str {
    match in_store {
        State::Whole => "whole",
        State::Part => "part",
        State::Absent | State::Fails => "absent",
    }
}

fn environment(state: State, name: &str) -> Vec<(String, &'static str)> {
    let variable = |field| format!("KEYWARD_CREDENTIAL_{}_{field}", name.to_ascii_uppercase());
    let username = (variable("USERNAME"), "0-username");
    match state {
        State::Absent => vec![],
        State::Whole => vec![username, (variable("PASSWORD"), "0-password")],
        State::Part => vec![username],
        State::Fails => vec![(variable("NOPE"), "canary")],
    }
}

#[test]
fn every_order_of_the_sources_has_the_result_of_the_model() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.toml");
    let base = Environment::new([("HOME", home.path())]).with("P", "1-password");
    let keyward = Keyward::with(base.clone(), Silent).unwrap();
    let store = NewStore { storage: Some("file".into()), ..NewStore::named("s").unwrap() };
    keyward.init_store(&store).unwrap();
    let store = keyward.store("s").unwrap();
    let part = Record::new(names::USER_PASSWORD).with("username", Field::open("2-username"));
    let whole = part.clone().with("password", Field::secret("2-password"));
    for (name, record) in [("part", part), ("whole", whole)] {
        store.put(&store.entry(None, Some(name)).unwrap(), &record, Expect::Any).unwrap();
    }
    for number in 0..64 {
        let states = [STATES[number % 4], STATES[number / 4 % 4], STATES[number / 16]];
        let name = name(states[2]);
        for (at, order) in ORDERS.iter().enumerate() {
            // The setting and a profile say the same.
            write(&file, &configuration(states, order, (number + at) % 2 == 0));
            let mut variables = base.with("KEYWARD_CONFIG_FILE", &file);
            for (variable, value) in environment(states[0], name) {
                variables = variables.with(&variable, value);
            }
            let keyward = Keyward::with(variables, Silent).unwrap();
            for merges in [false, true] {
                let resolver = keyward.resolver().unwrap();
                let resolver = if merges { resolver.merging() } else { resolver };
                let kind = resolver.kinds().find(names::USER_PASSWORD).unwrap();
                let query = Query::new(name, None).unwrap().of_kind(kind).needing_main();
                let explained = resolver.explain(&query);
                let case = format!("{states:?} {order:?} {merges}");
                let words: Vec<_> =
                    explained.steps[2..].iter().map(|step| step.outcome.describe()).collect();
                let (said, end) = model(states, order, merges);
                assert_eq!(words, said, "{case}");
                assert!(!format!("{:?}", explained.steps).contains("canary"), "{case}");
                match (explained.result, end) {
                    (Ok(found), Ok([username, password])) => {
                        let value = |field| found.record.field(field).unwrap().value.clone();
                        let username = format!("{username}-username");
                        assert_eq!(value("username").expose(), username.as_bytes(), "{case}");
                        let password = format!("{password}-password");
                        assert_eq!(value("password").expose(), password.as_bytes(), "{case}");
                    }
                    (Err(error), Err(kind)) => {
                        assert_eq!(error.kind(), kind, "{case}: {error:?}");
                        assert!(!error.report().contains("canary"), "{case}: {error:?}");
                    }
                    (result, end) => panic!("{case}: {result:?}, but the model says {end:?}"),
                }
            }
        }
    }
}
