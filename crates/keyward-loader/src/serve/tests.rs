//! What a child does under calls that come at awkward times.

use std::fmt;
use std::io::{PipeWriter, pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use keyward_core::{
    Door, EntryId, ErrorKind, Expect, Factory, Host, Info, Page, Persistence, Put, Query, Revision,
    Secret, Sharing, Storage, StorageAbilities, Stored, Values,
};

use super::*;
use crate::cbor::Fields;
use crate::frame::Frames;
use crate::message::{self, Message, entry};

/// Longer than anything here takes, on a machine with much to do.
const LONG: Duration = Duration::from_secs(5);

/// A storage behind two pipes, and what it says.
struct Served {
    input: PipeWriter,
    said: Receiver<Secret>,
}

impl Served {
    /// Serves an opened storage, whose instance is 1.
    fn new(storage: impl Fn(&Arc<dyn Host>) -> Box<dyn Storage> + Send + Sync + 'static) -> Self {
        let registration = Registration {
            info: Info::new("s", ""),
            options: &[],
            package: "p",
            version: "1",
            door: Door::Linked,
            factory: Factory::Storage(Box::leak(Box::new(move |_: &Values, host: &_| {
                Ok(storage(host))
            }))),
        };
        let ((theirs, input), (output, mine)) = (pipe().unwrap(), pipe().unwrap());
        thread::spawn(move || serve(&[registration], theirs, mine));
        let (say, said) = mpsc::channel();
        thread::spawn(move || {
            let mut frames = Frames::new(output);
            while let Ok(Some(frame)) = frames.next() {
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

    /// Which call is answered next, and with which kind of error.
    fn answered(&self) -> (u64, Option<ErrorKind>) {
        match Message::read(self.heard().expose()).unwrap() {
            Message::Answer { id, outcome } => (id, outcome.err().map(|error| error.kind())),
            other => panic!("{other:?}"),
        }
    }
}

/// A storage that does this to get something.
struct Getting<F>(Arc<dyn Host>, F);

impl<F> fmt::Debug for Getting<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Getting")
    }
}

impl<F: Fn(&dyn Host, &str) -> Result<()> + Send + Sync> Storage for Getting<F> {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        (self.1)(&*self.0, id.name().unwrap_or_default()).map(|()| Stored::unnumbered(Vec::new()))
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
        StorageAbilities {
            persistence: Persistence::Process,
            sharing: Sharing::Process,
            lists: false,
            largest: None,
            bulk: None,
            locks: None,
        }
    }
}

fn getting(get: impl Fn(&dyn Host, &str) -> Result<()> + Clone + Send + Sync + 'static) -> Served {
    Served::new(move |host| Box::new(Getting(host.clone(), get.clone())))
}

#[test]
fn calls_are_read_after_a_question_that_took_long() {
    let released = Arc::new(AtomicBool::new(false));
    let mut served = getting(move |host, name| {
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
    // Long enough for whoever watches to fall asleep.
    thread::sleep(Duration::from_millis(300));
    let now = message::answer(1, "now", |fields| {
        fields.put("now", 0_u64);
    });
    served.say(&now.unwrap());
    served.get(2, "releases");
    assert_eq!(served.answered().0, 2);
    assert_eq!(served.answered().0, 1);
}
