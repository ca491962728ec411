//! The contract of every key source.

use std::time::{Duration, Instant};

use keyward_core::{Created, ErrorKind, Key, KeyId, Ownership, Secret};

use crate::Subject;
use crate::check::{fails, hides};

cases! {
    $
    /// Tests a key source: `key_suite!(FileKey, |scratch| Values::new()…)`.
    key_suite for Key in key:
    load_gives_what_create_gave,
    a_key_for_stores_is_32_bytes,
    parameters_are_there_and_small,
    load_of_a_missing_key_makes_nothing,
    create_overwrites_nothing,
    a_new_key_is_another_one,
    delete_removes_what_was_made,
    delete_keeps_what_was_supplied,
    delete_without_parameters_keeps_what_was_supplied,
    rewrap_gives_parameters_of_the_same_key,
    hostile_parameters_are_errors,
    a_source_without_its_secret_gives_none,
    debug_shows_no_secret,
}

/// Nothing has to be removed after a case.
pub(crate) const CLEAN_UP: Option<fn(&dyn Key)> = None;

const NOT_MADE: &str = "it makes no keys that it holds";

fn id(byte: u8) -> KeyId {
    KeyId::new(&[byte; 16]).unwrap()
}

#[track_caller]
fn same(one: &Secret, other: &Secret) {
    assert!(one == other, "it is another secret");
}

/// A secret can be loaded with the parameters of its `create`, also by another instance.
pub fn load_gives_what_create_gave(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let Created { key, parameters, .. } = source.create(&id(1)).unwrap();
    same(&source.load(&id(1), &parameters).unwrap(), &key);
    drop(source);
    same(&subject.open().load(&id(1), &parameters).unwrap(), &key);
}

/// The secret that `create` returns can wrap a keyset.
pub fn a_key_for_stores_is_32_bytes(subject: &Subject<dyn Key>) {
    assert_eq!(subject.open().create(&id(1)).unwrap().key.len(), 32);
}

/// Parameters are at most 1 KiB, and never empty, since empty ones request the secret as it was
/// supplied.
pub fn parameters_are_there_and_small(subject: &Subject<dyn Key>) {
    let length = subject.open().create(&id(1)).unwrap().parameters.len();
    assert!((1..=1024).contains(&length), "they are {length} bytes");
}

/// `load` of a key that was never made returns `NoKey`, also the second time.
pub fn load_of_a_missing_key_makes_nothing(subject: &Subject<dyn Key>) {
    let made = subject.open().create(&id(1)).unwrap();
    if made.ownership != Ownership::Made {
        return subject.pass_over(NOT_MADE);
    }
    let source = subject.open();
    source.delete(&id(1), &made.parameters).unwrap();
    for parameters in [&made.parameters[..], &[], &made.parameters[..]] {
        fails(source.load(&id(1), parameters), &[ErrorKind::NoKey]);
    }
    assert_eq!(source.create(&id(1)).unwrap().ownership, Ownership::Made, "load made a key");
}

/// A second `create` returns the existing key or fails; in both cases that key is kept.
pub fn create_overwrites_nothing(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let first = source.create(&id(1)).unwrap();
    match source.create(&id(1)) {
        Ok(second) => {
            assert!(second.ownership != Ownership::Made, "it says that it made a key that existed");
            // A derived key may have a new salt each time; then the parameters differ.
            if second.parameters == first.parameters {
                same(&second.key, &first.key);
            }
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Exists),
    }
    let _ = source.create(&id(2));
    same(&source.load(&id(1), &first.parameters).unwrap(), &first.key);
}

/// A key that is made after another one was deleted is not the same key.
pub fn a_new_key_is_another_one(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let first = source.create(&id(1)).unwrap();
    if first.ownership != Ownership::Made {
        return subject.pass_over(NOT_MADE);
    }
    let _ = source.delete(&id(1), &first.parameters);
    let second = source.create(&id(1)).unwrap();
    assert!(
        second.ownership != Ownership::Made || second.key != first.key,
        "two keys are the same"
    );
}

/// A key that `create` made is gone after `delete`.
pub fn delete_removes_what_was_made(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let Created { ownership, parameters, .. } = source.create(&id(1)).unwrap();
    if ownership != Ownership::Made {
        return subject.pass_over(NOT_MADE);
    }
    source.delete(&id(1), &parameters).unwrap();
    fails(source.load(&id(1), &parameters), &[ErrorKind::NoKey]);
}

/// A key that `create` found is still there after `delete`.
pub fn delete_keeps_what_was_supplied(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let Created { key, ownership, parameters, .. } = source.create(&id(1)).unwrap();
    if ownership == Ownership::Made {
        return subject.pass_over("it makes its keys");
    }
    // It may return an error when it leaves a key in place, or not.
    let _ = source.delete(&id(1), &parameters);
    same(&source.load(&id(1), &parameters).unwrap(), &key);
}

/// A key that `create` found still exists after `delete` without parameters, which a store calls if
/// they were lost or altered.
pub fn delete_without_parameters_keeps_what_was_supplied(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let Created { key, ownership, parameters, .. } = source.create(&id(1)).unwrap();
    if ownership == Ownership::Made {
        return subject.pass_over("it makes its keys");
    }
    source.delete(&id(1), &[]).unwrap();
    same(&source.load(&id(1), &parameters).unwrap(), &key);
}

/// `rewrap`, if there is one, returns other parameters for the same key; the old ones keep working.
pub fn rewrap_gives_parameters_of_the_same_key(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let Created { key, parameters, .. } = source.create(&id(1)).unwrap();
    let rewrapped = match source.rewrap(&id(1), &parameters) {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            return subject.pass_over("it wraps no keys");
        }
        rewrapped => rewrapped.unwrap(),
    };
    assert!((1..=1024).contains(&rewrapped.len()), "they are {} bytes", rewrapped.len());
    assert!(rewrapped != parameters, "they are the same parameters");
    for parameters in [parameters, rewrapped] {
        same(&source.load(&id(1), &parameters).unwrap(), &key);
    }
}

/// Parameters that `create` did not return are errors, and `load` refuses them quickly.
pub fn hostile_parameters_are_errors(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let Created { parameters, .. } = source.create(&id(1)).unwrap();
    let mut hostile: Vec<Vec<u8>> =
        (1..parameters.len()).map(|len| parameters[..len].to_vec()).collect();
    hostile.extend([0, b'{', 0x7f, 0xff].map(|byte| vec![byte; parameters.len()]));
    hostile.extend([[&parameters[..], &[0]].concat(), vec![0; 1 << 20], vec![0xff; 1 << 20]]);
    let started = Instant::now();
    for parameters in hostile {
        assert!(
            source.load(&id(1), &parameters).is_err(),
            "{} hostile bytes are taken for parameters",
            parameters.len()
        );
    }
    assert!(started.elapsed() < Duration::from_secs(5), "refusing takes too long");
}

/// If the host has no secret, the error is `NoKey` or `Locked`.
pub fn a_source_without_its_secret_gives_none(subject: &Subject<dyn Key>) {
    let Created { key, parameters, .. } = subject.open().create(&id(1)).unwrap();
    let found = subject.open_alone().and_then(|source| source.load(&id(1), &parameters));
    match found {
        Ok(found) => same(&found, &key),
        Err(_) => drop(fails(found, &[ErrorKind::NoKey, ErrorKind::Locked])),
    }
}

/// Neither `Debug` nor the log shows a secret.
pub fn debug_shows_no_secret(subject: &Subject<dyn Key>) {
    let source = subject.open();
    let created = source.create(&id(1)).unwrap();
    let supplied = source.load(&id(1), &[]);
    let shown = format!("{source:?} {created:?} {:?}", subject.host().log());
    hides(&shown, created.key.expose());
    let supplied = supplied.as_ref().map(|loaded| &loaded.secret);
    for secret in subject.host().given().iter().chain(supplied) {
        hides(&shown, secret.expose());
    }
}
