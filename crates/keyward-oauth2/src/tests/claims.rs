use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;
use crate::{Validity, Wanted, claims, is_expired};

fn jwt(payload: &str) -> Secret {
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(payload)).into()
}

fn with_token(token: impl Into<Secret>) -> Record {
    Record::new(names::OAUTH2).with(fields::ACCESS_TOKEN, Field::secret(token.into()))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_payload_may_need_the_letters_of_base64url() {
    // `?>` and `~~` give `_` and `-` wherever they are.
    for payload in [r#"{"sub":"a?>b?>c?>","x":"~~~"}"#, r#"{"x":"ÿÿÿ"}"#, "{}"] {
        let token = jwt(payload);
        assert_eq!(claims(&token).unwrap().expose(), payload.as_bytes());
    }
    let all: String = ["?>", ">?", "~~~", "ÿþ"].concat();
    let token = jwt(&format!(r#"{{"x":"{all}"}}"#));
    assert!(token.expose_str().unwrap().contains(['-', '_']));
    for bad in ["e30.e30=.c2ln", "e30.W10.c2ln", "e30.e+0.c2ln", "e30.e30", "a.b.c.d", ""] {
        assert!(claims(&bad.into()).is_err(), "{bad}");
    }
}

#[test]
fn a_token_has_expired_when_its_leeway_is_over() {
    let at = Timestamp::from_unix;
    let opaque = with_token("opaque");
    let field = Field::secret("opaque").with_expires(Some(at(1000)));
    let by_field = opaque.clone().with(fields::ACCESS_TOKEN, field);
    let by_record = opaque.clone().with_expires(Some(at(1000)));
    let by_claim = with_token(jwt(r#"{"exp":1000.5,"sub":"?>~"}"#));
    for record in [by_field, by_record, by_claim] {
        assert!(!is_expired(&record, at(999), Duration::ZERO));
        assert!(is_expired(&record, at(1000), Duration::ZERO));
        assert!(!is_expired(&record, at(1029), seconds(30)));
        assert!(is_expired(&record, at(1030), seconds(30)));
    }
    assert!(!is_expired(&opaque, at(u64::MAX), Duration::ZERO));
    for exp in ["\"1000\"", "-1", "1e300", "null"] {
        let record = with_token(jwt(&format!(r#"{{"exp":{exp}}}"#)));
        assert!(!is_expired(&record, at(2000), Duration::ZERO), "{exp}");
    }
    assert!(is_expired(&Record::new(names::OAUTH2), at(0), Duration::ZERO));
    assert!(is_expired(&with_token(""), at(0), Duration::ZERO));
}

#[test]
fn the_life_of_a_jwt_does_not_depend_on_the_local_clock() {
    let world = World::new();
    let memory = super::memory::Memory::with(expired());
    // The clock of the server is years ahead.
    let token = jwt(r#"{"iat":900000000,"exp":900000600}"#);
    let text = token.expose_str().unwrap().to_owned();
    let tokens =
        world.tokens(move |_| answer(200, format!(r#"{{"access_token":"{text}","x":1}}"#)));
    let record = tokens.get(&memory, &id(), Wanted::Good).unwrap();
    assert_eq!(Validity::judge(&record, world.now()), Validity::Good);
    world.turn_to(1_000_000 + 539);
    assert_eq!(Validity::judge(&record, world.now()), Validity::Good);
    world.turn_to(1_000_000 + 540);
    assert_eq!(Validity::judge(&record, world.now()), Validity::Due);
    world.turn_to(1_000_000 + 600);
    assert_eq!(Validity::judge(&record, world.now()), Validity::Expired);
}

#[test]
fn a_margin_is_at_most_half_of_a_life() {
    let (world, memory) = (World::new(), super::memory::Memory::with(expired()));
    let number = AtomicUsize::new(1);
    let tokens = world.tokens(move |_| {
        let number = number.fetch_add(1, Ordering::SeqCst);
        answer(200, format!(r#"{{"access_token":"a-{number}","expires_in":600}}"#))
    });
    for (margin, due) in [(Some(60), 540), (Some(200), 400), (Some(86_400), 300), (None, 540)] {
        let tokens = tokens.clone().with_margin(margin.map(seconds));
        let start = world.now().as_unix();
        let record = tokens.get(&memory, &id(), Wanted::New).unwrap();
        for (after, expect) in
            [(due - 1, Validity::Good), (due, Validity::Due), (600, Validity::Expired)]
        {
            world.turn_to(start + after);
            assert_eq!(tokens.judge(&record), expect, "{margin:?} {after}");
        }
    }
    assert_eq!(world.requests(), 4);
}

#[test]
fn a_token_that_the_server_returned_again_is_good_until_its_end_whatever_the_margin() {
    let (world, memory) = (World::new(), super::memory::Memory::with(expired()));
    let tokens = world.tokens(|_| answer(200, r#"{"access_token":"same","expires_in":600}"#));
    let tokens = tokens.with_margin(Some(seconds(200)));
    tokens.get(&memory, &id(), Wanted::Good).unwrap();
    world.turn_to(1_000_500);
    for _ in 0..3 {
        tokens.get(&memory, &id(), Wanted::Good).unwrap();
    }
    assert_eq!(world.requests(), 2);
}
