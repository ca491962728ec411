//! Who reads, who works, and how answers get back.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use keyward_core::{Error, ErrorKind, Registration, Result, Secret, catch_panic};

use super::open::{CALLS, Opened, unknown};
use super::watch::Watch;
use crate::calls::{Calls, Turn};
use crate::cbor::{Fields, Malformed, Map};
use crate::frame::{Broken, Frames};
use crate::message::{self, Call, Message};

/// The most threads that work at once.
const MAX_WORKERS: usize = 256;

/// The most instances that are open at once.
const MAX_INSTANCES: usize = 1 << 16;

type Reader = Frames<Box<dyn Read + Send>>;

/// Backends, and whoever uses them over two pipes.
pub(super) struct Server {
    pub(super) backends: Vec<Registration>,
    calls: Calls<Reader>,
    output: Mutex<Box<dyn Write + Send>>,
    instances: Mutex<BTreeMap<u64, Arc<Opened>>>,
    watch: Watch,
    staff: Mutex<Staff>,
    left: Condvar,
}

#[derive(Default)]
struct Staff {
    workers: usize,
    /// What went wrong at the other end.
    fault: Option<Error>,
}

impl Server {
    pub(super) fn new(
        backends: &[Registration],
        input: Box<dyn Read + Send>,
        output: Box<dyn Write + Send>,
    ) -> Arc<Self> {
        Arc::new(Self {
            backends: backends.to_vec(),
            calls: Calls::new(Frames::new(input)),
            output: Mutex::new(output),
            instances: Mutex::default(),
            watch: Watch::default(),
            staff: Mutex::default(),
            left: Condvar::new(),
        })
    }

    /// Works until the other end closes and all that was begun is done.
    pub(super) fn run(self: &Arc<Self>) -> Result<()> {
        let watcher = self.clone();
        let watch = thread::Builder::new().name("keyward-watch".into()).spawn(move || {
            let server = &watcher;
            let is_over = || server.calls.ended().is_some();
            server.watch.watch(
                is_over,
                || server.calls.is_unread(),
                || {
                    server.hire(None);
                },
            );
        });
        watch.map_err(|error| Error::io("serve", error))?;
        self.work(None);
        let busy = |staff: &mut Staff| staff.workers > 0 || self.calls.ended().is_none();
        let staff = self.left.wait_while(self.staff(), busy);
        staff.unwrap_or_else(PoisonError::into_inner).fault.take().map_or(Ok(()), Err)
    }

    /// Reads and works, as long as nobody else reads.
    fn work(self: &Arc<Self>, first: Option<Secret>) {
        let mut next = first;
        loop {
            let frame = match next.take() {
                Some(frame) => frame,
                None => {
                    let Some(reader) = self.calls.take_reader() else { return };
                    match self.read(reader, None) {
                        Came::Call(frame) => frame,
                        Came::Answer(_) | Came::Other => continue,
                        Came::End => return,
                    }
                }
            };
            self.watch.begin();
            self.attend(&frame);
        }
    }

    /// Reads a frame and gives the reader back; what is the answer to a call goes there.
    fn read(&self, mut reader: Reader, mine: Option<u64>) -> Came {
        let frame = match reader.next() {
            Ok(Some(frame)) => frame,
            end => {
                self.end(end.err());
                return Came::End;
            }
        };
        if Map::begins_with(frame.expose(), "call") {
            self.calls.put_back(reader);
            return Came::Call(frame);
        }
        let id = match Message::read(frame.expose()) {
            Ok(Message::Answer { id, .. }) => id,
            Ok(_) => {
                self.calls.put_back(reader);
                return Came::Call(frame);
            }
            Err(Malformed(what)) => {
                self.fail(Error::invalid("serve", what));
                return Came::End;
            }
        };
        if mine == Some(id) {
            self.calls.finish(id, reader);
            return Came::Answer(frame);
        }
        if !self.calls.deliver(id, frame) {
            self.fail(Error::invalid("serve", "an answer to no call"));
            return Came::End;
        }
        self.calls.put_back(reader);
        Came::Other
    }

    /// Does what is asked, and answers.
    fn attend(self: &Arc<Self>, frame: &Secret) {
        let (id, answer) = match Message::read(frame.expose()) {
            Ok(Message::Call(call)) => {
                // An error of a backend is a backend's code, too, as soon as it is asked what it says.
                let done = catch_panic("call", || Ok(told(call.id, self.do_call(&call))));
                let panicked = Error::new(ErrorKind::Other, "call").because("the backend panicked");
                (call.id, done.unwrap_or_else(|_| told(call.id, Err(panicked))))
            }
            Ok(Message::Unknown { id }) => {
                (id, told(id, Err(Error::new(ErrorKind::Unsupported, "message"))))
            }
            Ok(Message::Answer { .. }) => return,
            Err(Malformed(what)) => return self.fail(Error::invalid("serve", what)),
        };
        if id.is_some() {
            // Where it cannot be sent, nobody waits for it.
            let _ = self.send(&answer);
        }
    }

    fn do_call(self: &Arc<Self>, call: &Call<'_>) -> Result<Secret> {
        match (call.name, call.instance) {
            ("hello", _) => self.greet(call),
            ("open", Some(instance)) => self.open(call, instance),
            ("close", Some(instance)) => {
                let closed = self.instances().remove(&instance);
                drop(closed.ok_or_else(|| no_instance(call))?);
                answer(call, message::nothing)
            }
            (_, instance) => {
                let opened = instance.and_then(|number| self.instances().get(&number).cloned());
                opened.ok_or_else(|| no_instance(call))?.call(call)
            }
        }
    }

    fn greet(&self, call: &Call<'_>) -> Result<Secret> {
        message::hello::check_version(&call.arguments)?;
        answer(call, |fields| message::hello::write(fields, &self.backends))
    }

    fn open(self: &Arc<Self>, call: &Call<'_>, instance: u64) -> Result<Secret> {
        if self.instances().len() >= MAX_INSTANCES {
            return Err(Error::new(ErrorKind::Unavailable, "open").because("too much is open"));
        }
        let opened = Opened::open(self, call, instance)?;
        let frame = answer(call, |fields| opened.write_abilities(fields))?;
        self.instances().insert(instance, Arc::new(opened));
        Ok(frame)
    }

    /// Calls the other end, which a backend does while it works.
    pub(super) fn ask(
        self: &Arc<Self>,
        name: &'static str,
        instance: u64,
        arguments: impl FnOnce(&mut Fields<'_>),
    ) -> Result<Secret> {
        let gone = |_| Error::new(ErrorKind::Unavailable, name).because("the host has gone");
        let id = self.calls.start().map_err(gone)?;
        let sent = message::call(Some(id), name, Some(instance), arguments)
            .and_then(|frame| self.send(&frame));
        if let Err(error) = sent {
            self.calls.drop_call(id);
            return Err(error);
        }
        loop {
            match self.calls.turn(id) {
                Turn::Answered(frame) => return Ok(frame),
                Turn::Ended(why) => return Err(gone(why)),
                Turn::Wait => thread::park(),
                Turn::Read(reader) => match self.read(reader, Some(id)) {
                    Came::Answer(frame) => {
                        // The call goes on, and this thread reads no longer.
                        self.watch.begin();
                        return Ok(frame);
                    }
                    Came::Call(frame) => self.hire(Some(frame)),
                    Came::Other | Came::End => {}
                },
            }
        }
    }

    /// Tells the other end something, and waits for no answer.
    pub(super) fn tell(
        &self,
        name: &'static str,
        instance: u64,
        arguments: impl FnOnce(&mut Fields<'_>),
    ) {
        let _ = message::call(None, name, Some(instance), arguments)
            .and_then(|frame| self.send(&frame));
    }

    fn send(&self, frame: &Secret) -> Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let written = output.write_all(frame.expose()).and_then(|()| output.flush());
        written.map_err(|error| Error::io("serve", error))
    }

    /// Lets one thread more work, on this call first.
    fn hire(self: &Arc<Self>, first: Option<Secret>) {
        let mut staff = self.staff();
        if staff.workers == MAX_WORKERS {
            drop(staff);
            return self.turn_away(first);
        }
        staff.workers += 1;
        drop(staff);
        let leave = Leave(self.clone());
        let worker = thread::Builder::new().name("keyward-worker".into());
        // Where no thread is to be had, whoever waits for the answer is late.
        let _ = worker.spawn(move || leave.0.work(first));
    }

    fn turn_away(&self, frame: Option<Secret>) {
        if let Some(frame) = frame
            && let Ok(Message::Call(Call { id: Some(id), .. })) = Message::read(frame.expose())
        {
            let error = Error::new(ErrorKind::Unavailable, "call");
            let _ = self.send(&message::failure(id, &error.because("too many calls at once")));
        }
    }

    fn end(&self, broken: Option<Broken>) {
        match broken {
            None => self.calls.end("the end"),
            Some(Broken::Io(error)) => self.fail(Error::io("serve", error)),
            Some(Broken::Half) => self.fail(Error::invalid("serve", "half a frame")),
            Some(Broken::TooLong(_)) => self.fail(Error::invalid("serve", "a frame is too long")),
        }
        self.over();
    }

    fn fail(&self, fault: Error) {
        self.staff().fault.get_or_insert(fault);
        self.calls.end("the end");
        self.over();
    }

    /// Lets those know who wait for the end.
    fn over(&self) {
        self.watch.wake();
        // Whoever looks has either seen it or waits already.
        drop(self.staff());
        self.left.notify_all();
    }

    fn instances(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Opened>>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn staff(&self) -> MutexGuard<'_, Staff> {
        self.staff.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of reading.
enum Came {
    /// A call, or what is to be refused like one.
    Call(Secret),
    /// The answer that was waited for.
    Answer(Secret),
    /// What somebody else waited for.
    Other,
    End,
}

/// A worker that leaves, however it comes to that.
struct Leave(Arc<Server>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.staff().workers -= 1;
        self.0.left.notify_all();
    }
}

/// An answer to this call as a frame.
pub(super) fn answer(call: &Call<'_>, write: impl FnOnce(&mut Fields<'_>)) -> Result<Secret> {
    message::answer(call.id.unwrap_or_default(), call.name, write)
}

/// What came of a call as a frame.
fn told(id: Option<u64>, outcome: Result<Secret>) -> Secret {
    outcome.unwrap_or_else(|error| message::failure(id.unwrap_or_default(), &error))
}

/// A call is for no open instance; one of a later version may be meant to be.
fn no_instance(call: &Call<'_>) -> Error {
    if !CALLS.contains(&call.name) {
        return unknown();
    }
    Error::invalid("call", format!("{} is for no open instance", call.name.escape_debug()))
}
