use std::thread;
use std::time::{Duration, SystemTime};

use keyward_core::{Expect, Put, Query, Storage, Timestamp};

use super::{any, entry, holds, new};
use crate::Subject;

/// Sets the clock of the host to the system's time, and returns the time in a second from now.
///
/// A storage may ask the host for the time, or let its service compare it with another clock.
fn soon(subject: &Subject<dyn Storage>) -> Timestamp {
    let soon = Timestamp::from_unix(now().as_unix() + 1);
    subject.host().set_now(now());
    soon
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a service compares with the real time")]
    SystemTime::now().into()
}

/// Waits until that time is over for all clocks.
fn wait(subject: &Subject<dyn Storage>) {
    thread::sleep(Duration::from_millis(2300));
    subject.host().set_now(now());
}

/// A put without an expiry replaces one with an expiry for ever.
pub fn a_put_without_an_expiry_lifts_it(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let id = entry("ann", "");
    let expiring = Put::expecting(Expect::Any).expiring(Some(soon(subject)));
    storage.put(&id, b"for a moment", &expiring).unwrap();
    storage.put(&id, b"for ever", &any()).unwrap();
    wait(subject);
    holds(&*storage, &id, b"for ever");
}

/// A storage that forgets an entry when it expires does not list it any more, and the entry can be
/// made again.
pub fn an_expired_entry_is_not_in_the_way(subject: &Subject<dyn Storage>) {
    let storage = subject.open();
    let (id, other) = (entry("ann", ""), entry("ann", "other"));
    storage.put(&other, b"other", &any()).unwrap();
    let expiring = Put::expecting(Expect::Any).expiring(Some(soon(subject)));
    storage.put(&id, b"for a moment", &expiring).unwrap();
    wait(subject);
    match storage.get(&id) {
        Ok(_) => return subject.pass_over("it keeps entries that have expired"),
        Err(error) => assert!(error.is_miss(), "{error:?}"),
    }
    if storage.abilities().lists {
        assert_eq!(storage.list(&Query::default()).unwrap().entries, [other]);
    }
    assert!(storage.delete(&id, &Expect::Any).unwrap_err().is_miss());
    storage.put(&id, b"again", &new(&*storage)).unwrap();
    holds(&*storage, &id, b"again");
}
