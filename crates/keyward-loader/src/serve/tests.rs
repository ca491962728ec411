//! Tests of a child with calls at difficult times.

use std::fmt;
use std::io::{PipeWriter, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{
    Door, EntryId, ErrorKind, Expect, Guard, Host, Info, LockMode, Locks, Open, Page, Persistence,
    Put, Query, Revision, Secret, Sharing, Storage, StorageAbilities, Stored, Values,
};

use super::*;
use keyward_wire::cbor::Fields;
use keyward_wire::frame::Frames;
use keyward_wire::message::{self, Message, entry, storage};

/// Longer than any step here takes, even on a busy machine.
const LONG: Duration = Duration::from_secs(5);

/// A storage behind two pipes, and what it writes.
struct Served {
    input: PipeWriter,
    said: Receiver<Secret>,
}

impl Served {
    /// Serves a storage that does this for `get`. Its instance is 1.
    fn new(get: impl Fn(&dyn Host, &str) -> Result<()> + Clone + Send + Sync + 'static) -> Self {
        Self::holding(get, &Arc::default())
    }

    fn holding(
        get: impl Fn(&dyn Host, &str) -> Result<()> + Clone + Send + Sync + 'static,
        held: &Arc<Held>,
    ) -> Self {
        let held = held.clone();
        let registration = Registration {
            info: Info::new("s", ""),
            per_user: None,
            options: &[],
            package: "p",
            version: "1",
            door: Door::Linked,
            factory: Open::<dyn Storage>::plugin(move |_: &Values, host: &Arc<dyn Host>| {
                Ok(Box::new(Getting(host.clone(), get.clone(), held.clone())) as _)
            }),
        };
        let ((theirs, input), (output, mine)) = (pipe().unwrap(), pipe().unwrap());
        thread::spawn(move || serve(&[registration], theirs, mine));
        let (say, said) = mpsc::channel();
        thread::spawn(move || {
            let mut frames = Frames::new(output);
            while let Ok(Some(frame)) = frames.next_frame() {
                let _ = say.send(frame);
            }
        });
        let mut served = Self { input, said };
        served.call(0, "open", |fields| {
            fields.put("role", "storage").put("name", "s").put("options", "{}");
        });
        assert_eq!(served.answered(), (0, None));
        served
    }

    fn say(&mut self, frame: &Secret) {
        self.input.write_all(frame.expose()).unwrap();
    }

    fn call(&mut self, id: u64, name: &str, arguments: impl FnOnce(&mut Fields<'_>)) {
        self.say(&message::call(Some(id), name, Some(1), arguments).unwrap());
    }

    fn get(&mut self, id: u64, name: &str) {
        let entry = EntryId::new("ann", Some(name)).unwrap();
        self.call(id, "get", |fields| entry::write(fields, &entry));
    }

    fn heard(&self) -> Secret {
        self.said.recv_timeout(LONG).expect("it says something")
    }

    /// Returns the next call that is answered, and the kind of its error.
    fn answered(&self) -> (u64, Option<ErrorKind>) {
        match Message::read(self.heard().expose()).unwrap() {
            Message::Answer { id, outcome } => (id, outcome.err().map(|error| error.kind())),
            other => panic!("{other:?}"),
        }
    }
}

/// A storage that does this for `get`, and whose locks take time to renew.
struct Getting<F>(Arc<dyn Host>, F, Arc<Held>);

impl<F> fmt::Debug for Getting<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Getting")
    }
}

impl<F: Fn(&dyn Host, &str) -> Result<()> + Send + Sync> Storage for Getting<F> {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        (self.1)(&*self.0, id.name().unwrap_or_default())
            .map(|()| Stored::without_revision(Vec::new()))
    }

    fn put(&self, _: &EntryId, _: &[u8], _: &Put) -> Result<Revision> {
        unreachable!()
    }

    fn delete(&self, _: &EntryId, _: &Expect) -> Result<()> {
        unreachable!()
    }

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        unreachable!()
    }

    fn destroy(&self) -> Result<()> {
        unreachable!()
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        StorageAbilities::new(Persistence::Process, Sharing::Process).without_list().locks(self)
    }
}

/// The locks that are held.
#[derive(Debug, Default)]
struct Held {
    count: AtomicUsize,
    is_renewed: AtomicBool,
}

impl<F: Send + Sync> Locks for Getting<F> {
    fn lock(&self, _: &EntryId, _: LockMode, _: Duration, _: Duration) -> Result<Box<dyn Guard>> {
        self.2.count.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Lock(self.2.clone())))
    }
}

#[derive(Debug)]
struct Lock(Arc<Held>);

impl Guard for Lock {
    fn renew(&mut self, _: Duration) -> Result<()> {
        self.0.is_renewed.store(true, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(300));
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn calls_are_read_after_a_question_that_took_long() {
    let released = Arc::new(AtomicBool::new(false));
    let mut served = Served::new(move |host, name| {
        if name == "releases" {
            released.store(true, Ordering::SeqCst);
            return Ok(());
        }
        host.now();
        for _ in 0..2000 {
            if released.load(Ordering::SeqCst) {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    served.get(1, "waits");
    let Message::Call(_) = Message::read(served.heard().expose()).unwrap() else { panic!() };
    // Long enough for a waiting thread to fall asleep.
    thread::sleep(Duration::from_millis(300));
    let now = message::answer(1, "now", |fields| {
        fields.put("now", 0_u64);
    });
    served.say(&now.unwrap());
    served.get(2, "releases");
    assert_eq!(served.answered().0, 2);
    assert_eq!(served.answered().0, 1);
}

#[test]
fn a_failure_without_texts_is_a_failure() {
    /// An error that panics when it is shown.
    #[derive(Debug)]
    struct Unspeakable;

    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("unspeakable")
        }
    }

    impl std::error::Error for Unspeakable {}

    let mut served = Served::new(|_, name| match name {
        "fails" => Err(Error::new(ErrorKind::Full, "get").caused_by(Unspeakable)),
        _ => Ok(()),
    });
    served.get(1, "fails");
    assert_eq!(served.answered(), (1, Some(ErrorKind::Other)));
    served.get(2, "works");
    assert_eq!(served.answered(), (2, None));
}

#[test]
fn a_lock_that_is_given_back_while_it_is_renewed_is_free() {
    let held = Arc::new(Held::default());
    let mut served = Served::holding(|_, _| Ok(()), &held);
    let id = EntryId::new("ann", None).unwrap();
    served.call(1, "lock", |fields| {
        storage::write_lock(fields, &id, LockMode::Exclusive, LONG, LONG);
    });
    assert_eq!(served.answered(), (1, None));
    assert_eq!(held.count.load(Ordering::SeqCst), 1);
    served.call(2, "renew", |fields| {
        fields.put("lock", 1_u64).put("ttl", 1000_u64);
    });
    let started = Instant::now();
    while !held.is_renewed.load(Ordering::SeqCst) && started.elapsed() < LONG {
        thread::sleep(Duration::from_millis(1));
    }
    served.call(3, "unlock", |fields| {
        fields.put("lock", 1_u64);
    });
    let mut answers = [served.answered(), served.answered()];
    answers.sort_by_key(|(id, _)| *id);
    assert_eq!(answers, [(2, None), (3, None)]);
    assert_eq!(held.count.load(Ordering::SeqCst), 0);
}

#[test]
fn calls_of_later_versions_are_unsupported_for_whatever_they_are() {
    let mut served = Served::new(|_, _| Ok(()));
    let kinds = [
        ("later", None, ErrorKind::Unsupported),
        ("later", Some(1), ErrorKind::Unsupported),
        ("later", Some(2), ErrorKind::Unsupported),
        ("get", None, ErrorKind::Invalid),
        ("get", Some(2), ErrorKind::Invalid),
        ("close", Some(2), ErrorKind::Invalid),
        // Of another role.
        ("seal", Some(1), ErrorKind::Unsupported),
    ];
    for (name, instance, kind) in kinds {
        served.say(&message::call(Some(7), name, instance, message::nothing).unwrap());
        assert_eq!(served.answered(), (7, Some(kind)), "{name} {instance:?}");
    }
}
