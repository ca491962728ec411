use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_testkit::checker::CASES;
use keyward_testkit::core::{
    Account, Attempt, Checker, Denial, Error, ErrorKind, Identity, Presented, PresentedKind,
    Result, Round, Secret, Value, Values, Verifier, VerifierForm,
};
use keyward_testkit::{Client, Scratch, Subject, TestHost};

use crate::{catches_all, failing};
use Fault::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    NamesAKindTwice,
    AcceptsNobody,
    HasAnotherIdentity,
    AcceptsEveryPassword,
    SaysUnknownForAWrongPassword,
    IgnoresThatAUserIsDisabled,
    HandsOverTheDisabled,
    FailsForStrangers,
    KnowsEverybody,
    TakesEmptyPasswords,
    SaysUnknownForAnEmptyPassword,
    FailsForNul,
    PanicsWithoutAPassword,
    ChecksEveryKind,
    LooksAtTheFirstKindOnly,
    HashesAreEmpty,
    GivesAnotherForm,
    ForgetsUsersWithoutTheForm,
    TakesOneExample,
    GivesNoExample,
    CountsForExamples,
    AcceptsEveryAnswer,
    TrustsWhatIsPending,
    RemembersLogins,
    DoesWithoutItsFile,
    MissesItsFile,
    QuotesThePassword,
    ShowsTheUsers,
}

#[test]
fn a_correct_checker_passes() {
    assert_eq!(failing(CASES, || subject(None)), [].into());
}

#[test]
fn every_faulty_checker_is_caught() {
    let table: &[crate::Fault<'_, Fault>] = &[
        (NamesAKindTwice, &["it_does_something"]),
        (
            AcceptsNobody,
            &[
                "a_right_credential_is_accepted",
                "a_wrong_secret_is_not_accepted",
                "one_kind_of_several_is_enough",
            ],
        ),
        (HasAnotherIdentity, &["a_right_credential_is_accepted", "its_verifiers_can_be_read"]),
        (
            AcceptsEveryPassword,
            &[
                "a_wrong_secret_is_not_accepted",
                "hostile_input_is_no_error",
                "a_made_up_answer_is_not_accepted",
            ],
        ),
        (SaysUnknownForAWrongPassword, &["a_wrong_secret_is_not_accepted"]),
        (IgnoresThatAUserIsDisabled, &["a_disabled_user_is_not_let_in"]),
        (HandsOverTheDisabled, &["a_disabled_user_is_not_let_in"]),
        (
            FailsForStrangers,
            &[
                "an_unknown_user_is_no_error",
                "hostile_input_is_no_error",
                "an_empty_password_is_wrong",
            ],
        ),
        (KnowsEverybody, &["an_unknown_user_is_no_error", "hostile_input_is_no_error"]),
        (
            TakesEmptyPasswords,
            &[
                "an_empty_password_is_wrong",
                "hostile_input_is_no_error",
                "a_made_up_answer_is_not_accepted",
            ],
        ),
        (SaysUnknownForAnEmptyPassword, &["an_empty_password_is_wrong"]),
        (FailsForNul, &["hostile_input_is_no_error"]),
        (PanicsWithoutAPassword, &["hostile_input_is_no_error"]),
        (ChecksEveryKind, &["another_kind_is_unsupported"]),
        (LooksAtTheFirstKindOnly, &["one_kind_of_several_is_enough"]),
        (HashesAreEmpty, &["its_verifiers_can_be_read", "examples_are_of_all_users"]),
        (GivesAnotherForm, &["its_verifiers_can_be_read", "examples_are_of_all_users"]),
        (
            ForgetsUsersWithoutTheForm,
            &[
                "a_user_without_a_form_has_no_verifiers",
                "its_verifiers_can_be_read",
                "examples_are_of_all_users",
                "nothing_shows_a_secret",
                "a_disabled_user_is_not_let_in",
            ],
        ),
        (TakesOneExample, &["examples_are_of_all_users"]),
        (GivesNoExample, &["examples_are_of_all_users"]),
        (CountsForExamples, &["an_example_stays_the_same"]),
        (
            AcceptsEveryAnswer,
            &[
                "a_wrong_secret_is_not_accepted",
                "hostile_input_is_no_error",
                "a_made_up_answer_is_not_accepted",
            ],
        ),
        (TrustsWhatIsPending, &["a_made_up_answer_is_not_accepted"]),
        (RemembersLogins, &["two_instances_agree"]),
        (DoesWithoutItsFile, &["what_cannot_be_read_is_an_error"]),
        (MissesItsFile, &["what_cannot_be_read_is_an_error"]),
        (QuotesThePassword, &["nothing_shows_a_secret"]),
        (ShowsTheUsers, &["nothing_shows_a_secret"]),
    ];
    catches_all(CASES, subject, table);
}

const HASH: &str = "$6$made-up-salt$made-up-hash-of-";

fn subject(fault: Option<Fault>) -> Subject<dyn Checker> {
    let scratch = Scratch::new();
    let path = scratch
        .file("users", b"ann made-up-password 1\nbob other-password 1\neve third-password 0\n");
    let host = TestHost::new()
        .client(Client::new(Presented::password("ann", "made-up-password")))
        .client(
            Client::new(Presented::new(PresentedKind::CONVERSATION).named("bob"))
                .answering("other-password"),
        )
        .client(Client::new(Presented::password("eve", "third-password")).disabled());
    let values = Values::new().with("path", Value::Text(path.clone()));
    Subject::<dyn Checker>::new(scratch, host, move |_| {
        let users = match (std::fs::read_to_string(&path), fault) {
            (Ok(users), _) => users,
            (Err(_), Some(DoesWithoutItsFile)) => String::new(),
            (Err(error), Some(MissesItsFile)) => {
                return Err(Error::not_found("open").caused_by(error));
            }
            (Err(error), _) => return Err(Error::io("open", error).not_a_miss()),
        };
        Ok(Box::new(Book { fault, users, asked: AtomicU64::new(0), last: Mutex::default() }))
    })
    .with_values(values)
}

/// A checker that reads users from a file, correct except for its fault.
struct Book {
    fault: Option<Fault>,
    users: String,
    asked: AtomicU64,
    /// The last user that a faulty one let in.
    last: Mutex<Option<String>>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.has(ShowsTheUsers) { &self.users } else { "Book" })
    }
}

const ACCEPTS: [PresentedKind; 3] =
    [PresentedKind::PASSWORD, PresentedKind::CONVERSATION, PresentedKind::PASSWORD];

impl Book {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// The password of a user, and whether the user is let in.
    fn find(&self, name: &str) -> Option<(&str, bool)> {
        let users = self.users.lines().filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?, words.next()? == "1"))
        });
        users.into_iter().find(|(user, ..)| *user == name).map(|(_, secret, on)| (secret, on))
    }

    fn identity(&self, user: &str) -> Identity {
        let user = if self.has(HasAnotherIdentity) { "mallory" } else { user };
        Identity::new(user).unwrap()
    }

    fn check_secret(&self, user: &str, secret: &[u8]) -> Result<Round> {
        let empty = secret.iter().all(|byte| *byte == 0);
        if empty && self.has(TakesEmptyPasswords) {
            return Ok(Round::accepted(self.identity("ann")));
        }
        if empty && !self.has(SaysUnknownForAnEmptyPassword) && !self.has(FailsForStrangers) {
            return Ok(Round::wrong(Denial::Secret));
        }
        let Some((right, enabled)) = self.find(user) else {
            if self.has(FailsForStrangers) {
                return Err(Error::not_found("check"));
            }
            return Ok(Round::Unknown);
        };
        let mut last = self.last.lock().unwrap();
        let is_right = right.as_bytes() == secret
            || self.has(AcceptsEveryPassword) && !empty
            || self.has(RemembersLogins) && last.as_deref() == Some(user);
        if !is_right && self.has(SaysUnknownForAWrongPassword) {
            return Ok(Round::Unknown);
        }
        if !is_right || self.has(AcceptsNobody) {
            return Ok(Round::wrong(Denial::Secret));
        }
        if !enabled && !self.has(IgnoresThatAUserIsDisabled) {
            return Ok(Round::wrong(Denial::Disabled));
        }
        *last = Some(user.to_owned());
        Ok(Round::accepted(self.identity(user)))
    }

    fn hash(&self, form: VerifierForm, user: &str, secret: &str) -> Verifier {
        let hash = format!("{HASH}{user}{}", secret.len());
        let value = match form {
            VerifierForm::Plaintext => secret,
            _ if self.has(HashesAreEmpty) => "",
            _ => &hash,
        };
        let form = if self.has(GivesAnotherForm) { VerifierForm::Md5 } else { form };
        Verifier::new(form, value)
    }

    fn users_with(&self, form: VerifierForm) -> Vec<Verifier> {
        let users = self.users.lines().filter_map(|line| line.split(' ').next());
        users.filter_map(|user| self.verifier(user, form)).collect()
    }

    /// Only Ann has a hash.
    fn verifier(&self, user: &str, form: VerifierForm) -> Option<Verifier> {
        let (secret, _) = self.find(user)?;
        let has = match form {
            VerifierForm::Plaintext => true,
            VerifierForm::PasswordHash => user == "ann",
            _ => false,
        };
        has.then(|| self.hash(form, user, secret))
    }
}

impl Checker for Book {
    fn accepts(&self) -> &[PresentedKind] {
        if self.has(NamesAKindTwice) { &ACCEPTS } else { &ACCEPTS[..2] }
    }

    fn stores(&self) -> &[VerifierForm] {
        &[VerifierForm::Plaintext, VerifierForm::PasswordHash]
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        let user = presented.user().unwrap_or_default();
        if user.contains('\0') && self.has(FailsForNul) {
            return Err(Error::invalid("check", "a name has no NUL"));
        }
        let is = |kind: &PresentedKind| match self.fault {
            Some(LooksAtTheFirstKindOnly) => presented.kind() == kind,
            _ => presented.is(kind),
        };
        if is(&PresentedKind::PASSWORD) {
            let secret = presented.field("password");
            if self.has(PanicsWithoutAPassword) {
                secret.unwrap();
            }
            let secret = secret.map(Secret::expose).unwrap_or_default();
            return self.check_secret(user, secret);
        }
        if is(&PresentedKind::CONVERSATION) {
            let pending = Secret::from(format!("asked {user}"));
            return Ok(Round::Challenge { pending, challenge: Secret::from("Password") });
        }
        if self.has(ChecksEveryKind) {
            return Ok(Round::Unknown);
        }
        let secret = presented.field("password").and_then(Secret::expose_str).unwrap_or_default();
        let why = if self.has(QuotesThePassword) { secret } else { "no such kind" };
        Err(Error::new(ErrorKind::Unsupported, "check").because(why.to_owned()))
    }

    fn resume(&self, pending: &Secret, answer: &Secret, _: &Attempt) -> Result<Round> {
        let pending = pending.expose_str().unwrap_or_default();
        match pending.strip_prefix("asked ") {
            Some(user) if self.has(AcceptsEveryAnswer) && self.find(user).is_some() => {
                Ok(Round::accepted(self.identity(user)))
            }
            Some(user) => self.check_secret(user, answer.expose()),
            None if self.has(TrustsWhatIsPending) => Ok(Round::accepted(self.identity("ann"))),
            None => Ok(Round::wrong(Denial::Malformed)),
        }
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        let enabled = match self.find(user) {
            Some((_, enabled)) => enabled,
            None if self.has(KnowsEverybody) => true,
            None => return Ok(None),
        };
        let verifiers: Vec<_> = self.verifier(user, form).into_iter().collect();
        if verifiers.is_empty() && self.has(ForgetsUsersWithoutTheForm) {
            return Ok(None);
        }
        let mut account = Account::new(self.identity(user), verifiers);
        account.denied = (!enabled && !self.has(HandsOverTheDisabled)).then_some(Denial::Disabled);
        Ok(Some(account))
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        let mut users = self.users_with(form);
        if users.is_empty() || self.has(GivesNoExample) {
            return Ok(None);
        }
        let pick = match self.fault {
            Some(TakesOneExample) => 0,
            Some(CountsForExamples) => self.asked.fetch_add(1, Ordering::SeqCst),
            _ => pick,
        };
        let pick = (pick % users.len() as u64) as usize;
        Ok(Some(users.swap_remove(pick)))
    }
}
