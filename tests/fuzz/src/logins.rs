use std::sync::LazyLock;

use keyward_core::{Secret, Timestamp};
use keyward_portal::mechanisms::digest::{Algorithm, DigestHash, Offer, Request, Response};
use keyward_portal::mechanisms::legacy::{Answer, Legacy};
use keyward_portal::mechanisms::scram::{self, Binding, First, Verdict};
use keyward_portal::prepare_user;
use keyward_verifier::ha1;
use keyward_verifier::scram::{Algorithm as ScramAlgorithm, MIN_ITERATIONS, Scram};

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

/// A header that can be read names a user, and proves nothing to a server that did not make its nonce.
pub fn digest_response(bytes: &[u8]) {
    let every = DigestHash::ALL
        .iter()
        .flat_map(|&hash| [true, false].map(|is_session| Algorithm { hash, is_session }));
    let Ok(response) = Response::parse(&bytes.into()) else { return };
    assert!(!response.user().is_empty() && response.claim().1 > 0);
    let offer = Offer::new("realm", "key".into()).expect("the realm is one").algorithms(every);
    let request = Request { method: "GET", target: "/", body: None };
    assert!(offer.examine(&response, &request, NOW).is_err());
    let ha1 = ha1::compute(response.algorithm().hash, "ann", "realm", &"correct horse".into());
    assert!(!response.proves(&ha1, &request));
}

/// The first line is a client's first message, the second one its last, and the third one an answer
/// to an old challenge. Names that are read are canonical, and no last message proves anything.
pub fn sasl_messages(bytes: &[u8]) {
    let mut lines = bytes.splitn(3, |byte| *byte == b'\n').map(Secret::from);
    let mut next = || lines.next().unwrap_or_default();
    let (message, last, answer) = (next(), next(), next());
    let data = Secret::from([7; 32].as_slice());
    for binding in [Binding::Unavailable, Binding::NotChosen, Binding::TlsExporter(&data)] {
        if let Ok(first) = First::parse(ScramAlgorithm::Sha256, &message, binding) {
            assert_eq!(prepare_user(first.user()).as_deref(), Ok(first.user()));
            end(&first, &last);
        }
    }
    static CHALLENGE: LazyLock<Secret> = LazyLock::new(|| {
        Legacy::CramMd5.challenge("example.org").expect("there are random numbers").pending
    });
    if let Ok(answer) = Answer::parse(&answer) {
        assert_eq!(prepare_user(answer.user()).as_deref(), Ok(answer.user()));
        assert_eq!(
            Legacy::CramMd5.proves(&CHALLENGE, &answer, &"correct horse".into()).ok(),
            Some(false)
        );
    }
}

fn end(first: &First, last: &Secret) {
    let keys = Scram {
        algorithm: ScramAlgorithm::Sha256,
        iterations: MIN_ITERATIONS,
        salt: vec![1; 16],
        stored_key: Secret::new(vec![2; 32]),
        server_key: Secret::new(vec![3; 32]),
    };
    let issued = first.challenge(&keys, "server").expect("the keys are complete");
    assert!(issued.message.expose().starts_with(b"r="));
    let verdict = scram::last(&issued.pending, last).expect("what was kept is unchanged");
    assert!(matches!(verdict, Verdict::Refused(..)));
}
