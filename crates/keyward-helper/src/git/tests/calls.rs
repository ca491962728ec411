//! What a call replies without a credential.

use keyward_core::Error;

use super::super::{Action, CAPABILITIES, Reply, Request};
use crate::Call;

#[test]
fn a_failure_stops_git_only_if_it_wants_a_credential() {
    let error = Error::not_found("get");
    assert_eq!(Action::Get.failure(&error), Reply::quit().encode().unwrap());
    for action in [Action::Store, Action::Erase] {
        assert!(action.failure(&error).is_empty(), "{action:?}");
    }
    assert!(Action::Get.miss().is_empty());
}

#[test]
fn only_capability_is_answered_without_a_request() {
    assert_eq!(Action::Capability.fixed_reply(), Some(CAPABILITIES.into()));
    for action in [Action::Get, Action::Store, Action::Erase] {
        assert_eq!(action.fixed_reply(), None, "{action:?}");
    }
}

#[test]
fn a_credential_that_is_not_stored_has_a_warning() {
    let refused = Request::parse(b"protocol=https\nhost=a b\n\n").unwrap();
    let stored = Request::parse(b"protocol=https\nhost=example.com\n\n").unwrap();
    assert!(Action::Store.warning(&refused).unwrap().contains("does not keep"));
    assert_eq!(Action::Get.warning(&refused), None);
    assert_eq!(Action::Store.warning(&stored), None);
}
