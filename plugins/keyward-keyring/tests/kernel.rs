//! The keyring backends on the kernel's keyrings.
//!
//! A process can use keys only within a session keyring, and joining a new one is for the process that
//! starts it: this program starts itself again under `keyctl session -`. It is its own harness,
//! for under cargo's each test would have to do so.
#![expect(clippy::print_stderr, reason = "a harness tells what it does")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};

use keyward_keyring::{Keyring, KeyringKey};
use keyward_plugin::{Key, KeyId, Storage, Value, Values};
use keyward_testkit::{Case, Scratch, Subject, TestHost, key, storage};
use sha2::{Digest, Sha256};

/// It takes more keys than the 200 of an ordinary user. Names reach the kernel as hashes alone,
/// and the Secret Service is held to this case.
const TOO_MANY: &str = "hostile_names_stay_themselves";

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

/// No backend here may cost anything before it is used; only a process without a test harness
/// has no threads to start with.
fn opening_starts_no_thread() {
    let scratch = Scratch::new();
    let id = Value::Text(own_id(&scratch));
    let storage = storage::linked::<Keyring>(|_| Values::new().with("store", id.clone()), host);
    let key = key::linked::<KeyringKey>(|_| Values::new(), host);
    let _opened = (storage.open(), key.open());
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux shows threads").count();
    assert_eq!(threads, 1);
}

/// How many cases failed. What they leave would count against the quota of whoever runs this,
/// and stay in the user's persistent keyring.
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

/// 32 hexadecimal digits that no other scratch place has.
fn own_id(scratch: &Scratch) -> String {
    let digest = Sha256::digest(scratch.path(""));
    digest[..16].iter().map(|byte| format!("{byte:02x}")).collect()
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
