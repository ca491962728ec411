//! Time limits: how long the host waits for a child.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{
    ErrorKind, Expect, Host, Level, Loaded, Prompt, Put, Result, Secret, SecretRef, Timestamp,
};
use keyward_testkit::TestHost;

use crate::child::{Script, ann};
use crate::life::Answering;

/// A host that calls this function for each message of the log.
struct Hearing<F>(F);

impl<F> fmt::Debug for Hearing<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hearing")
    }
}

impl<F: Fn() + Send + Sync> Host for Hearing<F> {
    fn secret(&self, _: &SecretRef) -> Result<Loaded> {
        unreachable!()
    }

    fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
        unreachable!()
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn log(&self, _: Level, _: fmt::Arguments<'_>) {
        (self.0)();
    }

    fn remaining(&self) -> Option<Duration> {
        None
    }
}

/// Waits until this is true, up to a limit.
fn until(is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() && started.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_caller_without_time_does_not_wait_until_others_have_written() {
    let mut script = Script::named("a_caller_without_time_does_not_wait_until_others_have_written");
    script.command = script.command.call_timeout(Duration::from_secs(5));
    let hurried = Arc::new(TestHost::new().within(Duration::from_millis(100)));
    let (hurried, patient) = (script.storage_for(&hurried).unwrap(), script.storage());
    thread::scope(|scope| {
        let put = scope.spawn(|| {
            // More than the pipe holds.
            patient.put(&ann(), &vec![7; 1 << 20], &Put::expecting(Expect::Any))
        });
        thread::sleep(Duration::from_millis(200));
        let error = hurried.get(&ann()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().ends_with("did not answer in the time that remained"), "{error}");
        fs::write(script.beside("child.py.go"), "").unwrap();
        put.join().unwrap().unwrap();
    });
}

#[test]
fn an_answer_of_the_host_is_not_lost_however_much_is_asked() {
    let script = Script::named("an_answer_of_the_host_is_not_lost_however_much_is_asked");
    let (asked, is_enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (asking, enough) = (asked.clone(), is_enough.clone());
    let slow = Arc::new(Answering(move || {
        asking.fetch_add(1, Ordering::SeqCst);
        until(|| enough.load(Ordering::SeqCst));
        Ok("".into())
    }));
    let storage = script.storage_for(&slow).unwrap();
    thread::scope(|scope| {
        let get = scope.spawn(|| storage.get(&ann()));
        until(|| asked.load(Ordering::SeqCst) == 64);
        // Another thread writes, so that no answer can be written at once.
        let put =
            scope.spawn(|| storage.put(&ann(), &vec![7; 1 << 20], &Put::expecting(Expect::Any)));
        thread::sleep(Duration::from_millis(200));
        fs::write(script.beside("child.py.go"), "").unwrap();
        let get = get.join().unwrap();
        is_enough.store(true, Ordering::SeqCst);
        get.unwrap();
        put.join().unwrap().unwrap();
    });
}

#[test]
fn an_answer_that_arrived_in_time_is_accepted() {
    let script = Script::named("an_answer_that_arrived_in_time_is_accepted");
    let (go, patience) = (script.beside("child.py.go"), Duration::from_millis(1500));
    // As long as this host hears, it reads nothing.
    let slow = Arc::new(Hearing(move || {
        fs::write(&go, "").unwrap();
        thread::sleep(patience + Duration::from_millis(500));
    }));
    script.storage_for(&slow).unwrap().get(&ann()).unwrap();
}

#[test]
fn an_answer_that_was_not_read_in_time_is_accepted() {
    let script = Script::named("an_answer_that_was_not_read_in_time_is_accepted");
    let hurried = Arc::new(TestHost::new().within(Duration::from_millis(100)));
    let (hurried, patient) = (script.storage_for(&hurried).unwrap(), script.storage());
    assert!(hurried.get(&ann()).is_err());
    fs::write(script.beside("child.py.go"), "").unwrap();
    thread::sleep(Duration::from_millis(1600));
    patient.get(&ann()).unwrap();
}

/// The script takes longer than the limit of calls without a deadline, which is 1.5 s.
const SLOW: &str = "
hello()
time.sleep(WAIT_OPEN)
opened(read())
m = read()
time.sleep(WAIT_GET)
answer(m, blob=b'late')
answer(read())
";

fn slow(open: &str, get: &str) -> Script {
    Script::new(&SLOW.replace("WAIT_OPEN", open).replace("WAIT_GET", get))
}

#[test]
fn a_call_may_take_as_long_as_its_operation() {
    let unhurried = Arc::new(TestHost::new().within(Duration::from_secs(60)));
    let script = slow("2", "2");
    assert_eq!(script.storage_for(&unhurried).unwrap().get(&ann()).unwrap().blob, b"late");
}

#[test]
fn a_call_ends_with_its_operation() {
    let script = slow("0", "60");
    let host = Arc::new(TestHost::new().within(Duration::from_secs(3)));
    let storage = script.storage_for(&host).unwrap();
    let started = Instant::now();
    let error = storage.get(&ann()).unwrap_err();
    assert!(error.message().ends_with("did not answer in the time that remained"), "{error}");
    assert!(started.elapsed() >= Duration::from_secs(3));
    // The child has used up both limits, so the next caller does not wait for it.
    let error = storage.get(&ann()).unwrap_err();
    assert!(error.message().ends_with("did not answer within 3 s"), "{error}");
    script.is_gone();
}

#[test]
fn without_a_deadline_a_call_has_the_usual_limit() {
    for (open, get) in [("60", "0"), ("0", "60")] {
        let script = slow(open, get);
        let error = script.storage_for(&Arc::new(TestHost::new()));
        let error = error.and_then(|storage| storage.get(&ann())).unwrap_err();
        assert!(error.message().ends_with("did not answer within 1.5 s"), "{error}");
        script.is_gone();
    }
}
