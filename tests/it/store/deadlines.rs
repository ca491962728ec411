//! An operation ends when its time is over, even if a backend is slow.

use std::time::{Duration, Instant};

use keyward::{Credentials, ErrorKind, NewStore, within};
use keyward_core::{SecretRef, Value, Values};

use crate::helpers::home::Home;
use crate::helpers::scripted_storage;

#[test]
fn a_store_makes_no_call_of_a_slow_storage_after_the_deadline() {
    let home = Home::new();
    let library = scripted_storage::library(&home);
    let key = SecretRef { from: "file".into(), options: Values::new() };
    library.init_store(&NewStore { key: Some(key), ..NewStore::named("store").unwrap() }).unwrap();
    let store = library.store("store").unwrap();
    for number in 0..40 {
        let id = store.entry(Some(&format!("user-{number}")), None).unwrap();
        store.set_credentials(&id, &Credentials::new("ann", "1")).unwrap();
    }
    let (delay, limit) = (Duration::from_millis(20), Duration::from_millis(200));
    scripted_storage::delay_reads(delay);
    scripted_storage::take_reads();
    let error = within(limit, || store.rotate(|_| {})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("the time for the operation is over"), "{error}");
    // Each read that began before the deadline took at least `delay`.
    let reads = scripted_storage::take_reads();
    assert!(reads <= 11, "{reads}");
    scripted_storage::delay_reads(Duration::ZERO);
    store.rotate(|_| {}).unwrap();
    assert_eq!(store.verify(None, |_, _| {}).unwrap().good, 40);
}

#[test]
fn a_key_source_that_runs_a_program_ends_it_at_the_deadline() {
    let home = Home::new();
    let library = home.library();
    let hang = home.path("hang");
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let script = format!("test -e '{}' && sleep 600; echo {key}", hang.display());
    let command = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
    let options =
        Values::new().with("argv", Value::List(command)).with("timeout", Value::Number(3600));
    let key = SecretRef { from: "command".into(), options };
    library.init_store(&NewStore { key: Some(key), ..NewStore::named("store").unwrap() }).unwrap();
    std::fs::write(&hang, "").unwrap();
    let store = home.library().store("store").unwrap();
    let started = Instant::now();
    let error = within(Duration::from_millis(300), || store.check_key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(started.elapsed() < Duration::from_secs(300), "it was not ended");
}
