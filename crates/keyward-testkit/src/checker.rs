//! The contract of every checker.

mod client;
mod forms;

use std::path::Path;
use std::time::{Duration, Instant};

use keyward_core::{
    Account, Checker, ErrorKind, Presented, PresentedKind, Result, Round, Secret, Value, Verifier,
    VerifierForm,
};

use crate::Subject;
use crate::check::{everything_shown, fails, hides};
pub use client::Client;
use client::{attempt, unknown_kind};
use forms::is_well_formed;

cases! {
    $
    /// Tests a checker:
    /// `checker_suite!(Htpasswd, |scratch| Values::new()…, host = |_| TestHost::new().client(…))`.
    checker_suite for Checker in checker:
    it_does_something,
    a_right_credential_is_accepted,
    a_wrong_secret_is_not_accepted,
    a_disabled_user_is_not_let_in,
    an_unknown_user_is_no_error,
    an_empty_password_is_wrong,
    hostile_input_is_no_error,
    another_kind_is_unsupported,
    one_kind_of_several_is_enough,
    its_verifiers_can_be_read,
    a_user_without_a_form_has_no_verifiers,
    examples_are_of_all_users,
    an_example_stays_the_same,
    a_made_up_answer_is_not_accepted,
    two_instances_agree,
    what_cannot_be_read_is_an_error,
    nothing_shows_a_secret,
}

/// Nothing has to be removed after a case.
pub(crate) const CLEAN_UP: Option<fn(&dyn Checker)> = None;

const NO_CLIENT: &str = "its author has named no such client";
const NO_VERIFIERS: &str = "it hands over no verifiers";

/// What all made-up secrets contain.
const MARK: &str = "canary7b3f";

/// How long a call with hostile input may take, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

/// Names that no user has.
const STRANGERS: [&str; 3] = ["no-such-user", "no.such.user@no-such.example", "nö-sǔch-üser"];

/// How many examples are taken.
const PICKS: u64 = 2000;

/// Numbers that are spread over all that there are.
fn picks() -> impl Iterator<Item = u64> {
    (0..PICKS).map(|count| count.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn clients(subject: &Subject<dyn Checker>, are_disabled: bool) -> Vec<&Client> {
    let all = subject.host().clients().iter();
    all.filter(|client| client.is_disabled == are_disabled).collect()
}

/// Calls `each` with each client that the author named and that the checker checks by itself.
/// Without one, the case does not apply.
fn for_each_checked(
    subject: &Subject<dyn Checker>,
    checker: &dyn Checker,
    each: impl FnMut(&Client),
) {
    let mut checked = clients(subject, false);
    checked.retain(|client| client.is_checked_by(checker));
    if checked.is_empty() {
        return subject.pass_over(NO_CLIENT);
    }
    checked.into_iter().for_each(each);
}

/// Calls `each` with each name that the author gave, and each form of verifiers.
fn for_each_account(
    subject: &Subject<dyn Checker>,
    mut each: impl FnMut(&dyn Checker, &Client, VerifierForm, Account),
) {
    let checker = subject.open();
    let known: Vec<_> = subject.host().clients().iter().collect();
    let known: Vec<_> = known.into_iter().filter(|it| it.presented.user().is_some()).collect();
    if checker.stores().is_empty() || known.is_empty() {
        let why = if known.is_empty() { NO_CLIENT } else { NO_VERIFIERS };
        return subject.pass_over(why);
    }
    for client in known {
        let user = client.presented.user().unwrap();
        for form in checker.stores() {
            let account = checker.account(user, *form).unwrap();
            let account = account.unwrap_or_else(|| panic!("{user:?} is unknown for {form:?}"));
            each(&*checker, client, *form, account);
        }
    }
}

/// Checks that the client is not let in.
#[track_caller]
fn refuses(round: &Round) {
    assert!(matches!(round, Round::Unknown | Round::Wrong { .. }), "it answers with {round:?}");
}

/// It accepts a kind of credentials or hands over verifiers of a form, and says each once.
pub fn it_does_something(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    let (accepts, stores) = (checker.accepts(), checker.stores());
    assert!(!accepts.is_empty() || !stores.is_empty(), "it accepts and stores nothing");
    let is_twice = |at: usize| accepts[..at].contains(&accepts[at]);
    assert!(!(0..accepts.len()).any(is_twice), "it names a kind twice");
    let is_twice = |at: usize| stores[..at].contains(&stores[at]);
    assert!(!(0..stores.len()).any(is_twice), "it names a form twice");
}

/// A client with a right credential is let in, also the second time. Only one that asks for
/// anonymous access, or presents only its circumstances, has no identity.
pub fn a_right_credential_is_accepted(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    for_each_checked(subject, &*checker, |client| {
        for _ in 0..2 {
            let round = client.logs_in(&*checker).unwrap();
            let Round::Accepted { identity, .. } = round else { panic!("it answers {round:?}") };
            let identity = identity.map(|identity| identity.as_str().to_owned());
            assert_eq!(identity, client.identity, "this is the identity");
            let is_nameless = NAMELESS.contains(client.presented.kind());
            assert!(identity.is_some() || is_nameless, "a client without identity is let in");
        }
    });
}

/// The same client with another secret is not let in, and that is no error.
pub fn a_wrong_secret_is_not_accepted(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    for_each_checked(subject, &*checker, |client| {
        let Some(wrong) = client.with_wrong_secrets() else { return };
        let round = wrong.logs_in(&*checker).unwrap();
        // The user is known, unless only the secret says who it is.
        let has_name = client.presented.user().is_some();
        let is_refused = matches!(round, Round::Wrong { .. } | Round::Unknown);
        let is_known = !has_name || !matches!(round, Round::Unknown);
        assert!(is_refused && is_known, "it answers {round:?}");
        // It can be that the user is kept out now, but not after one failure.
        let right = client.logs_in(&*checker).unwrap();
        assert!(matches!(right, Round::Accepted { .. }), "one failure keeps the user out");
    });
}

/// A disabled user is not let in with a right credential; the verifiers say so too.
pub fn a_disabled_user_is_not_let_in(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    let disabled = clients(subject, true);
    if disabled.is_empty() {
        return subject.pass_over(NO_CLIENT);
    }
    for client in disabled {
        if client.is_checked_by(&*checker) {
            let round = client.logs_in(&*checker).unwrap();
            assert!(matches!(round, Round::Wrong { .. }), "it answers {round:?}");
        }
        let Some(user) = client.presented.user() else { continue };
        for form in checker.stores() {
            let account = checker.account(user, *form).unwrap().expect("the user is known");
            let is_denied = account.denied.is_some() || account.verifiers.is_empty();
            assert!(is_denied, "the account of a disabled user is not denied");
        }
    }
}

/// A user who does not exist is unknown or refused, and no error.
pub fn an_unknown_user_is_no_error(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    for user in STRANGERS {
        for form in checker.stores() {
            assert_eq!(checker.account(user, *form).unwrap(), None, "{user:?} has an account");
        }
        for kind in named_kinds(&*checker) {
            refused_or_asked(&*checker, made_up(kind, user));
        }
    }
}

/// The kinds that say nothing about who the client is.
const NAMELESS: [PresentedKind; 2] = [PresentedKind::ANONYMOUS, PresentedKind::CIRCUMSTANCES];

/// The kinds that a user's name belongs to.
fn named_kinds(checker: &dyn Checker) -> impl Iterator<Item = &PresentedKind> {
    checker.accepts().iter().filter(|kind| !NAMELESS.contains(kind))
}

/// A made-up credential of a kind.
fn made_up(kind: &PresentedKind, user: &str) -> Presented {
    let mut presented = Presented::new(kind.clone()).named(user);
    for field in ["password", "token", "code", "key", "signature", "data", "certificate"] {
        presented = presented.with(field, MARK);
    }
    presented
}

/// Presents a credential that must not be accepted, and answers one challenge with nonsense.
#[track_caller]
fn refused_or_asked(checker: &dyn Checker, presented: Presented) {
    let round = checker.check(&presented, &attempt()).unwrap();
    let Round::Challenge { pending, .. } = &round else { return refuses(&round) };
    let round = checker.resume(pending, &Secret::from(MARK), &attempt()).unwrap();
    let is_accepted = matches!(round, Round::Accepted { .. });
    assert!(!is_accepted, "it accepts a made-up credential");
}

/// An empty password, and one of NUL characters, is wrong for every user, whether known or not.
pub fn an_empty_password_is_wrong(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    if !checker.accepts().contains(&PresentedKind::PASSWORD) {
        return subject.pass_over("it checks no passwords");
    }
    let known = subject.host().clients().iter().filter_map(|client| client.presented.user());
    for user in known.chain(STRANGERS).chain([""]) {
        for length in [0, 1, 64] {
            let password = Secret::from(vec![0; length]);
            let round = checker.check(&Presented::password(user, password), &attempt()).unwrap();
            match length {
                0 => assert!(matches!(round, Round::Wrong { .. }), "it answers {round:?}"),
                _ => refuses(&round),
            }
        }
    }
}

/// Names that are made up to break a query, a file or a log.
fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "",
        " ",
        ".",
        "..",
        "/",
        "../../etc/passwd",
        "-o",
        "--help",
        "~root",
        "%s%n",
        "$(id)",
        "`id`",
        "a;b",
        "a:b",
        "a\nb",
        "a\r\nb",
        "\0",
        "ann\0",
        "\u{1b}[2J",
        "*",
        "*)(uid=*",
        "*)(uid=*))(|(uid=*",
        "ann)(|(objectClass=*",
        "\\2a",
        "cn=ann,dc=x",
        "ann,dc=x",
        "#ff",
        "' OR '1'='1",
        "\"; --",
        "\u{202e}nna",
        "\u{feff}",
        "\u{10ffff}",
        "＊",
        "#",
        "# comment",
    ]
    .map(str::to_owned)
    .into();
    names.extend([1025, 65_537, 1 << 20].map(|length| "x".repeat(length)));
    names.push("\u{0301}".repeat(10_000));
    names
}

/// Hostile names, fields that are missing, and huge ones are refused, quickly, and are no errors.
pub fn hostile_input_is_no_error(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    let timely = |what: &str, call: &dyn Fn()| {
        let start = Instant::now();
        call();
        assert!(start.elapsed() < LIMIT, "it takes too long for {what}");
    };
    for name in hostile_names() {
        let shown = name.chars().take(40).collect::<String>();
        for form in checker.stores() {
            timely(&shown, &|| {
                let account = checker.account(&name, *form).unwrap();
                assert_eq!(account, None, "{shown:?} has an account");
            });
        }
        for kind in named_kinds(&*checker) {
            timely(&shown, &|| refused_or_asked(&*checker, made_up(kind, &name)));
        }
    }
    for kind in named_kinds(&*checker) {
        for user in [Some("ann"), None] {
            let bare = Presented::new(kind.clone());
            let bare = user.map_or(bare.clone(), |user| bare.named(user));
            timely("a missing field", &|| refused_or_asked(&*checker, bare.clone()));
            // One byte more than what fits into a message to a child process.
            let huge = Secret::from(vec![0xff; (1 << 20) + 1]);
            for field in ["password", "token", "code", "key", "certificate"] {
                let presented = bare.clone().with(field, huge.clone());
                timely("a huge field", &|| refused_or_asked(&*checker, presented.clone()));
            }
        }
    }
}

/// A credential of a kind that is not in `accepts` is the error `Unsupported`.
pub fn another_kind_is_unsupported(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    for kind in PresentedKind::ALL.iter().chain([&unknown_kind()]) {
        if !checker.accepts().contains(kind) {
            let presented = made_up(kind, "ann");
            fails(checker.check(&presented, &attempt()), &[ErrorKind::Unsupported]);
        }
    }
}

/// A credential of several kinds is checked if one of them is in `accepts`.
pub fn one_kind_of_several_is_enough(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    for_each_checked(subject, &*checker, |client| {
        let round = client.of_an_unknown_kind_too().logs_in(&*checker).unwrap();
        assert!(matches!(round, Round::Accepted { .. }), "it answers {round:?}");
    });
}

/// Verifiers are of the form that was asked for, and written as it says. A user who is let in has
/// one.
pub fn its_verifiers_can_be_read(subject: &Subject<dyn Checker>) {
    let (mut users, mut with) = (Vec::new(), Vec::new());
    for_each_account(subject, |_, client, form, account| {
        let user = client.presented.user().unwrap();
        if !client.is_disabled {
            users.push(user.to_owned());
            assert_eq!(account.denied, None, "{user:?} is denied");
            assert_eq!(Some(account.identity.as_str()), client.identity.as_deref());
        }
        for verifier in &account.verifiers {
            assert_eq!(verifier.form, form, "it is another form");
            assert!(is_well_formed(verifier), "a verifier is not written as {form:?}");
            with.push(user.to_owned());
        }
    });
    assert!(users.iter().all(|user| with.contains(user)), "a user has no verifier of any form");
}

/// A user who has no verifier of a form has an account for it, as every known user.
pub fn a_user_without_a_form_has_no_verifiers(subject: &Subject<dyn Checker>) {
    for_each_account(subject, |_, _, _, _| {});
}

/// Examples are verifiers of the form that was asked for. Each user with one is taken for one about
/// as often as any other.
pub fn examples_are_of_all_users(subject: &Subject<dyn Checker>) {
    let mut counts: Vec<(VerifierForm, usize)> = Vec::new();
    for_each_account(subject, |checker, _, form, account| {
        if account.verifiers.is_empty() {
            return;
        }
        let example = |pick| checker.example(pick, form).unwrap().expect("there is no example");
        let taken: Vec<Verifier> = picks().map(example).collect();
        for verifier in [&taken[..], &[example(u64::MAX)]].concat() {
            assert!(verifier.form == form && is_well_formed(&verifier), "it is not {form:?}");
        }
        let own = taken.iter().filter(|it| account.verifiers.contains(it)).count();
        assert!(own > 0, "a user is never taken as an example");
        counts.push((form, own));
    });
    for (form, own) in &counts {
        let others = counts.iter().filter(|(of, _)| of == form);
        let most = others.map(|(_, count)| *count).max().unwrap_or_default();
        assert!(own * 3 > most, "a user is taken far less often than another");
    }
}

/// The same number selects the same example, in every instance.
pub fn an_example_stays_the_same(subject: &Subject<dyn Checker>) {
    let (one, other) = (subject.open(), subject.open());
    if one.stores().is_empty() {
        return subject.pass_over(NO_VERIFIERS);
    }
    for form in one.stores() {
        for pick in picks().take(50).chain([u64::MAX]) {
            let first = one.example(pick, *form).unwrap();
            let again = [one.example(pick, *form), other.example(pick, *form)];
            for again in again {
                assert!(again.unwrap() == first, "the same number selects another example");
            }
        }
    }
}

/// A made-up answer to a challenge, or one to a challenge that was never made, is not accepted.
pub fn a_made_up_answer_is_not_accepted(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    let made_up = [&b""[..], b"\0", MARK.as_bytes(), &[0xff; 4096]];
    for client in subject.host().clients().iter().filter(|it| it.is_checked_by(&*checker)) {
        for answer in made_up {
            let round = checker.check(&client.presented, &attempt()).unwrap();
            if let Round::Challenge { pending, .. } = round {
                let round = checker.resume(&pending, &Secret::from(answer), &attempt()).unwrap();
                assert!(!matches!(round, Round::Accepted { .. }), "it accepts a made-up answer");
            }
        }
    }
    for pending in made_up {
        for answer in made_up {
            let said = checker.resume(&Secret::from(pending), &Secret::from(answer), &attempt());
            let is_refused = !matches!(said, Ok(Round::Accepted { .. } | Round::Challenge { .. }));
            assert!(is_refused, "it goes on with what it never asked");
        }
    }
}

/// Two instances give the same answers: an instance knows nothing that another does not know.
pub fn two_instances_agree(subject: &Subject<dyn Checker>) {
    let (one, other) = (subject.open(), subject.open());
    assert!(one.accepts() == other.accepts() && one.stores() == other.stores());
    for client in subject.host().clients() {
        if client.is_checked_by(&*one) {
            // Only one of them has let the client in when both hear a wrong secret.
            let right = client.logs_in(&*one).unwrap();
            let wrong = client.with_wrong_secrets().unwrap_or_else(|| client.clone());
            let [here, there] = [&one, &other].map(|checker| wrong.logs_in(&**checker).unwrap());
            assert!(is_same(&here, &there), "another instance says something else");
            assert!(is_same(&right, &client.logs_in(&*other).unwrap()));
        }
        let Some(user) = client.presented.user() else { continue };
        for form in one.stores() {
            let said = [&one, &other].map(|checker| checker.account(user, *form).unwrap());
            assert!(said[0] == said[1], "another instance has another account");
        }
    }
}

fn is_same(one: &Round, other: &Round) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// If a file that it reads is missing, it fails: it does not say that users are unknown.
pub fn what_cannot_be_read_is_an_error(subject: &Subject<dyn Checker>) {
    let folder = subject.scratch().folder();
    let texts = subject.values().iter().filter_map(|(_, value)| match value {
        Value::Text(text) => Some(Path::new(text)),
        _ => None,
    });
    let files: Vec<_> = texts.filter(|path| path.starts_with(folder) && path.is_file()).collect();
    if files.is_empty() {
        return subject.pass_over("it has no option with the path of a file");
    }
    for path in files {
        let aside = path.with_extension("aside");
        std::fs::rename(path, &aside).unwrap();
        let said = answers_of_new_instance(subject);
        std::fs::rename(&aside, path).unwrap();
        for said in said {
            let error = said.expect_err("it does without a file that is missing");
            assert!(!error.is_miss(), "a missing file looks like a missing entry");
        }
    }
}

/// What a new instance says of a user.
fn answers_of_new_instance(subject: &Subject<dyn Checker>) -> Vec<Result<()>> {
    let checker = match subject.try_open() {
        Ok(checker) => checker,
        Err(error) => return vec![Err(error)],
    };
    let accounts = checker.stores().iter().map(|form| checker.account("ann", *form).map(drop));
    let checks = named_kinds(&*checker)
        .map(|kind| checker.check(&made_up(kind, "ann"), &attempt()).map(drop));
    accounts.chain(checks).collect()
}

/// No secret is in an error, in the log, or in what `Debug` writes.
pub fn nothing_shows_a_secret(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    let mut secrets = vec![Secret::from(MARK)];
    let mut shown = String::new();
    let mut show = |said: Result<Round>| match said {
        Ok(round) => shown += &format!("{round:?}"),
        Err(error) => shown += &everything_shown(&error),
    };
    for kind in PresentedKind::ALL {
        for name in ["ann", "", "\0"] {
            show(checker.check(&made_up(kind, name), &attempt()));
        }
    }
    show(checker.resume(&Secret::from(MARK), &Secret::from(MARK), &attempt()));
    for client in subject.host().clients() {
        secrets.extend(client.secrets().cloned());
        if client.is_checked_by(&*checker) {
            show(client.logs_in(&*checker));
            show(client.with_wrong_secrets().unwrap_or(client.clone()).logs_in(&*checker));
        }
        let Some(user) = client.presented.user() else { continue };
        for form in checker.stores() {
            let account = checker.account(user, *form).unwrap().expect("the user is known");
            let values = account.verifiers.into_iter().map(|verifier| verifier.value);
            secrets.extend(values.filter(|value| value.len() >= 8));
        }
    }
    shown += &format!("{checker:?} {:?}", subject.host().log());
    secrets.extend(subject.host().given());
    secrets.iter().for_each(|secret| hides(&shown, secret.expose()));
}
