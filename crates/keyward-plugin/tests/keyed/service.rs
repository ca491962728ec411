//! A key–value service in memory, with the limits that real ones have.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use keyward_plugin::keyed::{Condition, Item, KeyValue, Service, first_after};
use keyward_plugin::{
    Backend, Error, ErrorKind, Host, Info, Persistence, Result, Sharing, options,
};

/// Long keys, and deletes on a condition.
pub(super) const PLAIN: u8 = 0;
/// Keys of 64 bytes, and small values.
pub(super) const SHORT_KEYS: u8 = 1;
/// No conditions for deletes, and versions that start at 1 again after one.
pub(super) const UNCONDITIONAL: u8 = 2;

options! {
    /// Which service it is.
    pub struct Place {
        /// A name that all instances on the same service have.
        pub place: String,
    }
}

/// A service.
#[derive(Clone)]
pub(super) struct Map<const KIND: u8> {
    shared: Arc<Mutex<Shared>>,
    prefix: &'static str,
}

#[derive(Default)]
struct Shared {
    /// The version and the value of each key.
    values: BTreeMap<String, (u64, Vec<u8>)>,
    writes: u64,
    gets: usize,
    faults: VecDeque<Fault>,
}

/// What the service does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// It makes the change, and the answer is lost.
    Done,
    /// It does not get the request.
    NotDone,
    /// It ignores where a list starts; this fault stays.
    ListsTheSame,
}

/// All services of this process.
static SERVICES: Mutex<BTreeMap<String, Arc<Mutex<Shared>>>> = Mutex::new(BTreeMap::new());

impl<const KIND: u8> Map<KIND> {
    pub(super) fn fail_next(&self, faults: &[Fault]) {
        self.shared.lock().unwrap().faults = faults.iter().copied().collect();
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.shared.lock().unwrap().values.keys().cloned().collect()
    }

    pub(super) fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.shared.lock().unwrap().values.get(key).map(|(_, value)| value.clone())
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) {
        self.shared.lock().unwrap().values.insert(key.to_owned(), (0, value.to_vec()));
    }

    pub(super) fn gets(&self) -> usize {
        self.shared.lock().unwrap().gets
    }

    pub(super) fn with_long_prefix(self) -> Self {
        Self { prefix: "a-prefix-that-is-too-long-", ..self }
    }
}

impl<const KIND: u8> Backend for Map<KIND> {
    const INFO: Info = Info::new("map", "A map in memory, for tests");
    type Options = Place;

    fn open(options: Place, _: &Arc<dyn Host>) -> Result<Self> {
        let shared = SERVICES.lock()?.entry(options.place).or_default().clone();
        Ok(Self { shared, prefix: "keyward-1-" })
    }
}

impl<const KIND: u8> KeyValue for Map<KIND> {
    fn service(&self) -> Service {
        let service = |longest_key| {
            Service::new(self.prefix, longest_key)
                .persistence(Persistence::Session)
                .sharing(Sharing::Machine)
        };
        match KIND {
            SHORT_KEYS => service(64).largest_value(64 << 10),
            UNCONDITIONAL => service(4096).without_conditional_delete(),
            _ => service(4096),
        }
    }

    fn get(&self, key: &str) -> Result<Option<Item>> {
        check_key::<KIND>(key);
        let mut shared = self.shared.lock()?;
        shared.gets += 1;
        let found = shared.values.get(key);
        Ok(found.map(|(version, value)| Item::new(value.clone(), version.to_string())))
    }

    fn put_if(&self, key: &str, value: &[u8], condition: Condition<'_>) -> Result<()> {
        check_key::<KIND>(key);
        assert!(KIND != SHORT_KEYS || value.len() <= 64 << 10, "the value is too large");
        self.shared.lock()?.change(condition, key, |shared| {
            let version = match KIND {
                UNCONDITIONAL => shared.values.get(key).map_or(1, |(version, _)| version + 1),
                _ => shared.writes,
            };
            shared.values.insert(key.to_owned(), (version, value.to_vec()));
        })
    }

    fn delete_if(&self, key: &str, condition: Condition<'_>) -> Result<()> {
        assert_eq!(condition == Condition::Any, KIND == UNCONDITIONAL);
        self.shared.lock()?.change(condition, key, |shared| drop(shared.values.remove(key)))
    }

    fn keys_after(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<String>> {
        let shared = self.shared.lock()?;
        let after = after.filter(|_| !shared.faults.contains(&Fault::ListsTheSame));
        // Few at once, so that there are several calls.
        Ok(first_after(shared.values.keys().cloned(), prefix, after, most.min(7)))
    }
}

impl Shared {
    fn change(
        &mut self,
        condition: Condition<'_>,
        key: &str,
        change: impl FnOnce(&mut Self),
    ) -> Result<()> {
        let fault = self.faults.pop_front();
        let unavailable = || Err(Error::new(ErrorKind::Unavailable, "change"));
        if fault == Some(Fault::NotDone) {
            return unavailable();
        }
        let version = self.values.get(key).map(|(version, _)| version.to_string());
        let holds = match condition {
            Condition::Any => true,
            Condition::Absent => version.is_none(),
            Condition::Version(expected) => version.as_deref() == Some(expected),
        };
        if !holds {
            return Err(Error::new(ErrorKind::Conflict, "change"));
        }
        self.writes += 1;
        change(self);
        if fault.is_some() { unavailable() } else { Ok(()) }
    }
}

/// Checks that a key is as short and as plain as the narrowest service demands.
fn check_key<const KIND: u8>(key: &str) {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    assert!(key.bytes().all(is_plain), "{key}");
    assert!(key.len() <= if KIND == SHORT_KEYS { 64 } else { 4096 }, "{key}");
}

impl<const KIND: u8> fmt::Debug for Map<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Map")
    }
}
