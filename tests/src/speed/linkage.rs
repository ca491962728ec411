//! What a call costs if a backend is linked, in a shared library, or in a child process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Context, Encryption, EntryId, Expect, Host, KeyId, Put, Record, Registration, Registry, Role,
    RoleTrait, Secret, Serializer, Storage, StoreId, StoreKey, Values,
};
use keyward_loader::process::{Command, Programs};
use keyward_loader::{Digest, Pin, load, verify_library};
use keyward_testkit::TestHost;

use super::race::{Contestant, Table, race};
use super::{Plan, Result};

/// How many calls are timed together.
const CALLS: u32 = 200;

/// The largest of the libraries under `plugins/`.
const LARGEST: &str = "keyward_keyring";

/// What an entry's blob is like.
const BLOB: [u8; 300] = [0x6b; 300];

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let json = Attached::new(plan, Role::Serializer, "json", "keyward_serializer_json")?;
    let aes_gcm = Attached::new(plan, Role::Encryption, "aes-gcm", "keyward_encryption_aes_gcm")?;
    let memory = Attached::new(plan, Role::Storage, "memory", "keyward_storage_memory")?;
    Ok(vec![
        get(plan, &memory)?,
        seal(plan, &aes_gcm)?,
        encode(plan, &json)?,
        start(plan, &memory.library)?,
        start(plan, &library(plan, LARGEST)?)?,
    ])
}

/// One backend, attached in each way.
struct Attached {
    library: PathBuf,
    linked: Registration,
    loaded: Registration,
    run: Registration,
    hosted: Registration,
    /// Owns the children.
    _programs: Programs,
}

impl Attached {
    fn new(plan: &Plan, role: Role, name: &str, crate_name: &str) -> Result<Self> {
        let library = library(plan, crate_name)?;
        let linked = Registry::linked()?.find(role, name)?.clone();
        let child =
            Command::new(std::env::current_exe()?).argument("serve").argument(linked.package);
        let path = library.to_str().ok_or("the library has an odd path")?;
        let host = Command::new(plan.program.canonicalize()?).argument("plugin").argument("host");
        let only = |all: Vec<Registration>| all.into_iter().next().ok_or("it provides nothing");
        let programs = Programs::new();
        Ok(Self {
            linked,
            loaded: only(load(verify_library(&pin(&library)?, &[])?)?)?,
            run: only(programs.run(&child)?)?,
            hosted: only(programs.run(&host.argument(path))?)?,
            library,
            _programs: programs,
        })
    }

    /// Opens it in each way.
    fn open<T: RoleTrait + ?Sized>(&self) -> Result<[Box<T>; 4]> {
        let open = |it: &Registration| it.open::<T>(&Values::new(), &host());
        Ok([open(&self.linked)?, open(&self.loaded)?, open(&self.run)?, open(&self.hosted)?])
    }
}

/// The library of a crate of backends, as `cargo xtask bench` has built it.
fn library(plan: &Plan, crate_name: &str) -> Result<PathBuf> {
    let folder = plan.program.parent().unwrap_or(Path::new("/")).join("plugins");
    Ok(folder.join(format!("lib{crate_name}.so")).canonicalize()?)
}

fn pin(library: &Path) -> Result<Pin> {
    Ok(Pin { path: library.to_owned(), digest: Digest::new(&std::fs::read(library)?) })
}

/// The most that a call to a child may add.
const MOST_ADDED: Duration = Duration::from_micros(50);

/// The same call to each of them.
fn call_each<T: ?Sized>(
    title: &str,
    plan: &Plan,
    [linked, loaded, run, hosted]: &[Box<T>; 4],
    call: impl Fn(&T) -> Result + Copy,
) -> Result<Table> {
    race(
        title,
        plan.rounds,
        vec![
            Contestant::calls("linked", CALLS, move || call(linked)),
            Contestant::calls("**loaded**", CALLS, move || call(loaded)),
            Contestant::calls("**run**", CALLS, move || call(run)).adding(MOST_ADDED),
            Contestant::calls("loaded by `keyward plugin host`, which is run", CALLS, move || {
                call(hosted)
            })
            .adding(MOST_ADDED),
        ],
    )
}

fn get(plan: &Plan, attached: &Attached) -> Result<Table> {
    let id = EntryId::new("ann", None)?;
    let storages = attached.open::<dyn Storage>()?;
    for storage in &storages {
        storage.put(&id, &BLOB, &Put::expecting(Expect::Any))?;
    }
    call_each("`get` of 300 bytes by a storage in memory", plan, &storages, |storage| {
        if storage.get(&id)?.blob == BLOB { Ok(()) } else { Err("another blob".into()) }
    })
}

fn seal(plan: &Plan, attached: &Attached) -> Result<Table> {
    let entry = EntryId::new("ann", None)?;
    let plain = Secret::from(&BLOB[..]);
    let key = StoreKey::new(KeyId::new(b"key")?, Secret::from(&[7; 32][..]));
    let context = Context::new(StoreId([1; 16]), &entry)
        .with_key(Some(&key))
        .with_salt(&[2; 32])
        .with_binding(&[3; 100], &[4; 32]);
    let encryptions = attached.open::<dyn Encryption>()?;
    call_each("Sealing 300 bytes by `aes-gcm`", plan, &encryptions, |encryption| {
        let sealed = encryption.seal(&plain, &context)?;
        if sealed.len() > BLOB.len() { Ok(()) } else { Err("it is not sealed".into()) }
    })
}

fn encode(plan: &Plan, attached: &Attached) -> Result<Table> {
    let record = Record::from(&keyward::Credentials::new("ann", super::peers::PASSWORD));
    let serializers = attached.open::<dyn Serializer>()?;
    call_each("Encoding a record by `json`", plan, &serializers, |serializer| {
        if serializer.encode(&record)?.is_empty() { Err("it is empty".into()) } else { Ok(()) }
    })
}

/// Each round loads the library once more, as another library to the dynamic linker.
fn start(plan: &Plan, library: &Path) -> Result<Table> {
    let pin = pin(library)?;
    let size = std::fs::metadata(library)?.len() >> 10;
    race(
        format!("Starting to use a library of {size} KiB"),
        plan.rounds.min(50),
        vec![
            Contestant::calls("reading the file", 1, || {
                if std::fs::read(library)?.is_empty() { Err("it is empty".into()) } else { Ok(()) }
            }),
            Contestant::calls("**verifying and loading it**", 1, || {
                load(verify_library(&pin, &[])?)?;
                Ok(())
            }),
        ],
    )
}

fn host() -> Arc<dyn Host> {
    Arc::new(TestHost::new())
}
