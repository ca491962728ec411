//! Backends that run as a child process.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, LazyLock};

use keyward_core::{
    EntryId, Expect, Host, Key, Loaded, Put, Registration, Role, SecretRef, Storage, Value, Values,
};
use keyward_loader::process::{Command, Programs};
use keyward_testkit::{Scratch, TestHost};

use super::backends::*;
use super::linked;

/// Owns the children of this process, which end with it.
static PROGRAMS: LazyLock<Programs> = LazyLock::new(Programs::new);

/// Returns the backend, provided by a child of this process.
pub(super) fn running(backend: super::Backend) -> Registration {
    let child = Command::new(env!("CARGO_BIN_EXE_child")).argument(linked(backend).package);
    run_backend(backend, &child)
}

/// Returns the backend, provided by this program.
pub(super) fn run_backend(backend: super::Backend, program: &Command) -> Registration {
    // A backend may request only the variables that its program may see.
    let backends = PROGRAMS.run(&program.clone().variable("WORK_KEY", "its own")).unwrap();
    let found =
        backends.into_iter().find(|it| (it.role(), it.info.name) == (backend.role, backend.name));
    found.unwrap()
}

parity!(running);

fn memory() -> Box<dyn Storage> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    running(MEMORY).open(&Values::new(), &host).unwrap()
}

#[test]
fn large_blobs_cross_side_by_side() {
    let storage = memory();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let storage = &storage;
            scope.spawn(move || {
                let id = EntryId::new("ann", Some(&thread.to_string())).unwrap();
                for round in 0..3 {
                    let blob = vec![thread ^ round; keyward_core::MAX_BLOB];
                    storage.put(&id, &blob, &Put::expecting(Expect::Any)).unwrap();
                    assert!(storage.get(&id).unwrap().blob == blob);
                }
            });
        }
    });
}

#[test]
fn a_call_that_waits_lets_others_pass() {
    use keyward_core::LockMode::Exclusive;
    use std::time::{Duration, Instant};

    let scratch = Scratch::new();
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let storage = running(FILE).open::<dyn Storage>(&(FILE.values)(&scratch), &host).unwrap();
    let (locks, ttl) = (storage.abilities().locks.unwrap(), Duration::from_secs(60));
    let id = EntryId::new("ann", None).unwrap();
    let guard = locks.lock(&id, Exclusive, Duration::ZERO, ttl).unwrap();
    std::thread::scope(|scope| {
        let started = Instant::now();
        let waiting =
            scope.spawn(|| locks.lock(&id, Exclusive, Duration::from_secs(20), ttl).map(drop));
        for _ in 0..50 {
            storage.put(&id, b"blob", &Put::expecting(Expect::Any)).unwrap();
        }
        assert!(!waiting.is_finished(), "{:?}", started.elapsed());
        drop(guard);
        waiting.join().unwrap().unwrap();
        assert!(started.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn a_secret_may_come_from_the_child_that_asks_for_it() {
    /// A host that gets its secrets from a key source in the same child.
    #[derive(Debug)]
    struct Circular(Box<dyn Key>, TestHost);

    impl Host for Circular {
        fn secret(&self, _: &SecretRef) -> keyward_core::Result<Loaded> {
            self.0.load(&keyward_core::KeyId::default(), &[])
        }

        fn prompt(
            &self,
            prompt: &keyward_core::Prompt<'_>,
        ) -> keyward_core::Result<keyward_core::Secret> {
            self.1.prompt(prompt)
        }

        fn variable(&self, name: &str) -> Option<keyward_core::Secret> {
            Host::variable(&self.1, name)
        }

        fn now(&self) -> keyward_core::Timestamp {
            self.1.now()
        }

        fn log(&self, level: keyward_core::Level, message: std::fmt::Arguments<'_>) {
            Host::log(&self.1, level, message);
        }

        fn remaining(&self) -> Option<std::time::Duration> {
            None
        }
    }

    let notebook = xtask::root().join("docs/examples/notebook.py");
    let backends = PROGRAMS.run(&Command::new(notebook)).unwrap();
    let derived = backends.iter().find(|it| it.role() == Role::Key).unwrap();
    let reference = SecretRef { from: "vault".into(), options: Values::new() };
    let values = Values::new().with("secret", Value::Secret(reference));
    let vault: Arc<dyn Host> = Arc::new(TestHost::new().secret("vault", "secret"));
    let inner = derived.open::<dyn Key>(&values, &vault).unwrap();
    let outer: Arc<dyn Host> = Arc::new(Circular(inner, TestHost::new()));
    let outer = derived.open::<dyn Key>(&values, &outer).unwrap();
    assert_eq!(outer.load(&keyward_core::KeyId::default(), &[]).unwrap().len(), 32);
}

/// A socket works too, although it cannot be opened again by a path.
#[test]
fn a_host_may_speak_over_sockets() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let theirs = OwnedFd::from(theirs);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_child"))
        .arg("keyward-storage-memory")
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs)
        .spawn()
        .unwrap();
    let hello =
        b"\xa3\x62id\x01\x64call\x65hello\x69arguments\xa2\x68protocol\x67keyward\x65major\x01";
    ours.write_all(&[&(hello.len() as u32).to_be_bytes(), &hello[..]].concat()).unwrap();
    ours.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    ours.read_to_end(&mut answer).unwrap();
    assert!(answer.windows(6).any(|window| window == b"memory"), "{answer:x?}");
    assert!(child.wait().unwrap().success());
}
