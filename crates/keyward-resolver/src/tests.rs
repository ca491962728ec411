//! Compares the resolver with a model of it, for thousands of combinations of sources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use keyward_config::Environment;
use keyward_core::{Error, ErrorKind, Field, Origin, Record, Result, Timestamp};
use keyward_kinds::Kinds;
use proptest::prelude::*;

use crate::*;

type Fields = BTreeSet<&'static str>;

static KINDS: LazyLock<Arc<Kinds>> = LazyLock::new(|| Arc::new(Kinds::linked()));

/// A kind that occurs in the tests.
struct Table {
    name: &'static str,
    fields: &'static [&'static str],
    required: &'static [&'static str],
    main: &'static str,
}

const TABLES: [Table; 3] = [
    Table {
        name: "user-password",
        fields: &["username", "password", "refresh_token"],
        required: &["username", "password"],
        main: "password",
    },
    Table { name: "token", fields: &["username", "token"], required: &["token"], main: "token" },
    Table { name: "file", fields: &["file_name", "content"], required: &[], main: "content" },
];
const NO_TABLE: &str = "acme.other";
const FIELDS: [&str; 6] =
    ["username", "password", "refresh_token", "token", "file_name", "content"];

/// What a source has.
#[derive(Clone, Debug)]
enum State {
    /// These fields; a store also says of which kind.
    Has(Fields, &'static str),
    /// A username of two lines, which no kind accepts.
    Wrong,
    /// It fails, or the credential is absent.
    Fails(ErrorKind),
}

#[derive(Clone, Debug)]
struct Case {
    /// Argument, session, environment, and two stores.
    sources: [State; 5],
    kind: Option<&'static str>,
    field: Option<&'static str>,
    needs_main: bool,
    merges: bool,
}

/// A store that is in some state.
#[derive(Debug)]
struct Fake(usize, State);

impl Finder for Fake {
    fn name(&self) -> String {
        format!("store {}", self.0)
    }

    fn places(&self, _: &Query<'_>, _: &Kinds) -> Vec<String> {
        Vec::new()
    }

    fn look_up(&self, _: &Query<'_>, _: &Kinds) -> Result<Record> {
        match &self.1 {
            State::Fails(kind) => Err(Error::new(*kind, "get")),
            State::Wrong => Ok(Record::new("user-password")
                .with("password", Field::secret("canary"))
                .with("username", Field::open("canary\n"))),
            State::Has(fields, kind) => {
                let add = |record: Record, name: &&str| record.with(*name, secret(self.0, name));
                Ok(fields.iter().fold(Record::new(*kind), add))
            }
        }
    }
}

fn value(source: usize, name: &str) -> String {
    format!("canary-{source}-{name}")
}

fn secret(source: usize, name: &str) -> Field {
    Field::secret(value(source, name).as_str())
}

/// The values of a source that has no records.
fn values(source: usize, state: &State) -> Vec<(&'static str, String)> {
    match state {
        State::Has(fields, _) => fields.iter().map(|name| (*name, value(source, name))).collect(),
        State::Wrong => vec![("password", "canary".into()), ("username", "canary\n".into())],
        State::Fails(_) => Vec::new(),
    }
}

fn resolver(case: &Case) -> Resolver {
    let [_, session, environment, one, other] = &case.sources;
    let variables = values(2, environment).into_iter();
    let variables = variables.map(|(name, value)| (variable_name("my name", name).unwrap(), value));
    let mut resolver = Resolver::new(
        Arc::clone(&KINDS),
        vec![
            Box::new(Variables(Environment::new(variables))),
            Box::new(Fake(3, one.clone())),
            Box::new(Fake(4, other.clone())),
        ],
    );
    for (name, value) in values(1, session) {
        resolver.set("my name", name, value);
    }
    if case.merges { resolver.merging() } else { resolver }
}

fn query<'a>(case: &'a Case, kinds: &'a Kinds) -> Query<'a> {
    let mut query = Query::new("my name", None).unwrap();
    query = case.kind.map_or(query.clone(), |kind| query.of_kind(kinds.find(kind).unwrap()));
    query = case.field.map_or(query.clone(), |field| query.needing(field));
    if case.needs_main {
        query = query.needing_main();
    }
    for (name, value) in values(0, &case.sources[0]) {
        query = query.with_value(name, value);
    }
    query
}

/// What the model says: a word for each source, and the values with their source, or a word.
type Said = (Vec<&'static str>, Result<BTreeMap<&'static str, usize>, &'static str>);

/// The rules, as `docs/resolver.md` states them.
fn model(case: &Case) -> Said {
    let mut words = vec!["not asked"; 5];
    let mut gathered: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut kind: Option<&str> = case.kind;
    for (source, state) in case.sources.iter().enumerate() {
        let is_store = source >= 3;
        let (fields, stored_kind) = match state {
            State::Fails(error) if is_store => {
                words[source] = word(*error);
                match error {
                    ErrorKind::NotFound => continue,
                    _ => return (words, Err(word(*error))),
                }
            }
            State::Fails(_) => {
                words[source] = "absent";
                continue;
            }
            State::Wrong => {
                words[source] = "misconfigured";
                return (words, Err("misconfigured"));
            }
            State::Has(fields, _) if fields.is_empty() && !is_store => {
                words[source] = "absent";
                continue;
            }
            State::Has(fields, stored_kind) => (fields, *stored_kind),
        };
        let own_kind = if is_store { Some(stored_kind) } else { case.kind.or(guess(fields)) };
        let is_other = kind.is_some() && own_kind.is_some() && own_kind != kind;
        kind = kind.or(own_kind);
        // A store's record may have fields that the table does not have.
        let typeless = gathered.iter().filter(|(_, source)| **source < 3).map(|(name, _)| *name);
        let mut typed: Fields = typeless.collect();
        if !is_store {
            typed.extend(fields);
        }
        let has_unknown =
            table(kind).is_some_and(|table| !typed.iter().all(|name| table.fields.contains(name)));
        if is_other || has_unknown {
            words[source] = "misconfigured";
            return (words, Err("misconfigured"));
        }
        words[source] = "found";
        for name in fields {
            gathered.entry(name).or_insert(source);
        }
        if is_complete(case, kind, &gathered) {
            return (words, Ok(gathered));
        }
        if !case.merges {
            words[source] = "misconfigured";
            return (words, Err("misconfigured"));
        }
    }
    let anything = words.contains(&"found");
    (words, Err(if anything { "misconfigured" } else { "absent" }))
}

fn guess(fields: &Fields) -> Option<&'static str> {
    let is_possible = |table: &&Table| {
        fields.contains(table.main) && fields.iter().all(|name| table.fields.contains(name))
    };
    TABLES.iter().find(is_possible).map(|table| table.name)
}

fn table(kind: Option<&str>) -> Option<&'static Table> {
    TABLES.iter().find(|table| Some(table.name) == kind)
}

fn is_complete(case: &Case, kind: Option<&str>, gathered: &BTreeMap<&str, usize>) -> bool {
    let has = |name: &str| gathered.contains_key(name);
    let has_named = case.field.is_none_or(has);
    match table(kind) {
        Some(table) => {
            table.required.iter().all(|name| has(name))
                && has_named
                && (!case.needs_main || has(table.main))
        }
        None => kind.is_some() && has_named && !case.needs_main,
    }
}

fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "absent",
        ErrorKind::Invalid | ErrorKind::Exists | ErrorKind::Unsupported => "misconfigured",
        ErrorKind::Refused => "denied",
        ErrorKind::Locked => "locked",
        ErrorKind::NoKey | ErrorKind::Corrupt => "damaged",
        ErrorKind::Unavailable | ErrorKind::Full => "unreachable",
        ErrorKind::Unauthorized => "login refused",
        _ => "failed",
    }
}

fn error_kind() -> impl Strategy<Value = ErrorKind> {
    prop_oneof![
        8 => Just(ErrorKind::NotFound),
        5 => (1..=12_u8).prop_map(ErrorKind::from_code),
        1 => Just(ErrorKind::Other),
    ]
}

fn state() -> impl Strategy<Value = State> {
    let fields = proptest::sample::subsequence(FIELDS.to_vec(), 0..=4);
    let kind = prop_oneof![
        4 => Just("user-password"),
        2 => Just("token"),
        1 => Just("file"),
        1 => Just(NO_TABLE)
    ];
    let usual = prop_oneof![
        Just(vec!["username", "password"]),
        Just(vec!["username"]),
        Just(vec!["password"]),
        Just(vec!["file_name"]),
        fields
    ];
    prop_oneof![
        4 => error_kind().prop_map(State::Fails),
        5 => (usual, kind).prop_map(|(fields, kind)| State::Has(fields.into_iter().collect(), kind)),
        1 => Just(State::Wrong),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let kind =
        proptest::option::of(proptest::sample::select(vec!["user-password", "token", "file"]));
    let field = proptest::option::weighted(0.3, proptest::sample::select(FIELDS.to_vec()));
    let sources = [state(), state(), state(), state(), state()];
    (sources, kind, field, any::<bool>(), any::<bool>()).prop_map(
        |(sources, kind, field, needs_main, merges)| Case {
            sources,
            kind,
            field,
            needs_main,
            merges,
        },
    )
}

fn check(case: &Case) {
    let (resolver, query) = (resolver(case), query(case, &KINDS));
    let explanation = resolver.explain(&query);
    let words: Vec<_> = explanation.steps.iter().map(|step| step.outcome.describe()).collect();
    let shown = format!("{:?}", explanation.steps);
    assert!(!shown.contains("canary"), "{shown}");
    let (said, result) = model(case);
    assert_eq!(words, said, "{case:?}");
    match (&explanation.result, result) {
        (Ok(resolution), Ok(values_of)) => {
            let has = resolution.record.fields.iter();
            let has: BTreeMap<_, _> = has
                .map(|(name, field)| (name.as_str(), field.value.expose_str().unwrap().to_owned()))
                .collect();
            let wanted = values_of.iter().map(|(name, source)| (*name, value(*source, name)));
            assert_eq!(has, wanted.collect::<BTreeMap<_, _>>(), "{case:?}");
            let first = words.iter().position(|word| *word == "found");
            let sources: BTreeSet<_> = values_of.values().copied().chain(first).collect();
            assert_eq!(resolution.sources.len(), sources.len(), "{case:?}");
            assert!(!case.needs_main || resolution.field(None).is_ok());
            assert!(case.merges || resolution.sources.len() == 1);
        }
        (Err(error), Err(said)) => {
            assert_eq!(word(error.kind()), said, "{case:?}");
            let shown = format!("{error:?} {}", error.report());
            assert!(!shown.contains("canary"), "{shown}");
        }
        (result, said) => panic!("{case:?}: {result:?}, but the model says {said:?}"),
    }
    match (resolver.resolve(&query), explanation.result) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(one), Err(other)) => assert_eq!(one.report(), other.report()),
        (one, other) => panic!("{case:?}: {one:?}, {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn resolve_and_explain_agree_with_the_model(case in case()) {
        check(&case);
    }
}

#[test]
fn the_first_source_that_has_any_field_decides() {
    let states = [
        State::Fails(ErrorKind::NotFound),
        State::Has(["username", "password"].into(), "user-password"),
        State::Has(["username"].into(), "user-password"),
        State::Fails(ErrorKind::Unavailable),
    ];
    let count = states.len();
    for number in 0..count.pow(5) {
        let state = |index: u32| states[number / count.pow(index) % count].clone();
        let sources = [state(0), state(1), state(2), state(3), state(4)];
        for merges in [false, true] {
            let (sources, field) = (sources.clone(), None);
            check(&Case { sources, kind: Some("user-password"), field, needs_main: true, merges });
        }
    }
}

/// A store that has this record.
#[derive(Debug)]
struct Has(&'static str, Record);

impl Finder for Has {
    fn name(&self) -> String {
        self.0.into()
    }

    fn places(&self, _: &Query<'_>, _: &Kinds) -> Vec<String> {
        Vec::new()
    }

    fn look_up(&self, _: &Query<'_>, _: &Kinds) -> Result<Record> {
        Ok(self.1.clone())
    }
}

#[test]
fn a_merged_record_goes_only_where_each_part_may_go() {
    let origin = |host: &str| Origin { scheme: "https".into(), host: host.into(), port: 443 };
    let username = Record::new("user-password")
        .with("username", Field::open("ann"))
        .with_origins(vec![origin("x"), origin("y")])
        .with_expires(Some(Timestamp::from_unix(9)));
    let password = Record::new("user-password")
        .with("username", Field::open("bob"))
        .with("password", Field::secret("p"))
        .with_origins(vec![origin("y"), origin("z")])
        .with_expires(Some(Timestamp::from_unix(7)));
    let merged = |one: &Record, other: &Record| {
        let (one, other) = (Has("one", one.clone()), Has("other", other.clone()));
        let finders: Vec<Box<dyn Finder>> = vec![Box::new(one), Box::new(other)];
        let resolver = Resolver::new(Kinds::linked(), finders).merging();
        resolver.resolve(&Query::new("n", None).unwrap())
    };
    let found = merged(&username, &password).unwrap();
    assert_eq!(found.record.origins, [origin("y")]);
    assert_eq!(found.record.expires, Some(Timestamp::from_unix(7)));
    assert_eq!(found.sources, ["one", "other"]);
    assert_eq!(found.field(Some("username")).unwrap().value.expose(), b"ann");
    // A part that is bound stays bound if the other one is not.
    let free = |record: &Record| record.clone().with_origins(Vec::new());
    for (one, other, expected) in [
        (&free(&username), &password, &password.origins),
        (&username, &free(&password), &username.origins),
    ] {
        assert_eq!(&merged(one, other).unwrap().record.origins, expected);
    }
    let elsewhere = password.clone().with_origins(vec![origin("z")]);
    assert_eq!(merged(&username, &elsewhere).unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn a_record_that_is_bound_to_other_origins_is_refused() {
    let origin = keyward_origin::parse("https://x").unwrap();
    let free = Record::new("token").with("token", Field::secret("t"));
    let bound = free.clone().with_origins(vec![origin]);
    let found = |record: &Record, url: &str| {
        let has = vec![Box::new(Has("one", record.clone())) as Box<dyn Finder>];
        let query = Query::new("n", None).unwrap().for_url(url).unwrap();
        let explanation = Resolver::new(Arc::clone(&KINDS), has).explain(&query);
        (explanation.steps.last().unwrap().outcome, explanation.result.map_err(|it| it.kind()))
    };
    for url in ["https://x", "https://X:443/path", "https://ann@x"] {
        assert_eq!(found(&bound, url).0, Outcome::Found, "{url}");
    }
    for url in ["https://y", "http://x", "https://x:444", "https://x.y"] {
        assert_eq!(found(&bound, url), (Outcome::Denied, Err(ErrorKind::Refused)), "{url}");
        assert_eq!(found(&free, url).0, Outcome::Found, "{url}");
    }
}

/// A source that answers only some queries.
#[derive(Debug)]
struct Mute;

impl Finder for Mute {
    fn name(&self) -> String {
        "mute".into()
    }

    fn places(&self, _: &Query<'_>, _: &Kinds) -> Vec<String> {
        Vec::new()
    }

    fn look_up(&self, _: &Query<'_>, _: &Kinds) -> Result<Record> {
        Err(Error::not_found("get"))
    }

    fn look_up_many(&self, queries: &[&Query<'_>], kinds: &Kinds) -> Vec<Result<Record>> {
        queries.iter().skip(1).map(|query| self.look_up(query, kinds)).collect()
    }
}

#[test]
fn a_source_that_does_not_answer_ends_the_look_up() {
    let next = Has("next", Record::new("token").with("token", Field::secret("t")));
    let resolver = Resolver::new(Arc::clone(&KINDS), vec![Box::new(Mute), Box::new(next)]);
    let queries = [Query::new("a", None).unwrap(), Query::new("b", None).unwrap()];
    let found = resolver.resolve_many(&queries);
    assert_eq!(found[0].as_ref().unwrap().sources, ["next"]);
    assert_eq!(found[1].as_ref().unwrap_err().kind(), ErrorKind::Other);
}

#[test]
fn an_internal_record_is_not_given_out() {
    let has = Has("one", Record::new(keyward_kinds::names::ACCOUNTS));
    let resolver = Resolver::new(Kinds::linked(), vec![Box::new(has)]);
    let error = resolver.resolve(&Query::new("n", None).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("internal"), "{error}");
}

#[test]
fn a_default_completes_a_record() {
    use keyward_kinds::{FieldSpec, Kind};
    let kind = Kind::new("acme.deploy", "")
        .with_field(FieldSpec::new("region", "").required().with_default("eu"))
        .with_main(FieldSpec::secret("key", "").required());
    let has = Has("one", Record::new("acme.deploy").with("key", Field::secret("k")));
    let resolver = Resolver::new(Kinds::linked().with([kind]), vec![Box::new(has)]);
    assert_eq!(resolver.value("n", Some("region"), None).unwrap().expose(), b"eu");
    assert_eq!(resolver.value("n", None, None).unwrap().expose(), b"k");
}
