//! Compares accounts with a plain list of them, also with failures and concurrent changes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use keyward_core::Record;
use keyward_origin::Location;
use proptest::prelude::*;
use proptest::sample::select;

use super::{KINDS, Memory, accounts, id, now, parse, set, user_password};
use crate::{Account, Unbound};

const ORIGINS: &[&str] = &["https://x", "http://x"];
const NAMES: &[Option<&str>] = &[None, Some(""), Some("ann"), Some("bob")];
const PATHS: &[Option<&str>] = &[None, Some("p"), Some("q")];
const PASSWORDS: &[&str] = &["1", "2"];

#[derive(Clone, Debug)]
enum Step {
    Keep(Location, &'static str),
    Forget(Location, Option<&'static str>),
    Choose(Location),
    /// The user removes an entry without the help of accounts.
    Erase(Location),
    /// An entry of that name exists, for the other origin or for none.
    Plant(Location, Option<&'static str>),
}

fn location() -> impl Strategy<Value = Location> {
    (0..QUESTIONS.len()).prop_map(|at| QUESTIONS[at].clone())
}

fn orderly() -> impl Strategy<Value = Step> {
    let password = || select(PASSWORDS);
    prop_oneof![
        4 => (location(), password()).prop_map(|(at, password)| Step::Keep(at, password)),
        2 => (location(), prop::option::of(password())).prop_map(|(at, password)| Step::Forget(at, password)),
        1 => location().prop_map(Step::Choose),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => orderly(),
        1 => location().prop_map(Step::Erase),
        1 => (location(), prop::option::of(select(ORIGINS))).prop_map(|(at, origin)| Step::Plant(at, origin)),
    ]
}

fn run(memory: &Memory, step: &Step) -> keyward_core::Result<()> {
    let it = accounts(memory);
    match step {
        Step::Keep(location, password) => {
            it.keep(location, now(), &set(location.account(), password))
        }
        Step::Forget(wanted, password) => {
            let is_selected = |record: &Record| has(record, *password);
            it.forget(wanted, KINDS, now(), &is_selected).map(drop)
        }
        Step::Choose(location) => it.set_default(location.origin(), location.account(), now()),
        Step::Erase(location) => memory.erase(&id(&location.to_string())),
        Step::Plant(location, origin) => {
            let origins = origin.map(|origin| parse(origin).origin().clone()).into_iter().collect();
            let record = user_password(location.account(), "planted").with_origins(origins);
            memory.put(&id(&location.to_string()), &record)
        }
    }
}

fn has(record: &Record, password: Option<&str>) -> bool {
    password.is_none_or(|it| record.field("password").is_some_and(|field| field.value == it.into()))
}

/// A model of accounts: a list of them, the oldest first.
#[derive(Default)]
struct Model {
    kept: Vec<Kept>,
    chosen: BTreeMap<&'static str, &'static str>,
}

#[derive(Clone)]
struct Kept {
    place: Location,
    name: Option<String>,
    password: &'static str,
}

impl Model {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Keep(location, password) => self.keep(location, password),
            Step::Forget(wanted, password) => {
                self.kept.retain(|kept| {
                    !(kept.fits(wanted) && password.is_none_or(|it| it == kept.password))
                });
                let kept = &self.kept;
                self.chosen.retain(|origin, name| {
                    kept.iter().any(|kept| kept.is_of(origin) && kept.place.account() == Some(name))
                });
            }
            Step::Choose(location) => self.choose(location),
            Step::Erase(_) | Step::Plant(..) => unreachable!("the model is orderly"),
        }
    }

    fn keep(&mut self, location: &Location, password: &'static str) {
        let name = location.account();
        let place =
            Location::new(location.origin().clone(), name.or(Some("")), location.path()).unwrap();
        let new = Kept { place, name: name.map(str::to_owned), password };
        match self.kept.iter_mut().find(|old| old.place == new.place) {
            Some(old) => *old = new,
            None => self.kept.push(new),
        }
    }

    fn choose(&mut self, location: &Location) {
        let origin =
            ORIGINS.iter().find(|origin| parse(origin).origin() == location.origin()).unwrap();
        let Some(name) = location.account() else {
            self.chosen.remove(origin);
            return;
        };
        if let Some(known) = NAMES.iter().flatten().find(|known| **known == name)
            && self.kept.iter().any(|it| it.is_of(origin) && it.place.account() == Some(name))
        {
            self.chosen.insert(origin, known);
        }
    }

    /// Returns the preferred match.
    fn find(&self, wanted: &Location) -> Option<&Kept> {
        let chosen = ORIGINS.iter().find(|origin| parse(origin).origin() == wanted.origin());
        let chosen = chosen.and_then(|origin| self.chosen.get(origin)).copied();
        self.kept.iter().filter(|kept| kept.fits(wanted)).min_by_key(|kept| {
            let is_exact = kept.place == *wanted;
            (!is_exact, kept.place.account() != chosen, kept.place.path().is_some())
        })
    }
}

impl Kept {
    fn is_of(&self, origin: &str) -> bool {
        parse(origin).origin() == self.place.origin()
    }

    fn fits(&self, wanted: &Location) -> bool {
        self.place.origin() == wanted.origin()
            && wanted.account().is_none_or(|name| self.name.as_deref() == Some(name))
            && wanted.path().is_none_or(|path| self.place.path() == Some(path))
    }
}

/// Returns every possible request.
static QUESTIONS: LazyLock<Vec<Location>> = LazyLock::new(|| {
    let origins = ORIGINS.iter().flat_map(|origin| NAMES.iter().map(move |name| (origin, name)));
    let parts =
        origins.flat_map(|(origin, name)| PATHS.iter().map(move |path| (origin, name, path)));
    parts
        .map(|(origin, name, path)| {
            Location::new(parse(origin).origin().clone(), *name, *path).unwrap()
        })
        .collect()
});

fn ask(memory: &Memory, wanted: &Location) -> Option<Account> {
    memory.take_reads();
    let found = accounts(memory).find(wanted, KINDS, &|_| true).unwrap();
    assert!(memory.take_reads() <= 3, "{wanted}");
    found
}

/// Checks what is true in every state of the store.
fn check_given(memory: &Memory, wanted: &Location) {
    let records = memory.records();
    if let Some(account) = ask(memory, wanted) {
        assert!(account.record.origins.contains(wanted.origin()), "{wanted}: bound");
        assert!(wanted.path().is_none_or(|path| account.location.path() == Some(path)));
        assert!(wanted.account().is_none_or(|it| account.username() == Some(it.as_bytes())));
        assert_eq!(records.get(&id(&account.location.to_string())), Some(&account.record));
    }
    let exact = wanted.account().and_then(|_| records.get(&id(&wanted.to_string())));
    if let Some(record) = exact.filter(|record| record.origins.contains(wanted.origin()))
        && record.field("username").is_some()
    {
        assert!(ask(memory, wanted).is_some(), "{wanted}: what is named is found");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn accounts_do_what_a_plain_list_does(steps in prop::collection::vec(orderly(), 1..20)) {
        let memory = Memory::default();
        let mut model = Model::default();
        for step in &steps {
            let done = run(&memory, step);
            prop_assert!(done.is_ok() || matches!(step, Step::Choose(_)));
            model.step(step);
        }
        for wanted in QUESTIONS.iter() {
            let found = ask(&memory, wanted).map(|account| {
                let password = account.record.field("password").unwrap().value.clone();
                (account.location, password)
            });
            // A look-up may reach its limit on entries without a name, since only their records
            // tell what they are.
            if found.is_none() && wanted.account() == Some("") {
                continue;
            }
            let expected = model.find(wanted).map(|it| (it.place.clone(), it.password.into()));
            prop_assert_eq!(found, expected, "{}", wanted);
        }
    }

    #[test]
    fn no_failure_gives_a_record_to_another_origin(
        steps in prop::collection::vec((any_step(), prop::option::weighted(0.3, 0..4_usize)), 1..20),
    ) {
        let memory = Memory::default();
        for (step, life) in &steps {
            memory.fail_after(*life);
            let done = run(&memory, step);
            memory.fail_after(None);
            for wanted in QUESTIONS.iter() {
                check_given(&memory, wanted);
            }
            if life.is_some() && done.is_err() {
                // An interrupted operation is done again, as git does.
                let _ = run(&memory, step);
            }
            if let (Step::Forget(wanted, password), Ok(())) = (step, done)
                && wanted.account().is_some_and(|name| !name.is_empty())
            {
                let left = ask(&memory, wanted).filter(|it| it.location == *wanted);
                prop_assert!(left.is_none_or(|it| !has(&it.record, *password)));
            }
        }
        let giving = accounts(&memory).with_unbound(Unbound::Give);
        for wanted in QUESTIONS.iter() {
            if let Some(account) = giving.find(wanted, KINDS, &|_| true).unwrap() {
                let origins = &account.record.origins;
                prop_assert!(origins.is_empty() || origins.contains(wanted.origin()));
                prop_assert_eq!(account.location.origin(), wanted.origin());
            }
        }
    }
}
