use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_testkit::core::{Created, Error, ErrorKind, Host, Key, KeyId, Loaded, Result, Secret};
use keyward_testkit::key::CASES;
use keyward_testkit::{Scratch, Subject, TestHost};

use crate::{catches_all, failing};
use Fault::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    ForgetsOnReopen,
    MakesShortKeys,
    HasNoParameters,
    MakesKeysOnLoad,
    Overwrites,
    MakesTheSameKey,
    DeletesNothing,
    TakesAnyParameters,
    DawdlesOverParameters,
    ShowsKeys,
    /// Not a fault: the key is supplied.
    Supplied,
    SuppliedAndDeletesIt,
    SuppliedAndDeletesItWithoutParameters,
    SuppliedAndMissingIsCorrupt,
    /// Not a fault: the key is in the parameters, wrapped.
    Wraps,
    RewrapsAnotherKey,
    RewrapsNothing,
}

#[test]
fn correct_key_sources_pass() {
    assert_eq!(failing(CASES, || subject(None)), [].into());
    assert_eq!(failing(CASES, || subject(Some(Supplied))), [].into());
    assert_eq!(failing(CASES, || subject(Some(Wraps))), [].into());
}

#[test]
fn every_faulty_key_source_is_caught() {
    let table: &[crate::Fault<'_, Fault>] = &[
        (
            ForgetsOnReopen,
            &["load_gives_what_create_gave", "a_source_without_its_secret_gives_none?"],
        ),
        (MakesShortKeys, &["a_key_for_stores_is_32_bytes"]),
        (HasNoParameters, &["parameters_are_there_and_small", "hostile_parameters_are_errors"]),
        (MakesKeysOnLoad, &["load_of_a_missing_key_makes_nothing", "delete_removes_what_was_made"]),
        (Overwrites, &["create_overwrites_nothing"]),
        (MakesTheSameKey, &["a_new_key_is_another_one"]),
        (DeletesNothing, &["delete_removes_what_was_made", "load_of_a_missing_key_makes_nothing"]),
        (TakesAnyParameters, &["hostile_parameters_are_errors"]),
        (DawdlesOverParameters, &["hostile_parameters_are_errors"]),
        (ShowsKeys, &["debug_shows_no_secret"]),
        (
            SuppliedAndDeletesIt,
            &[
                "delete_keeps_what_was_supplied",
                "delete_without_parameters_keeps_what_was_supplied",
            ],
        ),
        (
            SuppliedAndDeletesItWithoutParameters,
            &["delete_without_parameters_keeps_what_was_supplied"],
        ),
        (SuppliedAndMissingIsCorrupt, &["a_source_without_its_secret_gives_none"]),
        (RewrapsAnotherKey, &["rewrap_gives_parameters_of_the_same_key"]),
        (RewrapsNothing, &["rewrap_gives_parameters_of_the_same_key"]),
    ];
    catches_all(CASES, subject, table);
}

type Keys = Arc<Mutex<BTreeMap<KeyId, Secret>>>;

fn subject(fault: Option<Fault>) -> Subject<dyn Key> {
    let keys = Keys::default();
    let deleted = Arc::default();
    let host = TestHost::new().variable("KEY", &[3; 32][..]);
    Subject::<dyn Key>::new(Scratch::new(), host, move |host| {
        let keys = if fault == Some(ForgetsOnReopen) { Keys::default() } else { keys.clone() };
        Ok(Box::new(Source { keys, deleted: Arc::clone(&deleted), host: host.clone(), fault }))
    })
}

/// Makes keys in memory, or takes one from a variable; correct except for its fault.
struct Source {
    keys: Keys,
    deleted: Arc<Mutex<bool>>,
    host: Arc<dyn Host>,
    fault: Option<Fault>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")?;
        if self.has(ShowsKeys) {
            for key in self.keys.lock().unwrap().values() {
                write!(f, " {:?}", key.expose())?;
            }
        }
        Ok(())
    }
}

const PARAMETERS: &[u8] = b"parameters";

impl Source {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn supplies(&self) -> bool {
        matches!(
            self.fault,
            Some(
                Supplied
                    | SuppliedAndDeletesIt
                    | SuppliedAndDeletesItWithoutParameters
                    | SuppliedAndMissingIsCorrupt
            )
        )
    }

    fn wraps(&self) -> bool {
        matches!(self.fault, Some(Wraps | RewrapsAnotherKey | RewrapsNothing))
    }

    fn supplied(&self) -> Result<Secret> {
        let missing = match self.fault {
            Some(SuppliedAndMissingIsCorrupt) => ErrorKind::Corrupt,
            _ => ErrorKind::NoKey,
        };
        let key = self.host.variable("KEY").filter(|_| !*self.deleted.lock().unwrap());
        key.ok_or_else(|| Error::new(missing, "load"))
    }

    fn make(&self) -> Secret {
        let key = Scratch::new().folder().as_os_str().as_encoded_bytes().to_vec();
        let mut key: Vec<u8> = key.into_iter().rev().chain(0..32).take(32).collect();
        if self.has(MakesTheSameKey) {
            key.fill(b'k');
        }
        key.truncate(if self.has(MakesShortKeys) { 31 } else { 32 });
        Secret::new(key)
    }
}

impl Key for Source {
    fn create(&self, id: &KeyId) -> Result<Created> {
        let parameters = if self.has(HasNoParameters) { &[] } else { PARAMETERS }.to_vec();
        if self.supplies() {
            return Ok(Created::supplied(self.supplied()?, parameters));
        }
        if self.wraps() {
            let key = self.make();
            let parameters = wrap(key.expose(), 1);
            return Ok(Created::kept(key, parameters));
        }
        let mut keys = self.keys.lock()?;
        if let Some(key) = keys.get(id)
            && !self.has(Overwrites)
        {
            return Ok(Created::supplied(key.clone(), parameters));
        }
        let key = self.make();
        keys.insert(id.clone(), key.clone());
        Ok(Created::made(key, parameters))
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        if self.wraps() {
            return unwrap(parameters).map(Loaded::from);
        }
        let known = parameters.is_empty() || parameters == PARAMETERS;
        if !known && self.has(DawdlesOverParameters) {
            std::thread::sleep(Duration::from_millis(400));
        }
        if !known && !self.has(TakesAnyParameters) {
            return Err(Error::corrupt("load"));
        }
        if self.supplies() {
            return self.supplied().map(Loaded::from);
        }
        if self.has(MakesKeysOnLoad) {
            return Ok(self.create(id)?.key.into());
        }
        let keys = self.keys.lock()?;
        let key = keys.get(id).cloned().map(Loaded::from);
        key.ok_or_else(|| Error::new(ErrorKind::NoKey, "load"))
    }

    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()> {
        let without = self.has(SuppliedAndDeletesItWithoutParameters) && parameters.is_empty();
        if self.has(SuppliedAndDeletesIt) || without {
            *self.deleted.lock()? = true;
        }
        if !self.has(DeletesNothing) {
            self.keys.lock()?.remove(id);
        }
        Ok(())
    }

    fn rewrap(&self, _: &KeyId, parameters: &[u8]) -> Result<Vec<u8>> {
        if !self.wraps() {
            return Err(Error::new(ErrorKind::Unsupported, "rewrap"));
        }
        let key = unwrap(parameters)?;
        Ok(match self.fault {
            Some(RewrapsAnotherKey) => wrap(&[7; 32], 2),
            Some(RewrapsNothing) => parameters.to_vec(),
            _ => wrap(key.expose(), 2),
        })
    }
}

/// Hides a key as a key service would: with the version of the wrapping key, and a check sum.
fn wrap(key: &[u8], version: u8) -> Vec<u8> {
    let mut wrapped = vec![version];
    wrapped.extend(key.iter().map(|byte| byte ^ version));
    wrapped.push(sum(&wrapped));
    wrapped
}

fn unwrap(parameters: &[u8]) -> Result<Secret> {
    match parameters {
        [] => Err(Error::new(ErrorKind::NoKey, "load")),
        [version @ (1 | 2), key @ .., check]
            if key.len() == 32 && *check == sum(&parameters[..33]) =>
        {
            Ok(Secret::new(key.iter().map(|byte| byte ^ version).collect()))
        }
        _ => Err(Error::corrupt("load")),
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_mul(3).wrapping_add(*byte))
}
