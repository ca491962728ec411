//! The keyring backends on a real Secret Service: a headless GNOME Keyring on a private bus.
#![expect(clippy::unwrap_used, reason = "a helper that fails panics, as every test does")]

#[path = "secret_service/session.rs"]
mod session;

use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use keyward_keyring::{Keyring, KeyringKey};
use keyward_plugin::{
    Backend, EntryId, ErrorKind, Expect, Host, Key, KeyId, Options, Ownership, Put, Query, Storage,
    Value, Values,
};
use keyward_testkit::{Scratch, TestHost};
use session::Session;
use sha2::{Digest, Sha256};

keyward_testkit::storage_suite!(Keyring, |scratch| storage_values(scratch, unlocked()));
keyward_testkit::processes_suite!(Keyring, |scratch| storage_values(scratch, &bus(scratch)));
keyward_testkit::key_suite!(KeyringKey, |scratch| key_values(scratch, unlocked()));

/// The bus that all processes with this folder share. The first one starts the session.
fn bus(scratch: &Scratch) -> String {
    let file = scratch.path("bus");
    std::fs::read_to_string(&file).unwrap_or_else(|_| {
        scratch.file("bus", unlocked().as_bytes());
        unlocked().to_owned()
    })
}

/// Returns the bus of the session that all tests share which leave the keyring open.
fn unlocked() -> &'static str {
    static SESSION: OnceLock<Session> = OnceLock::new();
    &SESSION.get_or_init(Session::unlocked).bus
}

/// Returns 32 hexadecimal digits that no other scratch folder has.
fn own_id(scratch: &Scratch) -> String {
    let digest = Sha256::digest(scratch.path(""));
    keyward_plugin::hex::encode(&digest[..16])
}

fn storage_values(scratch: &Scratch, bus: &str) -> Values {
    Values::new()
        .with("bus", Value::Text(bus.to_owned()))
        .with("store", Value::Text(own_id(scratch)))
        .with("state", Value::Text(scratch.path("state")))
}

fn key_values(scratch: &Scratch, bus: &str) -> Values {
    Values::new()
        .with("bus", Value::Text(bus.to_owned()))
        .with("item", Value::Text(format!("keyward-key-{}", own_id(scratch))))
        .with("state", Value::Text(scratch.path("state")))
}

fn open<B: Backend>(values: Values, host: TestHost) -> B {
    let values = values.complete(B::Options::TABLE).unwrap();
    let host: Arc<dyn Host> = Arc::new(host);
    B::open(B::Options::read(&values).unwrap(), &host).unwrap()
}

fn ann() -> EntryId {
    EntryId::new("ann", Some("work")).unwrap()
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

/// Returns what the real `secret-tool` prints on both outputs.
fn secret_tool(bus: &str, arguments: &[&str]) -> String {
    let output = Command::new("secret-tool")
        .args(arguments)
        .env("DBUS_SESSION_BUS_ADDRESS", bus)
        .output()
        .expect("secret-tool is installed (libsecret-tools)");
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn secret_tool_shows_an_entry_without_its_name() {
    let scratch = Scratch::new();
    let storage: Keyring = open(storage_values(&scratch, unlocked()), TestHost::new());
    storage.put(&ann(), b"sealed", &any()).unwrap();
    let store = own_id(&scratch);
    let shown =
        secret_tool(unlocked(), &["search", "--all", "service", "keyward", "store", &store]);
    assert!(shown.contains(&format!("attribute.username = {store}:")), "{shown}");
    assert!(shown.contains(&format!("label = keyward {store}:")), "{shown}");
    // The secret may be of several lines.
    let (before, rest) = shown.split_once("\nsecret = ").expect("it has a secret");
    let (_, after) = rest.rsplit_once("\ncreated = ").expect("it has a time");
    assert!(
        [before, after].iter().all(|it| !it.contains("ann") && !it.contains("work")),
        "{shown}"
    );

    storage.delete(&ann(), &Expect::Any).unwrap();
    let shown = secret_tool(unlocked(), &["search", "--all", "store", &store]);
    assert!(!shown.contains(&store), "{shown}");
}

#[test]
fn secret_tool_and_the_key_source_share_secrets() {
    let scratch = Scratch::new();
    let id = KeyId::new(&[7; 16]).unwrap();
    let source: KeyringKey = open(key_values(&scratch, unlocked()), TestHost::new());
    let made = source.create(&id).unwrap();
    let service = format!("keyward-key-{}", own_id(&scratch));
    let shown =
        secret_tool(unlocked(), &["lookup", "service", &service, "username", &id.to_string()]);
    let encoded = keyward_plugin::encode_key(made.key.expose());
    assert_eq!(shown, encoded.expose_str().unwrap());

    let supplied = key_values(&scratch, unlocked()).with("user", Value::Text(id.to_string()));
    let source: KeyringKey = open(supplied, TestHost::new());
    let other = KeyId::new(&[8; 16]).unwrap();
    assert_eq!(source.load(&other, &[]).unwrap().secret, encoded);
    assert_eq!(source.create(&other).unwrap().ownership, Ownership::Supplied);
}

/// Under a name that the user chose, another store may find the key and use it.
#[test]
fn a_key_under_another_name_than_its_id_stays() {
    let scratch = Scratch::new();
    let values = key_values(&scratch, unlocked()).with("user", Value::Text("shared".into()));
    let source: KeyringKey = open(values, TestHost::new());
    let id = KeyId::new(&[7; 16]).unwrap();
    let created = source.create(&id).unwrap();
    assert_eq!(created.ownership, Ownership::Supplied);
    for parameters in [&created.parameters[..], b"made", b""] {
        source.delete(&id, parameters).unwrap();
        assert_eq!(source.load(&id, &created.parameters).unwrap().secret, created.key);
    }
}

#[test]
fn a_key_under_its_id_goes_without_parameters() {
    let scratch = Scratch::new();
    let source: KeyringKey = open(key_values(&scratch, unlocked()), TestHost::new());
    let id = KeyId::new(&[7; 16]).unwrap();
    assert_eq!(source.create(&id).unwrap().ownership, Ownership::Made);
    source.delete(&id, &[]).unwrap();
    assert_eq!(source.load(&id, &[]).unwrap_err().kind(), ErrorKind::NoKey);
}

#[test]
fn a_damaged_item_is_corrupt_and_the_others_are_listed() {
    let scratch = Scratch::new();
    let storage: Keyring = open(storage_values(&scratch, unlocked()), TestHost::new());
    let bob = EntryId::new("bob", None).unwrap();
    storage.put(&ann(), b"sealed", &any()).unwrap();
    storage.put(&bob, b"sealed", &any()).unwrap();
    let store = own_id(&scratch);
    let hash = keyward_plugin::hex::encode(&Sha256::digest(ann().to_bytes())[..16]);
    // GNOME Keyring identifies an item by its attributes, so this is the same item.
    let script = format!(
        "printf damaged | secret-tool store --label=x service keyward username {store}:{hash} store {store}"
    );
    secret_tool(
        unlocked(),
        &["clear", "service", "keyward", "username", &format!("{store}:{hash}")],
    );
    let done = Command::new("sh")
        .args(["-c", &script])
        .env("DBUS_SESSION_BUS_ADDRESS", unlocked())
        .status()
        .unwrap();
    assert!(done.success());
    assert_eq!(storage.get(&ann()).unwrap_err().kind(), ErrorKind::Corrupt);
    for limit in [1, 100] {
        let mut query = Query::default().with_limit(limit);
        let page = storage.list(&query).unwrap();
        assert_eq!(page.entries, std::slice::from_ref(&bob));
        query.cursor = page.next;
        let mut rest = storage.list(&query);
        while let Ok(page) = rest {
            assert!(page.entries.is_empty());
            query.cursor = Some(page.next.expect("the damaged item is told in the end"));
            rest = storage.list(&query);
        }
        assert_eq!(rest.unwrap_err().kind(), ErrorKind::Corrupt);
    }
    storage.put(&ann(), b"mended", &any()).unwrap();
    assert_eq!(storage.get(&ann()).unwrap().blob, b"mended");
}

#[test]
fn without_a_bus_it_is_unavailable_at_once() {
    let started = Instant::now();
    let scratch = Scratch::new();
    let nowhere = format!("unix:path={}", scratch.path("bus"));
    let mut nobody = storage_values(&scratch, &nowhere);
    for host in [TestHost::new(), TestHost::new().variable("XDG_RUNTIME_DIR", scratch.path(""))] {
        let storage: Keyring = open(nobody.clone(), host);
        let error = storage.get(&ann()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.advice().is_some());
        let error = storage.put(&ann(), b"blob", &any()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        nobody.remove("bus");
    }
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_locked_keyring_is_locked_without_a_prompt() {
    let session = Session::locked();
    let scratch = Scratch::new();
    let started = Instant::now();
    let storage: Keyring = open(storage_values(&scratch, &session.bus), TestHost::new());
    let source: KeyringKey = open(key_values(&scratch, &session.bus), TestHost::new());
    let id = KeyId::new(&[7; 16]).unwrap();
    for error in [
        storage.get(&ann()).unwrap_err(),
        storage.put(&ann(), b"blob", &any()).unwrap_err(),
        storage.delete(&ann(), &Expect::Any).unwrap_err(),
        storage.list(&Default::default()).unwrap_err(),
        source.create(&id).unwrap_err(),
        source.load(&id, &[]).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[test]
fn an_entry_of_a_locked_keyring_is_not_a_miss() {
    let session = Session::unlocked();
    let scratch = Scratch::new();
    let storage: Keyring = open(storage_values(&scratch, &session.bus), TestHost::new());
    storage.put(&ann(), b"sealed", &any()).unwrap();
    session.lock();
    for error in [
        storage.get(&ann()).unwrap_err(),
        storage.get(&EntryId::new("bob", None).unwrap()).unwrap_err(),
        storage.put(&ann(), b"other", &any()).unwrap_err(),
        storage.list(&Default::default()).unwrap_err(),
        storage.destroy().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Locked, "{error:?}");
    }
}

#[test]
fn a_service_that_hangs_is_unavailable_when_the_time_is_over() {
    let session = Session::unlocked();
    let scratch = Scratch::new();
    let patient = TestHost::new().within(Duration::from_millis(300));
    let storage: Keyring = open(storage_values(&scratch, &session.bus), patient);
    storage.put(&ann(), b"sealed", &any()).unwrap();
    session.stop();
    let started = Instant::now();
    let error = storage.get(&ann()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    session.go_on();
    let eager: Keyring = open(storage_values(&scratch, &session.bus), TestHost::new());
    assert_eq!(eager.get(&ann()).unwrap().blob, b"sealed");
}
