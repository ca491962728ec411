use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use keyward_core::{Change, Error, ErrorKind, Source};

use super::memory::Memory;
use super::*;
use crate::{RefreshState, Wanted};

/// Issues tokens whose numbers count up, and replaces the refresh token each time. One that was
/// used before is refused, as servers that notice theft do.
fn rotating(
    life: u64,
) -> impl Fn(&Request<Secret>) -> Result<Response<Secret>> + Send + Sync + 'static {
    let last = AtomicUsize::new(1);
    move |request| {
        let body = request.body().expose_str().unwrap();
        let number = last.fetch_add(1, Ordering::SeqCst);
        if !body.contains(&format!("refresh_token=refresh-{number}&")) {
            return answer(400, r#"{"error":"invalid_grant"}"#);
        }
        let next = number + 1;
        answer(
            200,
            format!(
                r#"{{"access_token":"access-{next}","refresh_token":"refresh-{next}","expires_in":{life}}}"#
            ),
        )
    }
}

fn get(tokens: &Tokens, memory: &Memory) -> Result<Record> {
    tokens.get(memory, &id(), Wanted::Good)
}

fn unreachable() -> Result<Response<Secret>> {
    Err(Error::new(ErrorKind::Unavailable, "request").because("as.example: connection refused"))
}

#[test]
fn many_threads_make_one_request_and_get_the_same_token() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let issue = rotating(3600);
    let tokens = world.tokens(move |request| {
        thread::sleep(Duration::from_millis(50));
        issue(request)
    });
    thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(|| get(&tokens, &memory))).collect();
        for thread in threads {
            let record = thread.join().unwrap().unwrap();
            assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-2");
            assert_eq!(value(&record, fields::REFRESH_TOKEN), "refresh-2");
        }
    });
    assert_eq!(world.requests(), 1);
}

#[test]
fn waiters_get_the_error_of_the_one_who_asked() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let tokens = world.tokens(|_| {
        thread::sleep(Duration::from_millis(50));
        unreachable()
    });
    thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| get(&tokens, &memory))).collect();
        for thread in threads {
            let error = thread.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(error.message(), "as.example: connection refused");
        }
    });
    assert_eq!(world.requests(), 1);
    assert_eq!(value(&memory.record(), fields::REFRESH_TOKEN), "refresh-1");
    world.turn_to(1_000_006);
    get(&tokens, &memory).unwrap_err();
    assert_eq!(world.requests(), 2);
}

#[test]
fn a_good_token_needs_neither_a_lock_nor_a_server() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let tokens = world.tokens(rotating(3600));
    get(&tokens, &memory).unwrap();
    memory.make_read_only();
    world.turn_to(1_000_000 + 3239);
    get(&tokens, &memory).unwrap();
    assert_eq!(world.requests(), 1);
}

#[test]
fn each_life_of_a_token_has_at_most_two_requests() {
    for life in [1, 30, 60, 300, 900, 3600, 24 * 3600] {
        for returns_same in [false, true] {
            let (world, memory) = (World::new(), Memory::with(expired()));
            let issue = rotating(life);
            let clock = world.clone();
            let tokens = world.tokens(move |request| {
                if !returns_same {
                    return issue(request);
                }
                // A server that gives out one token until it ends.
                let end = clock.now().as_unix() / life * life + life;
                let left = end - clock.now().as_unix();
                answer(200, format!(r#"{{"access_token":"until-{end}","expires_in":{left}}}"#))
            });
            let lives = 5;
            for step in 0..=lives * 100 {
                world.turn_to(1_000_000 + life * step / 100);
                let record = get(&tokens, &memory).unwrap();
                let expires = record.field(fields::ACCESS_TOKEN).unwrap().expires.unwrap();
                assert!(expires > world.now(), "{life} {step}");
            }
            let requests = world.requests() as u64;
            assert!(requests <= 2 * (lives + 1), "life {life}: {requests} requests");
        }
    }
}

#[test]
fn after_ten_hours_of_suspend_there_is_one_request() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let tokens = world.tokens(rotating(3600));
    get(&tokens, &memory).unwrap();
    world.turn_to(1_000_000 + 10 * 60 * 60);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(|| get(&tokens, &memory))).collect();
        for thread in threads {
            let record = thread.join().unwrap().unwrap();
            assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-3");
        }
    });
    assert_eq!(world.requests(), 2);
}

#[test]
fn a_refused_grant_is_kept_and_not_tried_again() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let tokens = world.tokens(|_| answer(400, r#"{"error":"invalid_grant"}"#));
    for _ in 0..3 {
        let error = get(&tokens, &memory).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(error.report().contains("Log in again"), "{}", error.report());
        world.turn_to(world.now().as_unix() + 10_000);
    }
    assert_eq!(world.requests(), 1);
    assert_eq!(value(&memory.record(), fields::REFRESH_TOKEN), "refresh-1");
    // A new login counts at once.
    let record = expired().with(fields::REFRESH_TOKEN, Field::secret("refresh-9"));
    memory.put(record);
    get(&tokens, &memory).unwrap_err();
    assert_eq!(world.requests(), 2);
}

#[test]
fn a_token_that_someone_else_stored_meanwhile_is_used() {
    for refused in [true, false] {
        let (world, memory) = (World::new(), Arc::new(Memory::with(expired())));
        let other = Arc::clone(&memory);
        let later = Some(Timestamp::from_unix(2_000_000));
        let tokens = world.tokens(move |_| {
            let token = Field::secret("access-9").with_expires(later);
            let record = expired().with(fields::ACCESS_TOKEN, token);
            other.put(record.with(fields::REFRESH_TOKEN, Field::secret("refresh-9")));
            if refused { answer(400, r#"{"error":"invalid_grant"}"#) } else { unreachable() }
        });
        let record = get(&tokens, &memory).unwrap();
        assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-9");
        assert_eq!(memory.record(), record, "nothing was written over the new login");
    }
}

#[test]
fn a_store_that_cannot_be_written_costs_no_token() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    memory.make_read_only();
    let tokens = world.tokens(rotating(3600));
    assert_eq!(get(&tokens, &memory).unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(world.requests(), 0);
}

#[test]
fn the_record_is_in_doubt_while_the_server_is_asked_and_is_tried_again() {
    let (world, memory) = (World::new(), Arc::new(Memory::with(expired())));
    let seen = Arc::clone(&memory);
    let tokens = world.tokens(move |_| {
        assert_eq!(RefreshState::read(&seen.record()), RefreshState::InDoubt);
        answer(200, r#"{"access_token":"access-2","expires_in":60}"#)
    });
    memory.put(RefreshState::InDoubt.write(expired()));
    let record = get(&tokens, &memory).unwrap();
    assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-2");
    assert_eq!(value(&record, fields::REFRESH_TOKEN), "refresh-1", "the server did not replace it");
}

#[test]
fn a_token_that_is_still_good_is_returned_if_the_server_is_down() {
    let later = Some(Timestamp::from_unix(1_000_030));
    let due = expired().with(fields::ACCESS_TOKEN, Field::secret("access-1").with_expires(later));
    let (world, memory) = (World::new(), Memory::with(due));
    let tokens = world.tokens(|_| unreachable());
    for _ in 0..3 {
        assert_eq!(value(&get(&tokens, &memory).unwrap(), fields::ACCESS_TOKEN), "access-1");
    }
    assert_eq!(world.requests(), 1);
    world.turn_to(1_000_030);
    assert_eq!(get(&tokens, &memory).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_new_refresh_token_is_stored_even_if_the_access_token_is_unusable() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let tokens = world.tokens(|_| {
        answer(200, r#"{"access_token":"a\r\nb","refresh_token":"refresh-2","expires_in":60}"#)
    });
    let error = get(&tokens, &memory).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(value(&memory.record(), fields::REFRESH_TOKEN), "refresh-2");
    get(&tokens, &memory).unwrap_err();
    assert_eq!(world.requests(), 1, "the server is not asked again at once");
}

#[test]
fn a_rejected_token_is_replaced_once() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let tokens = world.tokens(rotating(3600));
    get(&tokens, &memory).unwrap();
    for (rejected, now, requests) in
        [("access-2", "access-3", 2), ("access-2", "access-3", 2), ("access-3", "access-4", 3)]
    {
        let rejected = Secret::from(rejected);
        let record = tokens.get(&memory, &id(), Wanted::OtherThan(&rejected)).unwrap();
        assert_eq!((value(&record, fields::ACCESS_TOKEN), world.requests()), (now, requests));
    }
    let record = tokens.get(&memory, &id(), Wanted::New).unwrap();
    assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-5");
}

#[test]
fn without_a_grant_a_token_is_used_until_it_ends() {
    let mut record = expired();
    record.fields.remove(fields::REFRESH_TOKEN);
    let (world, memory) = (World::new(), Memory::with(record));
    let tokens = world.tokens(|_| panic!("a request was sent"));
    let error = get(&tokens, &memory).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.message(), "the access token has expired, and there is no refresh token");
    world.turn_to(999_998);
    assert_eq!(value(&get(&tokens, &memory).unwrap(), fields::ACCESS_TOKEN), "access-1");
}

#[test]
fn a_lease_is_kept_while_the_server_is_asked() {
    let (world, memory) = (World::new(), Arc::new(Memory::with(expired())));
    memory.make_lease();
    let seen = Arc::clone(&memory);
    let tokens = world.tokens(move |_| {
        while seen.renewals() < 3 {
            thread::sleep(Duration::from_millis(1));
        }
        answer(200, r#"{"access_token":"access-2"}"#)
    });
    let record = get(&tokens.renewing_every(Duration::from_millis(1)), &memory).unwrap();
    assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-2");
}

#[test]
fn a_record_whose_end_is_that_of_its_token_recovers() {
    let past = Some(Timestamp::from_unix(1));
    let (world, memory) = (World::new(), Memory::with(expired().with_expires(past)));
    let tokens = world.tokens(rotating(3600));
    for _ in 0..3 {
        assert_eq!(value(&get(&tokens, &memory).unwrap(), fields::ACCESS_TOKEN), "access-2");
    }
    assert_eq!((world.requests(), memory.record().expires), (1, None));
}

#[test]
fn tokens_that_come_after_their_record_was_removed_are_revoked() {
    for can_revoke in [true, false] {
        let mut record = expired();
        if can_revoke {
            record = record.with(fields::REVOCATION_URL, Field::open("https://as.example/revoke"));
        }
        let (world, memory) = (World::new(), Arc::new(Memory::with(record)));
        let (removed, revoked) = (Arc::clone(&memory), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&revoked);
        let tokens = world.tokens(move |request| match request.uri().path() {
            "/revoke" => {
                let body = request.body().expose_str().unwrap();
                seen.lock().unwrap().push(body.split('&').next().unwrap().to_owned());
                answer(503, "")
            }
            _ => {
                removed.update(&id(), &mut |_| Ok(Change::Remove)).unwrap();
                answer(200, r#"{"access_token":"access-2","refresh_token":"refresh-2"}"#)
            }
        });
        assert!(get(&tokens, &memory).unwrap_err().is_miss());
        let expected: &[&str] =
            if can_revoke { &["token=refresh-2", "token=access-2"] } else { &[] };
        assert_eq!(*revoked.lock().unwrap(), expected);
    }
}

#[test]
fn a_token_that_has_ended_when_it_comes_is_asked_for_once_each_time() {
    let (world, memory) = (World::new(), Memory::with(expired()));
    let tokens = world.tokens(|_| answer(200, r#"{"access_token":"access-2","expires_in":0}"#));
    for requests in 1..=3 {
        let record = get(&tokens, &memory).unwrap();
        assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-2");
        assert_eq!(world.requests(), requests);
        assert!(!Tokens::is_good(&memory.record(), world.now()));
    }
}
