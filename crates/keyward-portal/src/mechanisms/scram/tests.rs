use serde_json::Value;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../vectors/scram.json")).unwrap()
}

fn decode(value: &Value) -> Secret {
    STANDARD.decode(value.as_str().unwrap()).unwrap().into()
}

/// The exchanges of the mechanisms that are supported, with the keys of their users.
fn exchanges() -> Vec<(Value, Scram)> {
    let supported =
        vectors()["positive"].as_array().unwrap().clone().into_iter().filter_map(|case| {
            let algorithm = match case["mechanism"].as_str().unwrap() {
                "SCRAM-SHA-1" => Algorithm::Sha1,
                "SCRAM-SHA-256" => Algorithm::Sha256,
                _ => return None,
            };
            let first = case["server_first"].as_str().unwrap();
            let (_, salt) = first.split_once(",s=").unwrap();
            let (salt, iterations) = salt.split_once(",i=").unwrap();
            let keys = Scram {
                algorithm,
                iterations: iterations.parse().unwrap(),
                salt: STANDARD.decode(salt).unwrap(),
                stored_key: decode(&case["stored_key"]),
                server_key: decode(&case["server_key"]),
            };
            Some((case, keys))
        });
    supported.collect()
}

fn parse(message: &str, binding: Binding<'_>) -> Result<First, Malformed> {
    First::parse(Algorithm::Sha1, &message.into(), binding)
}

/// The example of RFC 5802, up to the answer to the challenge.
fn pending() -> Secret {
    let (case, keys) = &exchanges()[0];
    begin(case, keys).pending
}

fn begin(case: &Value, keys: &Scram) -> Challenge {
    let message = Secret::from(case["client_first"].as_str().unwrap());
    let first = First::parse(keys.algorithm, &message, Binding::Unavailable).unwrap();
    let expected = case["server_first"].as_str().unwrap();
    let (_, client_nonce) = case["client_first"].as_str().unwrap().rsplit_once("r=").unwrap();
    let nonce = expected[2..].split(',').next().unwrap().strip_prefix(client_nonce).unwrap();
    first.challenge(keys, nonce).unwrap()
}

#[test]
fn exchanges_of_the_rfcs() {
    let exchanges = exchanges();
    assert_eq!(exchanges.len(), 8);
    for (case, keys) in exchanges {
        let Challenge { pending, message } = begin(&case, &keys);
        assert_eq!(message.expose_str(), case["server_first"].as_str());
        let answer = case["client_final"].as_str().unwrap();
        let expected = case["server_final"].as_str().unwrap();
        let verdict = last(&pending, &answer.into()).unwrap();
        assert_eq!(verdict, Verdict::Accepted(expected.into()), "{}", case["id"]);
    }
}

#[test]
fn names_are_decoded() {
    let first = parse("n,a=x=3Dy,n=a=2Cb=3Dc,r=nonce", Binding::Unavailable).unwrap();
    assert_eq!((first.user(), first.authzid()), ("a,b=c", Some("x=y")));
    let first = parse("n,,n=Zoe\u{308},r=nonce,x=ignored", Binding::Unavailable).unwrap();
    assert_eq!((first.user(), first.authzid()), ("Zo\u{eb}", None));
}

#[test]
fn messages_that_are_refused() {
    for case in vectors()["negative"].as_array().unwrap() {
        let value = case["value"].as_str().unwrap();
        match (case["id"].as_str().unwrap(), case["message"].as_str().unwrap()) {
            // The portal asks whether the user may act as another one.
            ("authzid", _) => {
                let first = parse(value, Binding::Unavailable).unwrap();
                assert_eq!(first.authzid(), Some("admin"));
            }
            (id, "client_first") => assert!(parse(value, Binding::Unavailable).is_err(), "{id}"),
            (id, "client_final") => {
                let verdict = last(&pending(), &value.into()).unwrap();
                assert!(matches!(verdict, Verdict::Refused(Denial::Malformed, _)), "{id}");
            }
            _ => {}
        }
    }
    let long = format!("n,,n=user,r={}", "x".repeat(513));
    for message in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,r=x,n=user",
        "n,,n=,r=x",
        "n,,n=user,r=",
        "N,,n=user,r=x",
        "n,,m=ext,n=user,r=x",
        "n,x,n=user,r=x",
        "n,a=,n=user,r=x",
        "n,,n=user,r=x,r=y",
        "n,,n=user,r=x,",
        "n,,n=user,r=x,q",
        "n,,n=a=2,r=x",
        "n,,n=a=2c,r=x",
        "n,,n=user,r=x y",
        "p=,,n=user,r=x",
        "n,,n= user,r=x",
        &long,
    ] {
        assert!(parse(message, Binding::Unavailable).is_err(), "{message:?}");
    }
    let not_text = Secret::new(b"n,,n=\xff,r=x".to_vec());
    assert!(First::parse(Algorithm::Sha1, &not_text, Binding::Unavailable).is_err());
}

#[test]
fn a_wrong_proof_is_refused() {
    let (case, _) = &exchanges()[0];
    let right = case["client_final"].as_str().unwrap();
    let (start, _) = right.split_once(",p=").unwrap();
    let wrong = format!("{start},p={}", STANDARD.encode([0; 20]));
    let verdict = last(&pending(), &wrong.into()).unwrap();
    assert_eq!(verdict, Verdict::Refused(Denial::Secret, "e=invalid-proof".into()));
    let changed = right.replace(",p=", ",x=y,p=");
    assert!(matches!(
        last(&pending(), &changed.into()).unwrap(),
        Verdict::Refused(Denial::Secret, _)
    ));
}

#[test]
fn binding_never_downgrades() {
    let data = Secret::new(vec![7; 32]);
    let bound = Binding::TlsExporter(&data);
    for (message, binding, accepted) in [
        ("n,,n=user,r=x", Binding::Unavailable, true),
        ("n,,n=user,r=x", Binding::NotChosen, true),
        ("n,,n=user,r=x", bound, false),
        ("y,,n=user,r=x", Binding::Unavailable, true),
        ("y,,n=user,r=x", Binding::NotChosen, false),
        ("y,,n=user,r=x", bound, false),
        ("p=tls-exporter,,n=user,r=x", Binding::Unavailable, false),
        ("p=tls-exporter,,n=user,r=x", Binding::NotChosen, false),
        ("p=tls-exporter,,n=user,r=x", bound, true),
        ("p=tls-unique,,n=user,r=x", bound, false),
        ("p=tls-server-end-point,,n=user,r=x", bound, false),
    ] {
        assert_eq!(parse(message, binding).is_ok(), accepted, "{message} {binding:?}");
    }
}

#[test]
fn the_bytes_of_tls_are_part_of_the_proof() {
    let (_, keys) = &exchanges()[0];
    let [ours, theirs] = [[7; 32], [8; 32]].map(|bytes| Secret::new(bytes.to_vec()));
    let first = parse("p=tls-exporter,,n=user,r=x", Binding::TlsExporter(&ours)).unwrap();
    let pending = first.challenge(keys, "y").unwrap().pending;
    let answer = |data: &Secret| {
        let bound = STANDARD.encode([b"p=tls-exporter,,", data.expose()].concat());
        Secret::from(format!("c={bound},r=xy,p={}", STANDARD.encode([0; 20])))
    };
    let mismatch = Verdict::Refused(Denial::Malformed, "e=channel-bindings-dont-match".into());
    assert_eq!(last(&pending, &answer(&theirs)).unwrap(), mismatch);
    let wrong = Verdict::Refused(Denial::Secret, "e=invalid-proof".into());
    assert_eq!(last(&pending, &answer(&ours)).unwrap(), wrong);
}

#[test]
fn too_few_iterations_are_refused() {
    let (_, keys) = &exchanges()[0];
    let first = parse("n,,n=user,r=x", Binding::Unavailable).unwrap();
    let challenge = |change: fn(&mut Scram)| {
        let mut keys = keys.clone();
        change(&mut keys);
        first.challenge(&keys, "y")
    };
    assert!(challenge(|_| {}).is_ok());
    assert!(challenge(|keys| keys.iterations = 4095).is_err());
    assert!(challenge(|keys| keys.salt.clear()).is_err());
    assert!(challenge(|keys| keys.stored_key.truncate(19)).is_err());
    assert!(challenge(|keys| keys.algorithm = Algorithm::Sha256).is_err());
}

#[test]
fn an_unknown_user_has_an_exchange_like_any_other() {
    let (_, known) = &exchanges()[1];
    let secret = Secret::from("server");
    let keys = |user| decoy(&secret, Algorithm::Sha256, user, Some(known));
    assert_eq!(keys("nobody"), keys("nobody"));
    assert_ne!(keys("nobody").salt, keys("somebody").salt);
    assert_ne!(
        keys("nobody").salt,
        decoy(&"other".into(), Algorithm::Sha256, "nobody", Some(known)).salt
    );
    let message = Secret::from("n,,n=nobody,r=client");
    let first = First::parse(Algorithm::Sha256, &message, Binding::Unavailable).unwrap();
    let ends = [known.clone(), keys("nobody")].map(|keys| {
        let challenge = first.challenge(&keys, "server").unwrap();
        let answer = format!("c=biws,r=clientserver,p={}", STANDARD.encode([1; 32]));
        (challenge.message.len(), last(&challenge.pending, &answer.into()).unwrap())
    });
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0].1, Verdict::Refused(Denial::Secret, "e=invalid-proof".into()));
    let long = Scram { salt: vec![0; 100], ..known.clone() };
    assert_eq!(decoy(&secret, Algorithm::Sha256, "nobody", Some(&long)).salt.len(), 100);
}

#[test]
fn what_was_kept_is_parsed_strictly() {
    let pending = pending();
    let answer = Secret::from("c=biws,r=x,p=AAAA");
    for end in 0..pending.len() {
        let mut cut = pending.clone();
        cut.truncate(end);
        assert!(last(&cut, &answer).is_err());
    }
    assert!(last(&[pending.expose(), b"x"].concat().into(), &answer).is_err());
}

proptest::proptest! {
    #[test]
    fn any_message_is_read_or_refused(bytes in proptest::collection::vec(0_u8.., 0..200), text in "[nyp],(a=)?[a-c=,]{0,4},n=[a=23DC,]{0,8},r=[x,=]{0,6}") {
        let pending = pending();
        for message in [Secret::new(bytes), Secret::from(text)] {
            if let Ok(first) = First::parse(Algorithm::Sha256, &message, Binding::Unavailable) {
                proptest::prop_assert!(!first.user().is_empty());
            }
            let verdict = last(&pending, &message).unwrap();
            proptest::prop_assert!(matches!(verdict, Verdict::Refused(..)));
        }
    }
}
