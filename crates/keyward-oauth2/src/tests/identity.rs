//! A token that was issued for one thing is never given to who asks for another.

use keyward_core::ErrorKind;

use super::memory::Memory;
use super::*;
use crate::{RefreshState, Validity, Wanted};

/// The fields that say what tokens are asked for. The profile of a provider, such as its tenant, is
/// in its URLs and parameters. Another user or another store has another entry.
const IDENTITY: [(&str, [&str; 2]); 9] = [
    (fields::ISSUER, ["https://one.example", "https://two.example"]),
    (fields::TOKEN_URL, ["https://as.example/token", "https://as.example/other/token"]),
    (fields::CLIENT_ID, ["one", "two"]),
    (fields::USERNAME, ["ann", "bob"]),
    (fields::SCOPE, ["read", "read write"]),
    (fields::AUDIENCE, ["one", "two"]),
    (fields::RESOURCE, ["urn:one", "urn:two"]),
    (fields::GRANT, ["client_credentials", "token_exchange"]),
    (fields::PARAMETERS, ["tenant=one", "tenant=two"]),
];

fn record(choice: usize) -> Record {
    let mut record = expired().with(fields::SUBJECT_TOKEN, Field::secret("subject"));
    record.fields.remove(fields::REFRESH_TOKEN);
    record.fields.remove(fields::ACCESS_TOKEN);
    IDENTITY.iter().enumerate().fold(record, |record, (index, (name, values))| {
        record.with(*name, Field::open(values[choice >> index & 1]))
    })
}

fn get(tokens: &Tokens, memory: &Memory) -> Result<Record> {
    tokens.get(memory, &id(), Wanted::Good)
}

#[test]
fn of_all_512_combinations_each_has_tokens_of_its_own() {
    let (world, memory) = (World::new(), Memory::with(record(0)));
    let issued = AtomicUsize::new(0);
    let tokens = world.tokens(move |_| {
        let number = issued.fetch_add(1, Ordering::SeqCst);
        answer(200, format!(r#"{{"access_token":"access-{number}","expires_in":3600}}"#))
    });
    let first = get(&tokens, &memory).unwrap();
    let mut marks = std::collections::BTreeSet::new();
    for choice in 0..1 << IDENTITY.len() {
        // Someone changes the record, and the token stays in it.
        let mut changed = first.clone();
        changed.fields.extend(record(choice).fields);
        let own = choice == 0;
        assert_eq!(Tokens::is_good(&changed, world.now()), own, "{choice:b}");
        assert_eq!(Validity::judge(&changed, world.now()) == Validity::Foreign, !own);
        memory.put(changed);
        let before = world.requests();
        let record = get(&tokens, &memory).unwrap();
        assert_eq!(world.requests(), before + usize::from(!own), "{choice:b}");
        assert_eq!(
            value(&record, fields::ACCESS_TOKEN),
            format!("access-{}", world.requests() - 1)
        );
        assert!(marks.insert(value(&record, fields::ISSUED_FOR).to_owned()), "{choice:b}");
        get(&tokens, &memory).unwrap();
        assert_eq!(world.requests(), before + usize::from(!own), "the new token is its own");
    }
    assert_eq!(marks.len(), 512);
}

#[test]
fn a_refresh_token_gets_nothing_that_the_user_has_not_agreed_to() {
    for (name, new) in [
        (fields::SCOPE, "read write"),
        (fields::CLIENT_ID, "other"),
        (fields::TOKEN_URL, "https://evil.example/token"),
        (fields::AUDIENCE, "other"),
    ] {
        let (world, memory) = (World::new(), Memory::with(expired()));
        let tokens = world.tokens(|_| {
            answer(
                200,
                r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":60}"#,
            )
        });
        let record = get(&tokens, &memory).unwrap();
        memory.put(record.clone().with(name, Field::open(new)));
        let error = get(&tokens, &memory).unwrap_err();
        assert_eq!((error.kind(), world.requests()), (ErrorKind::Unauthorized, 1), "{name}");
        assert!(error.report().contains("something else"), "{}", error.report());
        assert_eq!(value(&memory.record(), fields::REFRESH_TOKEN), "refresh-2", "it is kept");
        memory.put(record);
        get(&tokens, &memory).unwrap();
    }
}

#[test]
fn what_does_not_change_the_token_does_not_cost_it() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let record = expired().with(fields::SCOPE, Field::open("write read"));
    memory.put(record);
    let tokens = world.tokens(|_| answer(200, r#"{"access_token":"access-2","expires_in":3600}"#));
    let record = get(&tokens, &memory).unwrap();
    for (name, same) in [
        (fields::SCOPE, "read  write read"),
        (fields::USERNAME, "ann"),
        (fields::CLIENT_SECRET, "new"),
        (fields::REVOCATION_URL, "https://as.example/revoke"),
    ] {
        let changed = record.clone().with(name, Field::open(same));
        assert!(Tokens::is_good(&changed, world.now()), "{name}");
    }
}

#[test]
fn a_record_of_another_program_is_accepted() {
    let later = Some(Timestamp::from_unix(2_000_000));
    let token = Field::secret("access-1").with_expires(later);
    assert!(Tokens::is_good(&expired().with(fields::ACCESS_TOKEN, token), World::new().now()));
}

#[test]
fn a_change_while_the_server_is_asked_loses_no_token_and_mixes_none_up() {
    let (world, memory) = (World::new(), Arc::new(Memory::with(expired())));
    let other = Arc::clone(&memory);
    let tokens = world.tokens(move |_| {
        other.put(other.record().with(fields::SCOPE, Field::open("write")));
        answer(200, r#"{"access_token":"access-2","refresh_token":"refresh-2","expires_in":60}"#)
    });
    drop(get(&tokens, &memory));
    assert_eq!(value(&memory.record(), fields::REFRESH_TOKEN), "refresh-2");
    assert_eq!(Validity::judge(&memory.record(), world.now()), Validity::Foreign);
}

#[test]
fn a_refusal_of_what_is_asked_for_now_is_remembered() {
    let (world, memory) = (World::new(), Memory::with(record(0)));
    let tokens = world.tokens(|request| {
        match request.body().expose_str().unwrap().contains("scope=read%20write") {
            true => answer(400, r#"{"error":"invalid_grant"}"#),
            false => answer(200, r#"{"access_token":"access-2","expires_in":3600}"#),
        }
    });
    let first = get(&tokens, &memory).unwrap();
    memory.put(first.with(fields::SCOPE, Field::open("read write")));
    for _ in 0..3 {
        assert_eq!(get(&tokens, &memory).unwrap_err().kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(world.requests(), 2);
    assert!(matches!(RefreshState::read(&memory.record()), RefreshState::Dead { .. }));
    memory.put(memory.record().with(fields::SCOPE, Field::open("read")));
    get(&tokens, &memory).unwrap();
    assert_eq!(world.requests(), 3);
}
