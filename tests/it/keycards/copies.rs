//! Copies of a server with one store act as one, also when they are killed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::server::{Copy, home};
use crate::helpers::home::Home;

fn shared() -> Home {
    let home = home("keycards = 'cards'");
    let init = "init cards --storage sqlite --option key.from=file";
    home.keyward(init).run().ends(0);
    home
}

#[test]
fn a_keycard_and_its_revocation_are_those_of_all_copies() {
    let home = shared();
    let (one, two) = (Copy::start(&home, "one-"), Copy::start(&home, "two-"));
    let id = one.log_in().unwrap();
    assert_eq!(two.check(&id), Some(true));
    two.keycards("revoke --user ann").run().ends(0).says("revoked 1 keycard");
    assert_eq!(one.check(&id), Some(false), "{}", one.log());
    let ended = one.call("confirm", &json!({"ids": [id]}));
    assert_eq!(ended, Some(json!({})));
    // Failures count everywhere: the limit for ann is reached with both.
    let wrong = json!({
        "presented": {"kind": "password", "user": "ann", "fields": {"password": "wrong"}},
        "request": {"attempt": {"address": "192.0.2.9", "private": true}},
    });
    let waits = (0..40).any(|number| {
        let copy = if number % 2 == 0 { &one } else { &two };
        copy.call("authenticate", &wrong).unwrap().get("retry_after").is_some()
    });
    assert!(waits, "{}", one.log());
}

/// How often a copy is killed.
const KILLS: u64 = 100;

#[test]
fn what_was_revoked_stays_revoked_and_what_lives_survives_a_hundred_kills() {
    let home = shared();
    let (mut live, mut dead) = (Vec::new(), Vec::new());
    let steady = Copy::start(&home, "steady-");
    for round in 0..KILLS {
        let copy = Copy::start(&home, "killed-");
        let calls = AtomicU64::new(0);
        let (made, revoked) = thread::scope(|scope| {
            let work = scope.spawn(|| log_in_and_revoke(&copy, &calls));
            // At another moment each time, between calls and in them.
            while calls.load(Ordering::SeqCst) < round % 8 && !work.is_finished() {
                thread::yield_now();
            }
            thread::sleep(Duration::from_micros(round * 7919 % 5_000));
            copy.kill();
            work.join().unwrap()
        });
        for id in &made {
            assert_eq!(steady.check(id), Some(true), "round {round}: {}", steady.log());
        }
        for id in &revoked {
            assert_eq!(steady.check(id), Some(false), "round {round}: {}", steady.log());
        }
        live.extend(made);
        dead.extend(revoked);
    }
    assert!(live.len() > 10 && dead.len() > 10, "{} {}", live.len(), dead.len());
    let again = Copy::start(&home, "again-");
    assert!(live.iter().all(|id| again.check(id) == Some(true)));
    assert!(dead.iter().all(|id| again.check(id) == Some(false)));
}

/// Logs ann in until the copy is dead, and takes every second keycard back. Returns the keycards that
/// live, and those that were certainly taken back. It counts the calls that were answered.
fn log_in_and_revoke(copy: &Copy<'_>, calls: &AtomicU64) -> (Vec<String>, Vec<String>) {
    let (mut live, mut dead) = (Vec::new(), Vec::new());
    while let Some(id) = copy.log_in() {
        calls.fetch_add(1, Ordering::SeqCst);
        if live.len() <= dead.len() {
            live.push(id);
        } else if copy.call("revoke", &json!({"id": id})).is_some() {
            calls.fetch_add(1, Ordering::SeqCst);
            dead.push(id);
        }
    }
    (live, dead)
}
