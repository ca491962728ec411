//! Faults of the server, of the network and of the configuration.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_plugin::{
    Backend, EntryId, Error, ErrorKind, Expect, Host, LockMode, Network, Operation, Options,
    Persistence, Put, Query, Result, Storage, Value, Values,
};
use keyward_storage_redis::Redis;
use keyward_testkit::{Scratch, TestHost};

use crate::proxy::Proxy;
use crate::server::{PASSWORD, Server, USER, make_tls};
use crate::{host, values};

/// What only a put sends.
const PUT: &[u8] = b"done:";

fn open(values: Values, host: TestHost) -> Result<Redis> {
    let host: Arc<dyn Host> = Arc::new(host);
    let values = values.complete(<Redis as Backend>::Options::TABLE)?;
    Redis::open(Options::read(&values)?, &host)
}

fn storage_at(url: &str) -> Redis {
    open(values(url, "test"), host()).unwrap()
}

fn ann() -> EntryId {
    EntryId::new("ann", Some("work")).unwrap()
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, words: &str) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    let shown = format!("{error} {}", error.advice().unwrap_or_default());
    assert!(shown.contains(words), "{shown}");
    assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
    error
}

#[test]
fn a_wrong_password_is_unauthorized() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let wrong = open(values(&server.url(), "test"), TestHost::new().secret("made-up", "wrong"));
    fails(wrong.unwrap().get(&ann()), ErrorKind::Unauthorized, "option");
    let none = open(values(&server.url(), "test"), TestHost::new()).unwrap();
    assert_ne!(none.get(&ann()).unwrap_err().kind(), ErrorKind::NotFound);
    let mut anonymous = values(&server.url(), "test");
    anonymous.remove("password");
    anonymous.remove("user");
    fails(open(anonymous, host()).unwrap().get(&ann()), ErrorKind::Unauthorized, "password");
}

#[test]
fn what_the_user_may_not_do_is_refused() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let elsewhere = values(&server.url(), "test").with("prefix", Value::Text("other:".into()));
    let storage = open(elsewhere, host()).unwrap();
    fails(storage.get(&ann()), ErrorKind::Refused, "NOPERM");
    fails(storage.put(&ann(), b"1", &any()), ErrorKind::Refused, "NOPERM");
}

#[test]
fn a_server_that_keeps_less_than_promised_is_refused() {
    let folder = Scratch::new();
    for (lines, persistence, refused) in [
        ("", "durable", None),
        ("appendonly no\n", "durable", Some("appendonly")),
        ("appendfsync everysec\n", "durable", Some("appendfsync")),
        ("appendonly no\n", "session", None),
        ("maxmemory 100mb\nmaxmemory-policy allkeys-lru\n", "session", Some("evicts")),
        ("maxmemory 100mb\nmaxmemory-policy volatile-ttl\n", "durable", Some("evicts")),
        ("maxmemory 100mb\nmaxmemory-policy allkeys-lru\n", "cache", None),
        ("maxmemory 100mb\nmaxmemory-policy noeviction\n", "durable", None),
    ] {
        let server = Server::start(folder.folder(), lines);
        let values = values(&server.url(), "test");
        let values = values.with("persistence", Value::Text(persistence.into()));
        let storage = open(values, host()).unwrap();
        let level = storage.abilities().persistence;
        assert_eq!(level == Persistence::Durable, persistence == "durable");
        match refused {
            Some(words) => drop(fails(storage.get(&ann()), ErrorKind::Refused, words)),
            None => assert!(storage.get(&ann()).unwrap_err().is_miss(), "{lines}"),
        }
    }
}

#[test]
fn a_full_server_keeps_the_old_blob() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let storage = storage_at(&server.url());
    storage.put(&ann(), b"old", &any()).unwrap();
    assert_eq!(server.admin(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    fails(storage.put(&ann(), b"new", &any()), ErrorKind::Full, "OOM");
    assert_eq!(storage.get(&ann()).unwrap().blob, b"old");
}

#[test]
fn foreign_values_are_corrupt_and_other_keys_stay() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let storage = storage_at(&server.url());
    storage.put(&ann(), b"1", &any()).unwrap();
    let (bob, carol) = ("keyward:test:entry:bob\\x00", "keyward:test:entry:carol\\x00");
    let eval = |script: &str| server.admin(&["EVAL", script, "0"]);
    eval(&format!("return redis.call('SET', \"{bob}\", 'hunter2')").replace("\\x00", "\\0"));
    eval(&format!("return redis.call('LPUSH', \"{carol}\", 'x')").replace("\\x00", "\\0"));
    let id = |user| EntryId::new(user, None).unwrap();
    fails(storage.get(&id("bob")), ErrorKind::Corrupt, "did not write");
    fails(storage.get(&id("carol")), ErrorKind::Corrupt, "WRONGTYPE");
    let many = storage.get_many(&[ann(), id("bob"), id("dora")]).unwrap();
    let kinds: Vec<_> = many.into_iter().map(|it| it.map_err(|error| error.kind()).err()).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Corrupt), Some(ErrorKind::NotFound)]);
    let conflict = storage.put(&id("bob"), b"1", &Put::expecting(Expect::Absent));
    fails(conflict, ErrorKind::Conflict, "");

    server.admin(&["SET", "keyward:test2:entry:x", "another store's"]);
    storage.destroy().unwrap();
    let left = server.admin(&["KEYS", "*entry*"]);
    assert!(left.contains("bob") && left.contains("carol") && left.contains("test2"), "{left}");
    assert!(!left.contains("ann"), "{left}");
}

#[test]
fn the_server_removes_an_expired_entry() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let host = Arc::new(host());
    let storage = storage_at(&server.url());
    let soon = host.now().after(Duration::from_secs(1));
    storage.put(&ann(), b"1", &any().expiring(Some(soon))).unwrap();
    let other = EntryId::new("ann", None).unwrap();
    storage.put(&other, b"1", &any().expiring(Some(soon))).unwrap();
    storage.put(&other, b"2", &any()).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while storage.get(&ann()).is_ok() {
        assert!(Instant::now() < until, "it does not expire");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(storage.list(&Query::default()).unwrap().entries, [other]);
    assert_eq!(server.admin(&["ZCARD", "keyward:test:index"]), "1");
    storage.put(&ann(), b"3", &Put::expecting(Expect::Absent)).unwrap();
}

#[test]
fn a_change_whose_answer_is_lost_is_made_once() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let proxy = Proxy::new(server.port);
    let storage = storage_at(&format!("redis://127.0.0.1:{}", proxy.port));
    // From now on, the server has the script.
    let first = storage.put(&ann(), b"1", &Put::expecting(Expect::Absent)).unwrap();
    proxy.cut(PUT, 1);
    let second = storage.put(&ann(), b"2", &Put::expecting(Expect::Revision(first))).unwrap();
    assert_eq!(storage.get(&ann()).unwrap().revision(), second);
    proxy.cut(PUT, 1);
    storage.delete(&ann(), &Expect::Revision(second)).unwrap();
    assert!(storage.get(&ann()).unwrap_err().is_miss());
    proxy.cut(PUT, 1);
    storage.put(&ann(), b"3", &Put::expecting(Expect::Absent)).unwrap();
    let bob = EntryId::new("bob", None).unwrap();
    proxy.cut(PUT, 1);
    let bulk = storage.abilities().bulk.unwrap();
    let changes = [
        Operation::Delete(&ann(), Expect::Any),
        Operation::Put(&bob, b"4", Put::expecting(Expect::Absent)),
    ];
    let revisions = bulk.apply(&changes).unwrap();
    assert_eq!(revisions, [None, Some(storage.get(&bob).unwrap().revision())]);
    assert!(storage.get(&ann()).unwrap_err().is_miss());
}

#[test]
fn after_an_answer_that_is_held_back_the_old_or_the_new_blob_is_there() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let proxy = Proxy::new(server.port);
    let slow = values(&format!("redis://127.0.0.1:{}", proxy.port), "test");
    let storage =
        open(slow.with("timeout", Value::Duration(Duration::from_secs(1))), host()).unwrap();
    storage.put(&ann(), b"old", &any()).unwrap();
    proxy.hold_back(PUT, 1);
    let started = Instant::now();
    fails(storage.put(&ann(), b"new", &any()), ErrorKind::Unavailable, "in time");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(storage.get(&ann()).unwrap().blob, b"new", "the server got it");
}

#[test]
fn a_stopped_server_costs_no_more_than_the_time_that_is_left() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let brief = host().within(Duration::from_millis(300));
    let storage = open(values(&server.url(), "test"), brief).unwrap();
    storage.put(&ann(), b"1", &any()).unwrap();
    server.signal("STOP");
    let started = Instant::now();
    fails(storage.get(&ann()), ErrorKind::Unavailable, "in time");
    fails(storage.put(&ann(), b"2", &any()), ErrorKind::Unavailable, "in time");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    server.signal("CONT");
    assert!([&b"1"[..], b"2"].contains(&&*storage.get(&ann()).unwrap().blob));
}

#[test]
fn a_server_that_was_killed_has_what_it_acknowledged() {
    let folder = Scratch::new();
    let mut server = Server::start(folder.folder(), "");
    let storage = storage_at(&server.url());
    for round in 0..3_u8 {
        let revision = storage.put(&ann(), &[round], &any()).unwrap();
        server = server.start_again();
        let stored = storage.get(&ann()).unwrap();
        assert_eq!((stored.blob.as_slice(), stored.revision()), (&[round][..], revision));
    }
    drop(server);
    fails(storage.get(&ann()), ErrorKind::Unavailable, "connection");
}

#[test]
fn a_connection_that_was_closed_is_replaced() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let storage = storage_at(&server.url());
    for round in 0..3_u8 {
        storage.put(&ann(), &[round], &any()).unwrap();
        server.admin(&["CLIENT", "KILL", "USER", USER]);
        assert_eq!(storage.get(&ann()).unwrap().blob, [round]);
    }
}

#[test]
fn a_lock_whose_holder_is_gone_ends_and_is_lost_for_the_holder() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let (one, other) = (storage_at(&server.url()), storage_at(&server.url()));
    let (one, other) = (one.abilities().locks.unwrap(), other.abilities().locks.unwrap());
    let [short, long] = [300, 60_000].map(Duration::from_millis);
    let mut lost = one.lock(&ann(), LockMode::Exclusive, Duration::ZERO, short).unwrap();
    lost.renew(short).unwrap();
    let mut held = other.lock(&ann(), LockMode::Shared, Duration::from_secs(10), long).unwrap();
    fails(lost.renew(long), ErrorKind::Conflict, "lost");
    drop(lost);
    held.renew(long).unwrap();
    let mut second = one.lock(&ann(), LockMode::Shared, Duration::ZERO, short).unwrap();
    std::thread::sleep(short);
    // The lock is as long as its longest lease.
    fails(one.lock(&ann(), LockMode::Exclusive, Duration::ZERO, long), ErrorKind::Locked, "");
    fails(second.renew(long), ErrorKind::Conflict, "lost");
    drop(held);
    one.lock(&ann(), LockMode::Exclusive, Duration::ZERO, long).unwrap();
}

#[test]
fn tls_trusts_the_authority_in_the_file_and_no_other() {
    let (folder, elsewhere) = (Scratch::new(), Scratch::new());
    let server = Server::start(folder.folder(), make_tls(folder.folder()));
    make_tls(elsewhere.folder());
    let with =
        |network: Network| open(values(&server.url(), "test"), host().network(network)).unwrap();
    let trusting = |scratch: &Scratch| {
        let mut network = Network::default();
        network.root_files = vec![scratch.path("ca.pem")];
        with(network)
    };
    let storage = trusting(&folder);
    storage.put(&ann(), b"1", &any()).unwrap();
    assert_eq!(storage.get(&ann()).unwrap().blob, b"1");
    fails(trusting(&elsewhere).get(&ann()), ErrorKind::Unavailable, "certificate");
    fails(with(Network::default()).get(&ann()), ErrorKind::Invalid, "network.ca_file");
    let trusted = Scratch::new();
    std::fs::copy(folder.path("ca.pem"), trusted.path("authority.pem")).unwrap();
    let mut network = Network::default();
    network.root_folders = vec![trusted.path("")];
    assert_eq!(with(network).get(&ann()).unwrap().blob, b"1");
    let clear = storage_at(&server.url().replace("rediss", "redis"));
    assert_eq!(clear.get(&ann()).unwrap_err().kind(), ErrorKind::Unavailable);
}

#[test]
fn a_password_that_was_changed_is_asked_for_again() {
    let folder = Scratch::new();
    let server = Server::start(folder.folder(), "");
    let host = Arc::new(host());
    let values =
        values(&server.url(), "test").complete(<Redis as Backend>::Options::TABLE).unwrap();
    let as_host: Arc<dyn Host> = Arc::<TestHost>::clone(&host);
    let storage = Redis::open(Options::read(&values).unwrap(), &as_host).unwrap();
    storage.put(&ann(), b"1", &any()).unwrap();
    assert_eq!(host.given().len(), 1);
    server.admin(&["CLIENT", "KILL", "USER", USER]);
    storage.get(&ann()).unwrap();
    assert_eq!(host.given().len(), 1, "a new connection uses the same password");
    server.admin(&["ACL", "SETUSER", USER, "resetpass", ">another"]);
    server.admin(&["CLIENT", "KILL", "USER", USER]);
    fails(storage.get(&ann()), ErrorKind::Unauthorized, "password");
    assert_eq!(host.given().len(), 2, "the host was asked again");
}

#[test]
fn a_url_with_a_password_or_without_verification_is_refused() {
    for (url, words) in [
        ("redis://keyward:hunter2@127.0.0.1", "options `user` and `password`"),
        ("rediss://127.0.0.1#insecure", "not verified"),
        ("http://127.0.0.1", "not the URL"),
        ("", "not the URL"),
    ] {
        let error = fails(open(values(url, "test"), host()), ErrorKind::Invalid, words);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
