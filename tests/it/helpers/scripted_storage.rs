//! The storage `file`, in which a test decides what happens before and after a write.
//!
//! A test controls only the storages that its thread made.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use keyward::Keyward;
use keyward_core::{
    Backend, EntryId, Error, ErrorKind, Expect, Host, Info, Page, Persistence, Put, Query,
    Registration, Registry, Result, Revision, Role, Storage, StorageAbilities, Stored,
};
use keyward_tests::unlocked::FileOptions;

use crate::helpers::home::Home;

thread_local! {
    static BEFORE_PUT: RefCell<Option<Box<dyn FnOnce()>>> = RefCell::default();
    static ANSWERS: RefCell<VecDeque<Answer>> = RefCell::default();
    static READS: Cell<usize> = const { Cell::new(0) };
    static IS_DOWN: Cell<bool> = const { Cell::new(false) };
    static DELAY: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static PERSISTENCE: Cell<Option<Persistence>> = const { Cell::new(None) };
}

/// What the storage does with a keyset.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// It keeps it and says so.
    Given,
    /// It keeps it and fails.
    Lost,
    /// It keeps it and fails, now and whenever it is read.
    LostForGood,
    /// It fails and does not keep it.
    NotKept,
}

/// Answers the next writes of a keyset in this way, and those after them as usual.
pub(crate) fn answer_keysets(answers: impl IntoIterator<Item = Answer>) {
    ANSWERS.set(answers.into_iter().collect());
    IS_DOWN.set(false);
}

/// How many of these answers have not been given.
pub(crate) fn answers_left() -> usize {
    ANSWERS.with_borrow(VecDeque::len)
}

/// Returns how many blobs were read since the last call.
pub(crate) fn take_reads() -> usize {
    READS.take()
}

/// Makes every read take this long.
pub(crate) fn delay_reads(delay: Duration) {
    DELAY.set(delay);
}

/// Sets the persistence that the storage reports.
pub(crate) fn pretend(persistence: Persistence) {
    PERSISTENCE.set(Some(persistence));
}

/// Calls this once, before the storage keeps the next blob.
pub(crate) fn before_put(what: impl FnOnce() + 'static) {
    BEFORE_PUT.set(Some(Box::new(what)));
}

/// The library in this home, with the scripted storage in place of the storage `file`.
pub(crate) fn library(home: &Home) -> Keyward {
    let linked = Registry::linked().unwrap();
    let is_file = |it: &Registration| it.role() == Role::Storage && it.info.name == "file";
    let others = linked.iter().filter(|&it| !is_file(it)).cloned();
    let scripted = Registration::storage::<Scripted>("keyward-tests", "0");
    home.library().with_backends(Registry::new(others.chain([scripted])).unwrap())
}

#[derive(Debug)]
struct Scripted(Box<dyn Storage>);

impl Backend for Scripted {
    const INFO: Info = Info::new("file", "The storage `file`, scripted");
    type Options = FileOptions;

    fn open(options: FileOptions, host: &Arc<dyn Host>) -> Result<Self> {
        Registry::linked()?.open("file", &options.0, host).map(Self)
    }
}

impl Storage for Scripted {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        READS.set(READS.get() + 1);
        std::thread::sleep(DELAY.get());
        if IS_DOWN.get() { Err(unavailable("get")) } else { self.0.get(id) }
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        if let Some(what) = BEFORE_PUT.take() {
            what();
        }
        let is_keyset = *id == EntryId::reserved("keyset");
        let answer = is_keyset.then(|| ANSWERS.with_borrow_mut(VecDeque::pop_front)).flatten();
        match answer {
            None | Some(Answer::Given) => return self.0.put(id, blob, put),
            Some(Answer::NotKept) => {}
            Some(Answer::Lost) => drop(self.0.put(id, blob, put)?),
            Some(Answer::LostForGood) => {
                self.0.put(id, blob, put)?;
                IS_DOWN.set(true);
            }
        }
        Err(unavailable("put"))
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.0.delete(id, expect)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        self.0.list(query)
    }

    fn destroy(&self) -> Result<()> {
        self.0.destroy()
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        let mut abilities = self.0.abilities();
        abilities.persistence = PERSISTENCE.get().unwrap_or(abilities.persistence);
        abilities
    }
}

fn unavailable(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, operation)
}
