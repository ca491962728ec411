//! Clients that authors of checkers name.

use keyward_core::{Attempt, Checker, Presented, PresentedKind, Result, Round, Secret};

/// More rounds than any mechanism has.
const MOST_ROUNDS: usize = 16;

/// A client with a right credential, which an author names so that a checker can be tested.
///
/// # Examples
/// ```
/// use keyward_core::Presented;
/// use keyward_testkit::{Client, TestHost};
///
/// let host = TestHost::new()
///     .client(Client::new(Presented::password("ann", "made-up-password")))
///     .client(Client::new(Presented::password("bob", "other-password")).disabled());
/// # drop(host);
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) presented: Presented,
    answers: Vec<Secret>,
    pub(super) identity: Option<String>,
    pub(super) is_disabled: bool,
}

impl Client {
    /// Makes a client who presents this, is let in, and has its name as identity. For a checker that
    /// hands over verifiers, only the name counts.
    pub fn new(presented: Presented) -> Self {
        let identity = presented.user().map(str::to_owned);
        Self { presented, answers: Vec::new(), identity, is_disabled: false }
    }

    /// Adds the right answer to the next challenge.
    #[must_use]
    pub fn answering(mut self, answer: impl Into<Secret>) -> Self {
        self.answers.push(answer.into());
        self
    }

    /// Sets the identity, if it is not the name that is presented.
    #[must_use]
    pub fn being(mut self, identity: &str) -> Self {
        self.identity = Some(identity.to_owned());
        self
    }

    /// Says that it is not let in although its credential is right: the account is disabled or has
    /// expired, or the password must be changed.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.is_disabled = true;
        self
    }

    /// Whether the checker checks this credential by itself.
    pub(super) fn is_checked_by(&self, checker: &dyn Checker) -> bool {
        checker.accepts().iter().any(|kind| self.presented.is(kind))
    }

    /// Presents the credential, and answers all challenges.
    pub(super) fn logs_in(&self, checker: &dyn Checker) -> Result<Round> {
        let attempt = attempt();
        let mut answers = self.answers.iter();
        let mut round = checker.check(&self.presented, &attempt)?;
        for _ in 0..MOST_ROUNDS {
            let Round::Challenge { pending, .. } = &round else { return Ok(round) };
            let answer = answers.next().expect("the author named no answer to this challenge");
            round = checker.resume(pending, answer, &attempt)?;
        }
        panic!("the rounds do not end")
    }

    /// The same with another secret in each field and in each answer; `None` if it has none.
    pub(super) fn with_wrong_secrets(&self) -> Option<Self> {
        let wrong = |right: &Secret| Secret::from([right.expose(), b"x"].concat());
        let mut other = self.clone();
        for (name, value) in self.presented.fields() {
            other.presented = other.presented.with(name, wrong(value));
        }
        other.answers = self.answers.iter().map(wrong).collect();
        let has_secrets = self.presented.fields().next().is_some() || !self.answers.is_empty();
        has_secrets.then_some(other)
    }

    /// The same credential as one of an unknown kind, and then its own.
    pub(super) fn of_an_unknown_kind_too(&self) -> Self {
        let mut presented = Presented::new(unknown_kind());
        for kind in self.presented.kinds() {
            presented = presented.also(kind.clone());
        }
        for (name, value) in self.presented.fields() {
            presented = presented.with(name, value.clone());
        }
        let presented = match self.presented.user() {
            Some(user) => presented.named(user),
            None => presented,
        };
        Self { presented, ..self.clone() }
    }

    /// All its secrets that are long enough to be recognized.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let all = self.presented.fields().map(|(_, value)| value).chain(&self.answers);
        all.filter(|secret| secret.len() >= 8)
    }
}

/// A kind that no checker knows.
pub(super) fn unknown_kind() -> PresentedKind {
    PresentedKind::from_name("example.no-such-kind").unwrap()
}

/// The circumstances in which clients are let in.
pub(super) fn attempt() -> Attempt {
    Attempt::from_address("127.0.0.1").private()
}
