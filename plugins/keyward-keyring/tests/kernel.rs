//! The keyring backends on the kernel's keyrings.
//!
//! A process can use keys only within a session keyring, and joining a new one is for the process that
//! starts it: this program starts itself again under `keyctl session -`. It is its own harness,
//! for under cargo's each test would have to do so.
#![expect(clippy::print_stderr, reason = "a harness tells what it does")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};

use keyward_keyring::{Keyring, KeyringKey};
use keyward_plugin::{Value, Values};
use keyward_testkit::{Case, Scratch, Subject, TestHost, key, storage};
use sha2::{Digest, Sha256};

const INSIDE: &str = "inside-a-session-keyring";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some(INSIDE) {
        return start_again();
    }
    let failed = run(storage::CASES, || storage::linked::<Keyring>(storage_values, host))
        + run(key::CASES, || key::linked::<KeyringKey>(key_values, host));
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

/// How many cases failed.
fn run<T: ?Sized>(cases: &[(&str, Case<T>)], subject: impl Fn() -> Subject<T>) -> usize {
    let passes = |case: &Case<T>| catch_unwind(AssertUnwindSafe(|| case(&subject()))).is_ok();
    let failed: Vec<_> =
        cases.iter().filter(|(_, case)| !passes(case)).map(|(name, _)| *name).collect();
    eprintln!("{} of {} cases pass; failed: {failed:?}", cases.len() - failed.len(), cases.len());
    failed.len()
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
