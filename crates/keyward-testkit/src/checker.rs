//! The contract of every checker.

use keyward_core::{Attempt, Checker, Presented, PresentedKind, Round};

use crate::Subject;

cases! {
    $
    /// Tests a checker: `checker_suite!(Htpasswd, |scratch| Values::new().with(…))`.
    checker_suite for Checker in checker:
    an_unknown_user_is_no_error,
}

/// Nothing has to be removed after a case.
pub(crate) const CLEAN_UP: Option<fn(&dyn Checker)> = None;

/// Nobody has a name that nobody gave.
pub fn an_unknown_user_is_no_error(subject: &Subject<dyn Checker>) {
    let checker = subject.open();
    for form in checker.stores() {
        assert_eq!(checker.account("no-such-user", *form).unwrap(), None, "{form:?}");
    }
    if checker.accepts().contains(&PresentedKind::PASSWORD) {
        let presented = Presented::password("no-such-user", "secret");
        let round = checker.check(&presented, &Attempt::default()).unwrap();
        assert!(matches!(round, Round::Unknown | Round::Wrong { .. }), "{round:?}");
    }
}
