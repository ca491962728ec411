//! Refreshes race with rotations of the store's keys, and outlast a lease.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::thread::scope;
use std::time::Duration;

use keyward::{Keyward, NewStore};
use keyward_core::{Expect, SecretRef, Values};
use keyward_kinds::fields;
use keyward_oauth2::Wanted;
use keyward_tests::unlocked;

use super::once::{self, expired};
use super::server::Rotating;
use crate::helpers::home::{Home, STORAGES};
use crate::helpers::program::keyward;

/// A program that refreshes the token so many times.
const REFRESH: &str = r#"
for time in $(seq "$2"); do "$1" oauth refresh s --name api >/dev/null || exit 1; done
"#;

#[test]
fn a_rotation_and_a_retirement_of_keys_lose_no_token() {
    for storage in STORAGES {
        let server = Rotating::start(Duration::from_millis(5));
        let home = once::home(&server, storage);
        let start = |_| {
            let mut shell = home.command("sh");
            shell.args(["-c", REFRESH, "sh"]).arg(keyward()).arg("30").stdin(Stdio::null());
            shell.stdout(Stdio::null()).spawn().unwrap()
        };
        let mut refreshing: Vec<Child> = (0..3).map(start).collect();
        let mut rounds = 0;
        while refreshing.iter_mut().any(|process| process.try_wait().unwrap().is_none()) {
            for line in ["store rotate s", "store rotate s --retire"] {
                home.keyward(line).run().ends(0);
            }
            rounds += 1;
        }
        for mut process in refreshing {
            assert!(process.wait().unwrap().success(), "{storage}");
        }
        assert!(rounds > 0);
        let store = home.store("s");
        let record = store.get(&store.entry(None, Some("api")).unwrap()).unwrap();
        let stored = record.field(fields::REFRESH_TOKEN).unwrap().value.expose_str();
        // The server would have revoked all tokens if an old one had come.
        assert_eq!(stored, server.newest().as_deref(), "{storage}");
        assert!(server.requests() >= 30, "{storage}");
    }
}

/// A storage without locks, where a lease of 30 seconds is what keeps the others out.
#[test]
fn a_lease_is_renewed_while_a_server_takes_longer_than_it_lasts() {
    let server = Rotating::start(Duration::from_secs(40));
    let home = Home::in_memory();
    let library = || home.library().with_backends(unlocked::registry().unwrap());
    make(&library(), &server);
    let token = || {
        let keyward = library();
        let store = keyward.store("s").unwrap();
        let id = store.entry(None, Some("api")).unwrap();
        let record = keyward.tokens().unwrap().get(&*store, &id, Wanted::Good).unwrap();
        record.field(fields::ACCESS_TOKEN).unwrap().value.expose_str().unwrap().to_owned()
    };
    let tokens: BTreeSet<_> = scope(|threads| {
        let started: Vec<_> = (0..20).map(|_| threads.spawn(token)).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(tokens, BTreeSet::from(["access-1".to_owned()]));
    assert_eq!(server.requests(), 1);
}

/// Makes the store, with an expired token.
fn make(keyward: &Keyward, server: &Rotating) {
    let key = Some(SecretRef { from: "file".into(), options: Values::new() });
    let new = NewStore { storage: Some("unlocked".into()), key, ..NewStore::named("s").unwrap() };
    keyward.init_store(&new).unwrap();
    let store = keyward.store("s").unwrap();
    let id = store.entry(None, Some("api")).unwrap();
    store.put(&id, &expired(server), Expect::Any).unwrap();
}
