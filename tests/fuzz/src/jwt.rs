use std::time::Duration;

use keyward_checker_oauth::{OAuth, Options, is_jwt};
use keyward_core::{Attempt, Backend, Checker, Presented, PresentedKind, Round};

use crate::host::Answers;

/// A JWT has two dots. One that another server issued is unknown, and no server is asked.
pub fn jwt(bytes: &[u8]) {
    let dots = bytes.iter().filter(|byte| **byte == b'.').count();
    assert!(!is_jwt(bytes) || dots == 2);
    let options = Options {
        issuer: Some("https://login.invalid".into()),
        audience: vec!["api".into()],
        any_audience: false,
        claim: "sub".into(),
        introspection: None,
        client_id: None,
        client_secret: None,
        cache: Duration::ZERO,
        timeout: Duration::from_secs(1),
    };
    let checker = OAuth::open(options, &Answers::none()).expect("the options are right");
    let presented = Presented::new(PresentedKind::TOKEN).with("token", bytes);
    // To ask its own server is an error here, because the host knows no network.
    if let Ok(round) = checker.check(&presented, &Attempt::default()) {
        assert!(matches!(round, Round::Unknown | Round::Wrong { .. }), "{round:?}");
    }
}
