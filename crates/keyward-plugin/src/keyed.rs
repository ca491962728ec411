//! An adapter from a plain key–value service to [`Storage`].
//!
//! An author describes how to get, put, delete and list values ([`KeyValue`]); [`Keyed`] makes a
//! storage of it. It needs a service that can put a value on a condition: most object stores,
//! configuration services and secret managers can.
//!
//! The service's keys consist of a prefix and of `a`–`z`, `0`–`9` and `-`, so that every service
//! accepts them, also one that ignores case. If a key would be too long, it contains a digest
//! instead of the entry's user and name. A value contains the entry, a random revision, the time when
//! it expires, and the blob.
//!
//! # Examples
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::{Arc, Mutex};
//!
//! use keyward_plugin::keyed::{Condition, Item, KeyValue, Keyed, Service, first_after};
//! use keyward_plugin::{
//!     Backend, Error, ErrorKind, Host, Info, NoOptions, Persistence, Result, Sharing,
//! };
//!
//! keyward_plugin::register!(storage: Keyed<Map>);
//!
//! /// A service in memory: for each key, how often it was written, and its value.
//! #[derive(Debug, Default)]
//! struct Map(Mutex<BTreeMap<String, (u64, Vec<u8>)>>);
//!
//! impl Backend for Map {
//!     const INFO: Info = Info::new("map", "A map in memory; for this example");
//!     type Options = NoOptions;
//!
//!     fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
//!         Ok(Self::default())
//!     }
//! }
//!
//! impl KeyValue for Map {
//!     fn service(&self) -> Service {
//!         Service::new("keyward-", 200)
//!             .persistence(Persistence::Process)
//!             .sharing(Sharing::Process)
//!             .without_conditional_delete()
//!     }
//!
//!     fn get(&self, key: &str) -> Result<Option<Item>> {
//!         let map = self.0.lock()?;
//!         Ok(map.get(key).map(|(writes, value)| Item::new(value.clone(), writes.to_string())))
//!     }
//!
//!     fn put_if(&self, key: &str, value: &[u8], condition: Condition<'_>) -> Result<()> {
//!         let mut map = self.0.lock()?;
//!         let writes = map.get(key).map(|(writes, _)| *writes);
//!         let holds = match condition {
//!             Condition::Any => true,
//!             Condition::Absent => writes.is_none(),
//!             Condition::Version(version) => writes.is_some_and(|it| it.to_string() == version),
//!         };
//!         if !holds {
//!             return Err(Error::new(ErrorKind::Conflict, "put"));
//!         }
//!         map.insert(key.to_owned(), (writes.unwrap_or(0) + 1, value.to_vec()));
//!         Ok(())
//!     }
//!
//!     fn delete_if(&self, key: &str, _: Condition<'_>) -> Result<()> {
//!         self.0.lock()?.remove(key);
//!         Ok(())
//!     }
//!
//!     fn keys_after(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<String>> {
//!         Ok(first_after(self.0.lock()?.keys().cloned(), prefix, after, most))
//!     }
//! }
//! # fn main() {}
//! ```

mod frame;
mod list;

use std::fmt::Debug;
use std::sync::Arc;

use keyward_core::{
    Backend, EntryId, Error, ErrorKind, Expect, Host, Info, MANY_BYTES, Page, Persistence, Put,
    Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored, hex,
};
use sha2::{Digest, Sha256};

use frame::{Content, Frame};

/// A service that keeps values under keys.
///
/// # Errors
/// - [`Conflict`](ErrorKind::Conflict): the condition does not hold. The service changed nothing.
/// - [`Unavailable`](ErrorKind::Unavailable): there was no answer in time. The change was made or
///   not; the adapter puts the same value once more.
/// - Any other kind: the service changed nothing.
///
/// A missing key is not an error of any method.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait KeyValue: Debug + Send + Sync {
    /// Describes the service. It is asked once, before any other method.
    fn service(&self) -> Service;

    /// Returns the value of a key, if there is one.
    fn get(&self, key: &str) -> Result<Option<Item>>;

    /// Returns the values of the first of these keys: one for each, in their order, and at least one.
    ///
    /// This implementation calls [`get`](Self::get), until it has [`MANY_BYTES`] of values. A service
    /// that can return many values at once should do that.
    fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Item>>> {
        let (mut items, mut bytes) = (Vec::new(), 0);
        for key in keys {
            let item = self.get(key)?;
            bytes += item.as_ref().map_or(0, |item| item.value.len());
            items.push(item);
            if bytes >= MANY_BYTES {
                break;
            }
        }
        Ok(items)
    }

    /// Puts a value, if the condition holds at the same moment.
    fn put_if(&self, key: &str, value: &[u8], condition: Condition<'_>) -> Result<()>;

    /// Removes a key. If it is missing already, nothing happens, or it is a conflict.
    ///
    /// The condition is [`Any`](Condition::Any) or a version. It is always `Any` if the service has
    /// [no conditions for deletes](Service::without_conditional_delete).
    fn delete_if(&self, key: &str, condition: Condition<'_>) -> Result<()>;

    /// Returns at most `most` of the keys that start with `prefix` and follow `after`, in the order
    /// of their bytes, and the first of those. None are left if there are none.
    ///
    /// If the service lists keys in another order, [`first_after`] selects from all of them.
    fn keys_after(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<String>>;
}

/// Selects from all keys of a service what [`KeyValue::keys_after`] returns.
pub fn first_after(
    keys: impl IntoIterator<Item = String>,
    prefix: &str,
    after: Option<&str>,
    most: usize,
) -> Vec<String> {
    let follows = |key: &String| after.is_none_or(|after| key.as_str() > after);
    let mut keys: Vec<_> =
        keys.into_iter().filter(|key| key.starts_with(prefix) && follows(key)).collect();
    keys.sort_unstable();
    keys.truncate(most);
    keys
}

/// A value, and the version that the service gave it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// The value.
    pub value: Vec<u8>,
    /// What a later [`Condition::Version`] contains: an ETag, a number, a revision.
    pub version: String,
}

impl Item {
    /// Makes an item of a value and its version.
    pub fn new(value: Vec<u8>, version: impl Into<String>) -> Self {
        Self { value, version: version.into() }
    }
}

/// Shows no value.
impl Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Item({} bytes, version {:?})", self.value.len(), self.version)
    }
}

/// The condition on a key for a change to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// No condition.
    Any,
    /// The key has no value.
    Absent,
    /// The key has the value with this version.
    Version(&'a str),
}

/// What a service can do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Service {
    /// What all keys of this store start with.
    pub prefix: String,
    /// The length of the longest key, in bytes.
    pub longest_key: usize,
    /// The size of the largest value, in bytes.
    pub largest_value: Option<usize>,
    /// Whether it can delete a key on the condition that it has a version.
    pub deletes_on_condition: bool,
    /// How long values last.
    pub persistence: Persistence,
    /// Who can use the same service at the same time.
    pub sharing: Sharing,
}

impl Service {
    /// Describes a service that keeps values of any size for good, that many machines can use, and
    /// that deletes on a condition.
    ///
    /// The prefix keeps the store's keys apart from all others in the service, so it should contain
    /// the store's id: an option with the default `"keyward/%id%/"` does. The longest key is in bytes,
    /// with the prefix.
    pub fn new(prefix: impl Into<String>, longest_key: usize) -> Self {
        Self {
            prefix: prefix.into(),
            longest_key,
            largest_value: None,
            deletes_on_condition: true,
            persistence: Persistence::Durable,
            sharing: Sharing::Network,
        }
    }

    /// Returns the same with the size of the largest value, in bytes.
    #[must_use]
    pub fn largest_value(self, bytes: usize) -> Self {
        Self { largest_value: Some(bytes), ..self }
    }

    /// Returns the same for a service that cannot delete on a condition, or that counts the versions
    /// of a key from the start again after a delete.
    ///
    /// Then an entry that is deleted leaves a small value behind, which says so, until the store is
    /// destroyed.
    #[must_use]
    pub fn without_conditional_delete(self) -> Self {
        Self { deletes_on_condition: false, ..self }
    }

    /// Returns the same for a service whose values last so long.
    #[must_use]
    pub fn persistence(self, persistence: Persistence) -> Self {
        Self { persistence, ..self }
    }

    /// Returns the same for a service that only these can use.
    #[must_use]
    pub fn sharing(self, sharing: Sharing) -> Self {
        Self { sharing, ..self }
    }
}

/// How often a delete without a condition is tried while other writers change the entry.
const ATTEMPTS: usize = 20;

/// A storage on a [`KeyValue`] service.
///
/// Getting an entry takes one call of the service; putting one takes two, or one without a
/// condition. Listing gets every entry that can match, because the value says whether the entry was
/// deleted or has expired.
#[derive(Debug)]
pub struct Keyed<T> {
    values: T,
    service: Service,
    host: Arc<dyn Host>,
}

/// The backend is that of the service: with its name and its options.
impl<T: KeyValue + Backend> Backend for Keyed<T> {
    const INFO: Info = T::INFO;
    type Options = T::Options;

    fn open(options: Self::Options, host: &Arc<dyn Host>) -> Result<Self> {
        Self::new(T::open(options, host)?, host)
    }
}

/// What a key has, and the version of that.
struct Found {
    frame: Frame,
    version: String,
}

impl<T: KeyValue> Keyed<T> {
    /// Makes a storage of a service.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the service's keys are too short for the prefix.
    pub fn new(values: T, host: &Arc<dyn Host>) -> Result<Self> {
        let service = values.service();
        if service.prefix.len() + HASHED > service.longest_key {
            let most = service.longest_key.saturating_sub(HASHED);
            return Err(Error::invalid(
                "options",
                format!("the prefix of the keys may have at most {most} bytes"),
            ));
        }
        Ok(Self { values, service, host: Arc::clone(host) })
    }

    /// Returns what the key of an entry has.
    fn find(&self, operation: &'static str, id: &EntryId) -> Result<Option<Found>> {
        let key = key(&self.service, id);
        let item = self.values.get(&key)?;
        item.map(|item| self.open_item(operation, &key, item)).transpose()
    }

    /// Reads a value, which must be of the entry of this key.
    fn open_item(&self, operation: &'static str, found_at: &str, item: Item) -> Result<Found> {
        let frame = Frame::decode(&item.value).filter(|it| key(&self.service, &it.id) == found_at);
        let frame = frame.ok_or_else(|| {
            Error::corrupt(operation)
                .because("a value in the service is damaged, or is not of this store")
        })?;
        Ok(Found { frame, version: item.version })
    }

    /// Whether the entry was not deleted and has not expired.
    fn is_live(&self, found: &Found) -> bool {
        match found.frame.content {
            Content::Deleted => false,
            Content::Blob { expires, .. } => expires.is_none_or(|at| at > self.host.now()),
        }
    }

    fn stored(&self, found: Option<Found>) -> Result<Stored> {
        match found.filter(|found| self.is_live(found)).map(|found| found.frame) {
            Some(Frame { content: Content::Blob { blob, .. }, revision, .. }) => {
                Ok(Stored::new(blob, revision))
            }
            _ => Err(Error::not_found("get")),
        }
    }

    /// Puts a value, once more if the answer was lost.
    fn write(&self, frame: &Frame, condition: Condition<'_>) -> Result<()> {
        let (key, value) = (key(&self.service, &frame.id), frame.encode());
        let put = || self.values.put_if(&key, &value, condition);
        let result = put().or_else(|error| if error.is_transient() { put() } else { Err(error) });
        match result {
            // An earlier attempt, or one that the client repeated by itself, may have succeeded.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let found = self.values.get(&key)?.and_then(|item| Frame::decode(&item.value));
                match found {
                    Some(found) if found.revision == frame.revision => Ok(()),
                    _ => Err(error),
                }
            }
            result => result,
        }
    }

    /// Deletes the entry, which has this version.
    fn remove(&self, id: &EntryId, version: &str) -> Result<()> {
        let condition = Condition::Version(version);
        if self.service.deletes_on_condition {
            return self.values.delete_if(&key(&self.service, id), condition);
        }
        self.write(&Frame::new(id, Content::Deleted)?, condition)
    }
}

impl<T: KeyValue> Storage for Keyed<T> {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        self.stored(self.find("get", id)?)
    }

    fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Result<Stored>>> {
        let keys: Vec<_> = ids.iter().map(|id| key(&self.service, id)).collect();
        let stored = |(key, item): (String, Option<Item>)| {
            self.stored(item.map(|item| self.open_item("get", &key, item)).transpose()?)
        };
        Ok(self.items(&keys)?.into_iter().map(stored).collect())
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        if self.abilities().largest.is_some_and(|largest| blob.len() > largest) {
            return Err(Error::new(ErrorKind::Unsupported, "put")
                .because(format!("the service keeps no value of {} bytes", blob.len())));
        }
        let content = Content::Blob { expires: put.expires, blob: blob.to_vec() };
        let frame = Frame::new(id, content)?;
        if put.expect == Expect::Any {
            self.write(&frame, Condition::Any)?;
            return Ok(frame.revision);
        }
        let found = self.find("put", id)?;
        let live = found.as_ref().filter(|found| self.is_live(found));
        put.expect.check("put", live.map(|found| &found.frame.revision))?;
        let version = found.as_ref().map(|found| found.version.as_str());
        self.write(&frame, version.map_or(Condition::Absent, Condition::Version))?;
        Ok(frame.revision)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let found = self.find("delete", id)?.filter(|found| self.is_live(found));
            let found = found.ok_or_else(|| Error::not_found("delete"))?;
            expect.check("delete", Some(&found.frame.revision))?;
            match self.remove(id, &found.version) {
                Err(error) if error.kind() == ErrorKind::Conflict && *expect == Expect::Any => {}
                result => return result,
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "delete")
            .because("other writers kept changing the entry"))
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        self.page(query)
    }

    fn destroy(&self) -> Result<()> {
        self.remove_all()
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        let abilities = StorageAbilities::new(self.service.persistence, self.service.sharing);
        match self.service.largest_value {
            Some(bytes) => abilities.largest(bytes.saturating_sub(frame::MAX_HEAD)),
            None => abilities,
        }
    }
}

/// The length of what follows the prefix in a key that does not contain the entry's name.
const HASHED: usize = HASH.len() + 40;

/// Starts what follows the prefix in such a key. An escape never starts so.
const HASH: &str = "-h";

/// Separates the user from the name. An escape never starts so.
const NAME: &str = "-n";

/// Returns the key of an entry. Two entries never have the same key, also where case is ignored.
fn key(service: &Service, id: &EntryId) -> String {
    let mut key = service.prefix.clone() + &escape(id.user());
    if id.name().is_some() || id.is_reserved() {
        key += NAME;
        key += &escape(id.name_or_empty());
    }
    if key.len() <= service.longest_key {
        return key;
    }
    let digest = Sha256::digest(id.to_bytes());
    [&service.prefix, HASH, &hex::encode(&digest[..20])].concat()
}

/// Writes every byte but `a`–`z` and `0`–`9` as `-` and two hexadecimal digits.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => escaped.push(byte.into()),
            _ => escaped.extend(["-", &hex::encode(&[byte])]),
        }
    }
    escaped
}
