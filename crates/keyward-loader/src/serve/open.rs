//! Opened backends, and the calls that each role takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_core::{
    Encryption, Error, ErrorKind, Factory, Guard, Host, Key, KeyId, Locks, Operation, Registration,
    Result, Secret, Serializer, Storage,
};
use keyward_plugin::cbor::{decode_record, encode_record};
use keyward_plugin::json;

use super::pipe::{Pipe, answer};
use super::remote::Remote;
use keyward_wire::cbor::{Fields, Malformed, Raw};
use keyward_wire::message::{Call, context, encryption, entry, nothing, storage};

/// The calls that are for an instance.
pub(super) const CALLS: [&str; 18] = [
    "open",
    "close",
    "encode",
    "decode",
    "current_key",
    "seal",
    "unseal",
    "create",
    "load",
    "delete",
    "get",
    "put",
    "list",
    "destroy",
    "bulk",
    "lock",
    "renew",
    "unlock",
];

/// An opened backend.
pub(super) enum Opened {
    Serializer(Box<dyn Serializer>),
    Encryption(Box<dyn Encryption>),
    Key(Box<dyn Key>),
    Storage(Shelf),
}

/// A storage and the locks that are held in it, which are released first.
pub(super) struct Shelf {
    guards: Mutex<Guards>,
    storage: Box<dyn Storage>,
}

/// A lock; `None` after it was released.
type Held = Arc<Mutex<Option<Box<dyn Guard>>>>;

#[derive(Default)]
struct Guards {
    last: u64,
    held: BTreeMap<u64, Held>,
}

impl Opened {
    /// Opens the backend that a call names.
    pub(super) fn open(
        backends: &[Registration],
        pipe: &Arc<Pipe>,
        call: &Call<'_>,
        instance: u64,
    ) -> Result<Self> {
        let role: &str = get(call, "role")?;
        let name: &str = get(call, "name")?;
        let options: &str = get(call, "options")?;
        let backend = backends
            .iter()
            .find(|backend| (backend.role().name(), backend.info.name) == (role, name))
            .ok_or_else(|| Error::invalid("open", "there is no such backend"))?;
        let values = json::values_from_json(options.as_bytes())?;
        let host: Arc<dyn Host> = Arc::new(Remote::new(pipe, instance));
        Ok(match backend.factory {
            Factory::Serializer(open) => Self::Serializer(open(&values, &host)?),
            Factory::Encryption(open) => Self::Encryption(open(&values, &host)?),
            Factory::Key(open) => Self::Key(open(&values, &host)?),
            Factory::Storage(open) => {
                Self::Storage(Shelf { guards: Mutex::default(), storage: open(&values, &host)? })
            }
        })
    }

    /// Writes its abilities, if its role has any.
    pub(super) fn write_abilities(&self, fields: &mut Fields<'_>) {
        match self {
            Self::Serializer(_) | Self::Key(_) => {}
            Self::Encryption(opened) => encryption::write_abilities(fields, opened.abilities()),
            Self::Storage(shelf) => storage::write_abilities(fields, &shelf.storage.abilities()),
        }
    }

    /// Does a call and returns the frame of its answer.
    pub(super) fn call(&self, call: &Call<'_>) -> Result<Secret> {
        match self {
            Self::Serializer(opened) => serializer(&**opened, call),
            Self::Encryption(opened) => self::encryption(&**opened, call),
            Self::Key(opened) => key(&**opened, call),
            Self::Storage(shelf) => shelf.call(call),
        }
    }
}

fn serializer(opened: &dyn Serializer, call: &Call<'_>) -> Result<Secret> {
    match call.name {
        "encode" => {
            let bytes = opened.encode(&decode_record(get::<Raw<'_>>(call, "record")?.0)?)?;
            answer(call, |fields| {
                fields.put("bytes", bytes.expose());
            })
        }
        "decode" => {
            let record = encode_record(&opened.decode(get(call, "bytes")?)?)?;
            answer(call, |fields| {
                fields.put("record", Raw(record.expose()));
            })
        }
        _ => Err(unknown()),
    }
}

fn encryption(opened: &dyn Encryption, call: &Call<'_>) -> Result<Secret> {
    let received = || context::Received::read(&call.arguments).map_err(nonsense);
    match call.name {
        "current_key" => {
            let id = opened.current_key(&entry::read(&call.arguments).map_err(nonsense)?)?;
            answer(call, |fields| {
                fields.put_some("key_id", id.as_ref().map(KeyId::as_bytes));
            })
        }
        "seal" => {
            let plain = Secret::from(get::<&[u8]>(call, "plain")?);
            let blob = opened.seal(&plain, &received()?.context())?;
            answer(call, |fields| {
                fields.put("blob", &blob[..]);
            })
        }
        "unseal" => {
            let plain = opened.unseal(get(call, "blob")?, &received()?.context())?;
            answer(call, |fields| {
                fields.put("plain", plain.expose());
            })
        }
        _ => Err(unknown()),
    }
}

fn key(opened: &dyn Key, call: &Call<'_>) -> Result<Secret> {
    let id = || KeyId::new(get(call, "id")?);
    match call.name {
        "create" => {
            let created = opened.create(&id()?)?;
            answer(call, |fields| {
                fields.put("secret", created.key.expose());
                fields.put("parameters", &created.parameters[..]).put("made", created.made);
            })
        }
        "load" => {
            let secret = opened.load(&id()?, get(call, "parameters")?)?;
            answer(call, |fields| {
                fields.put("secret", secret.expose());
            })
        }
        "delete" => {
            opened.delete(&id()?, get(call, "parameters")?)?;
            answer(call, nothing)
        }
        _ => Err(unknown()),
    }
}

impl Shelf {
    fn call(&self, call: &Call<'_>) -> Result<Secret> {
        let arguments = &call.arguments;
        let id = || entry::read(arguments).map_err(nonsense);
        match call.name {
            "get" => {
                let stored = self.storage.get(&id()?)?;
                answer(call, |fields| {
                    fields.put("blob", &stored.blob[..]);
                    fields.put("revision", stored.revision().as_bytes());
                })
            }
            "put" => {
                let put = storage::read_put(arguments).map_err(nonsense)?;
                let revision = self.storage.put(&id()?, get(call, "blob")?, &put)?;
                answer(call, |fields| {
                    fields.put("revision", revision.as_bytes());
                })
            }
            "delete" => {
                self.storage.delete(&id()?, &storage::read_expect(arguments).map_err(nonsense)?)?;
                answer(call, nothing)
            }
            "list" => {
                let page = self.storage.list(&storage::read_query(arguments).map_err(nonsense)?)?;
                answer(call, |fields| storage::write_page(fields, &page))
            }
            "destroy" => {
                self.storage.destroy()?;
                answer(call, nothing)
            }
            "bulk" => self.bulk(call),
            "lock" => self.lock(call),
            "renew" => self.renew(call),
            "unlock" => {
                let held = self.guards().held.remove(&get(call, "lock")?).ok_or_else(no_lock)?;
                // If another call is renewing it, it is released after that.
                drop(own(&held).take());
                answer(call, nothing)
            }
            _ => Err(unknown()),
        }
    }

    fn bulk(&self, call: &Call<'_>) -> Result<Secret> {
        let bulk = self.storage.abilities().bulk.ok_or_else(unknown)?;
        let received = storage::read_operations(&call.arguments).map_err(nonsense)?;
        let operations: Vec<Operation<'_>> =
            received.iter().map(storage::Received::operation).collect();
        bulk.apply(&operations)?;
        answer(call, nothing)
    }

    fn lock(&self, call: &Call<'_>) -> Result<Secret> {
        let locks: &dyn Locks = self.storage.abilities().locks.ok_or_else(unknown)?;
        let arguments = &call.arguments;
        let id = entry::read(arguments).map_err(nonsense)?;
        let mode = storage::read_mode(arguments).map_err(nonsense)?;
        let wait = storage::read_millis(arguments, "wait").map_err(nonsense)?;
        let ttl = storage::read_millis(arguments, "ttl").map_err(nonsense)?;
        let guard = locks.lock(&id, mode, wait, ttl)?;
        let mut guards = self.guards();
        guards.last += 1;
        let lock = guards.last;
        guards.held.insert(lock, Arc::new(Mutex::new(Some(guard))));
        drop(guards);
        answer(call, |fields| {
            fields.put("lock", lock);
        })
    }

    fn renew(&self, call: &Call<'_>) -> Result<Secret> {
        let lock = get(call, "lock")?;
        let ttl = storage::read_millis(&call.arguments, "ttl").map_err(nonsense)?;
        // Other calls may take and release locks during the renewal.
        let held = self.guards().held.get(&lock).cloned().ok_or_else(no_lock)?;
        own(&held).as_mut().ok_or_else(no_lock)?.renew(ttl)?;
        answer(call, nothing)
    }

    fn guards(&self) -> MutexGuard<'_, Guards> {
        own(&self.guards)
    }
}

fn own<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a required argument.
fn get<'a, T: keyward_wire::cbor::Item<'a>>(call: &Call<'a>, name: &'static str) -> Result<T> {
    call.arguments.get(name).map_err(nonsense)
}

fn nonsense(what: Malformed) -> Error {
    Error::invalid("call", format!("`{}` is missing or makes no sense", what.0))
}

pub(super) fn unknown() -> Error {
    Error::new(ErrorKind::Unsupported, "call").because("there is no such call")
}

fn no_lock() -> Error {
    Error::invalid("call", "there is no such lock")
}
