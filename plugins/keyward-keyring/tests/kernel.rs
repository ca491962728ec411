//! The keyring backends on the kernel's keyrings.
//!
//! A process can use keys only within a session keyring, and the process that starts it must join a
//! new one. So this program starts itself again under `keyctl session -`. It has no test harness of
//! cargo's, since under one each test would have to do that.
#![expect(clippy::print_stderr, reason = "a harness tells what it does")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};

use keyward_keyring::{Keyring, KeyringKey};
use keyward_plugin::{Key, KeyId, Storage, Value, Values};
use keyward_testkit::{Case, Scratch, Subject, TestHost, key, storage};
use sha2::{Digest, Sha256};

/// It needs more keys than the 200 of an ordinary user. Names reach the kernel only as hashes, and
/// the test with the Secret Service runs this case.
const TOO_MANY: &str = "hostile_names_are_kept_exactly";

const INSIDE: &str = "inside-a-session-keyring";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some(INSIDE) {
        return start_again();
    }
    opening_starts_no_thread();
    let failed = run(storage::CASES, storage_subject, |storage| drop(storage.destroy()))
        + run(key::CASES, key_subject, |source| {
            for byte in [1, 2] {
                let id = KeyId::new(&[byte; 16]).expect("16 bytes are an id");
                let _ = source.delete(&id, b"made");
            }
        });
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn start_again() -> ExitCode {
    let this = std::env::current_exe().expect("a program knows where it is");
    let status = Command::new("keyctl")
        .args(["session", "-"])
        .arg(this)
        .arg(INSIDE)
        .status()
        .expect("keyctl is installed (keyutils)");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A backend must cost nothing before it is used. Only a process without a test harness starts
/// without threads.
fn opening_starts_no_thread() {
    let scratch = Scratch::new();
    let id = Value::Text(own_id(&scratch));
    let storage = storage::linked::<Keyring>(|_| Values::new().with("store", id.clone()), host);
    let key = key::linked::<KeyringKey>(|_| Values::new(), host);
    let _opened = (storage.open(), key.open());
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux shows threads").count();
    assert_eq!(threads, 1);
}

/// Returns how many cases failed. Keys that a case leaves behind would count against the quota of
/// the user who runs this, and stay in the user's persistent keyring.
fn run<T: ?Sized>(
    cases: &[(&str, Case<T>)],
    subject: impl Fn() -> Subject<T>,
    clear: impl Fn(&T),
) -> usize {
    let passes = |case: &Case<T>| {
        let subject = subject();
        let passed = catch_unwind(AssertUnwindSafe(|| case(&subject))).is_ok();
        clear(&*subject.open());
        passed
    };
    let failed: Vec<_> = cases
        .iter()
        .filter(|(name, _)| *name != TOO_MANY)
        .filter(|(_, case)| !passes(case))
        .map(|(name, _)| *name)
        .collect();
    eprintln!("{} cases; failed: {failed:?}", cases.len());
    failed.len()
}

fn storage_subject() -> Subject<dyn Storage> {
    storage::linked::<Keyring>(storage_values, host)
}

fn key_subject() -> Subject<dyn Key> {
    key::linked::<KeyringKey>(key_values, host)
}

fn host(_: &Scratch) -> TestHost {
    TestHost::new()
}

/// Returns 32 hexadecimal digits that no other scratch folder has.
fn own_id(scratch: &Scratch) -> String {
    let digest = Sha256::digest(scratch.path(""));
    keyward_plugin::hex::encode(&digest[..16])
}

fn storage_values(scratch: &Scratch) -> Values {
    values(scratch).with("store", Value::Text(own_id(scratch)))
}

fn key_values(scratch: &Scratch) -> Values {
    values(scratch).with("item", Value::Text(format!("keyward-key-{}", own_id(scratch))))
}

fn values(scratch: &Scratch) -> Values {
    Values::new()
        .with("service", Value::Text("keyutils".to_owned()))
        .with("state", Value::Text(scratch.path("state")))
}
