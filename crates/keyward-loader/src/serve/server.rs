//! Reads calls on one thread, does them on other threads, and sends the answers back.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use keyward_core::{Error, ErrorKind, Host, Registration, Result, Secret, catch_panic, printable};
use keyward_plugin::json;

use super::pipe::Pipe;
use super::remote::Remote;
use crate::roles::{self, Served, answer, argument, unknown};
use keyward_wire::cbor::Malformed;
use keyward_wire::frame::{Broken, Frames};
use keyward_wire::message::{self, Call, Message};

/// The largest number of threads that work at the same time.
const MAX_WORKERS: usize = 256;

/// The largest number of open instances.
const MAX_INSTANCES: usize = 1 << 16;

/// The backends, their open instances, and the pipe to the host.
pub(super) struct Server {
    backends: Vec<Registration>,
    pipe: Arc<Pipe>,
    instances: Mutex<BTreeMap<u64, Arc<dyn Served>>>,
}

impl Server {
    pub(super) fn new(backends: &[Registration], output: Box<dyn Write + Send>) -> Arc<Self> {
        Arc::new(Self {
            backends: backends.to_vec(),
            pipe: Arc::new(Pipe::new(output)),
            instances: Mutex::default(),
        })
    }

    /// Reads until the host closes its end, and returns when every call is done. This thread reads
    /// and other threads do the calls. Their number is the largest number of calls that were
    /// unfinished at the same time.
    pub(super) fn run(self: &Arc<Self>, input: impl Read) -> Result<()> {
        let unfinished = AtomicUsize::new(0);
        let (queue, calls) = mpsc::channel();
        let calls = Mutex::new(calls);
        thread::scope(|scope| {
            let queue = queue;
            let mut workers = 0;
            self.read(input, |frame| {
                if unfinished.fetch_add(1, Ordering::SeqCst) >= workers {
                    let worker = thread::Builder::new().name("keyward-worker".into());
                    let work = || self.work(&calls, &unfinished);
                    if workers == MAX_WORKERS || worker.spawn_scoped(scope, work).is_err() {
                        unfinished.fetch_sub(1, Ordering::SeqCst);
                        return self.refuse(&frame);
                    }
                    workers += 1;
                }
                // This fails only if no worker is left.
                let _ = queue.send(frame);
            })
        })
    }

    /// Reads until the host closes its end, and does each call on this thread. A backend must not
    /// call its host, because no thread would read the answer.
    pub(super) fn run_in_turn(self: &Arc<Self>, input: impl Read) -> Result<()> {
        self.read(input, |frame| self.answer_call(&frame))
    }

    /// Reads until the end, and passes each call to `take`.
    fn read(&self, input: impl Read, mut take: impl FnMut(Secret)) -> Result<()> {
        let mut frames = Frames::new(input);
        let end = loop {
            let received = match frames.next_frame() {
                Ok(Some(frame)) => self.receive(frame, &mut take),
                Ok(None) => break Ok(()),
                Err(broken) => Err(why_broken(broken)),
            };
            if received.is_err() {
                break received;
            }
        };
        self.pipe.calls.end("the end");
        end
    }

    /// Passes an answer to the worker that waits for it, and a call to `take`.
    fn receive(&self, frame: Secret, take: &mut impl FnMut(Secret)) -> Result<()> {
        let id = match Message::read(frame.expose()) {
            Ok(Message::Answer { id, .. }) => id,
            Ok(Message::Call(_) | Message::Unknown { .. }) => {
                take(frame);
                return Ok(());
            }
            Err(Malformed(what)) => return Err(Error::invalid("serve", what)),
        };
        if self.pipe.calls.deliver(id, frame) {
            Ok(())
        } else {
            Err(Error::invalid("serve", "there is an answer without a call"))
        }
    }

    /// Does calls until no more can arrive.
    fn work(self: &Arc<Self>, calls: &Mutex<Receiver<Secret>>, unfinished: &AtomicUsize) {
        loop {
            let next = calls.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(frame) = next else { return };
            self.answer_call(&frame);
            unfinished.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Does a call, and sends the answer.
    fn answer_call(self: &Arc<Self>, frame: &Secret) {
        let (id, outcome) = match Message::read(frame.expose()) {
            Ok(Message::Call(call)) => (call.id, self.do_call_catching_panics(&call)),
            Ok(Message::Unknown { id }) => (id, Err(Error::new(ErrorKind::Unsupported, "message"))),
            // `receive` passes on no other messages.
            Ok(Message::Answer { .. }) | Err(_) => return,
        };
        if let Some(id) = id {
            // If the answer cannot be sent, the host is gone.
            let _ = self.pipe.send(&answer_frame(id, outcome));
        }
    }

    /// Does a call. A panic of the backend is returned as an error.
    fn do_call_catching_panics(self: &Arc<Self>, call: &Call<'_>) -> Result<Secret> {
        let id = call.id.unwrap_or_default();
        // Encoding an error calls its `Display`, which is also code of the backend.
        let done = catch_panic("call", || Ok(answer_frame(id, self.do_call(call))));
        done.map_err(|_| Error::new(ErrorKind::Other, "call").because("the backend panicked"))
    }

    fn do_call(self: &Arc<Self>, call: &Call<'_>) -> Result<Secret> {
        match (call.name, call.instance) {
            ("hello", _) => self.answer_hello(call),
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

    fn answer_hello(&self, call: &Call<'_>) -> Result<Secret> {
        message::hello::check_version(&call.arguments)?;
        answer(call, |fields| message::hello::write(fields, &self.backends))
    }

    fn open(self: &Arc<Self>, call: &Call<'_>, instance: u64) -> Result<Secret> {
        if self.instances().len() >= MAX_INSTANCES {
            return Err(
                Error::new(ErrorKind::Unavailable, "open").because("too many instances are open")
            );
        }
        let (role, name): (&str, &str) = (argument(call, "role")?, argument(call, "name")?);
        let options: &str = argument(call, "options")?;
        let backend = self
            .backends
            .iter()
            .find(|backend| (backend.role().name(), backend.info.name) == (role, name))
            .ok_or_else(|| Error::invalid("open", "there is no such backend"))?;
        let values = json::values_from_json(options.as_bytes())?;
        let host: Arc<dyn Host> = Arc::new(Remote::new(&self.pipe, instance));
        let opened = roles::serve(backend, &values, &host)?;
        let frame = answer(call, |fields| opened.write_abilities(fields))?;
        self.instances().insert(instance, opened.into());
        Ok(frame)
    }

    /// Answers a call for which there is no worker.
    fn refuse(&self, frame: &Secret) {
        if let Ok(Message::Call(Call { id: Some(id), .. })) = Message::read(frame.expose()) {
            let error = Error::new(ErrorKind::Unavailable, "call");
            let _ = self.pipe.send(&message::failure(id, &error.because("too many calls at once")));
        }
    }

    fn instances(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<dyn Served>>> {
        self.instances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns why no further frame can be read.
fn why_broken(broken: Broken) -> Error {
    match broken {
        Broken::Io(error) => Error::io("serve", error),
        Broken::Half => Error::invalid("serve", "the input ends within a frame"),
        Broken::TooLong(_) => Error::invalid("serve", "a frame is too long"),
    }
}

/// Returns the frame for the result of a call.
fn answer_frame(id: u64, outcome: Result<Secret>) -> Secret {
    outcome.unwrap_or_else(|error| message::failure(id, &error))
}

/// Returns the error for a call without an open instance. An unknown call may not need one in a
/// later version of the protocol.
fn no_instance(call: &Call<'_>) -> Error {
    if !["open", "close"].contains(&call.name) && !roles::is_call(call.name) {
        return unknown();
    }
    Error::invalid("call", format!("{} is for no open instance", printable(call.name)))
}
