//! The host's side of one child: calls out, calls in, and the end.

use std::io;
use std::process::{ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{Error, ErrorKind, Host, Result, Secret};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use super::Command;
use super::child::{Child, Pipes};
use super::hosts::Hosts;
use crate::calls::{Calls, Turn};
use crate::cbor::{Fields, Malformed, Map};
use crate::fault::believed;
use crate::frame::{Broken, Frames};
use crate::message::hello::{self, Hello};
use crate::message::{self, Message};
use crate::spin::Spinning;

mod errand;
mod input;
mod patience;

use input::Input;
use patience::{Deadline, Pauses};

/// How long a program may take to start and to say what it brings.
pub(super) const START: Duration = Duration::from_secs(10);

/// How long a child that closed its output may take to end.
const LAST_MOMENTS: Duration = Duration::from_millis(500);

/// How long a child may take to go when it is told to.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How long a thread that reads waits before it looks whether the child is still there: what that leaves
/// behind may keep the pipe open.
const LOOK: Duration = Duration::from_millis(500);

/// How long a thread that cannot write leaves the reading to others before it looks again.
const GLANCE: Duration = Duration::from_millis(10);

/// How long what is there is read, before a child is killed for having said nothing: who was stopped, or had
/// nothing to ask, has not read yet what came in time.
const LAST_LOOK: Duration = Duration::from_millis(100);

type Reader = Frames<Spinning<ChildStdout>>;

/// A child that runs, and whoever waits for it.
#[derive(Debug)]
pub(super) struct Client {
    /// The program's path, for errors.
    program: String,
    child: Child,
    calls: Calls<Reader>,
    input: Input,
    hosts: Arc<Hosts>,
    pauses: Pauses,
    /// How many threads work for the child.
    errands: AtomicUsize,
    patience: Duration,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait<'a> {
    /// As long as any call, or as long as this host's caller still waits.
    Usual(&'a dyn Host),
    /// So much longer than any other call, whoever waits.
    Longer(Duration),
    /// So long.
    Only(Duration),
    /// So long, after which nobody cares for the answer.
    AtMost(Duration),
}

impl Client {
    /// Starts a child and lets it say what it brings.
    pub(super) fn start(command: &Command) -> Result<(Arc<Self>, Hello)> {
        let program = command.name();
        let hosts = Arc::new(Hosts::new(message::failure::line(&program)));
        let ears = hosts.clone();
        let (child, Pipes { input, output }) =
            Child::start(command, move |said| ears.pass_on(said))?;
        for pipe in
            [rustix::io::ioctl_fionbio(&input, true), rustix::io::ioctl_fionbio(&output, true)]
        {
            pipe.map_err(|error| Error::io("run", error.into()))?;
        }
        let client = Arc::new(Self {
            program,
            child,
            calls: Calls::new(Frames::new(Spinning::new(output))),
            input: Input::new(input),
            hosts,
            pauses: Pauses::default(),
            errands: AtomicUsize::new(0),
            patience: command.patience,
        });
        let greeted = client.greet();
        if greeted.is_err() {
            client.calls.end("is not used");
            client.child.kill();
        }
        Ok((client, greeted?))
    }

    fn greet(self: &Arc<Self>) -> Result<Hello> {
        let about = |error: Error| error.in_backend(&self.program);
        let answer =
            self.call("hello", None, Wait::Only(START), hello::write_version).map_err(about)?;
        let outcome = self.outcome(&answer, "hello").map_err(about)?;
        let fields = outcome.map_err(|error| about(believed("hello", error)))?;
        hello::check_version(&fields).map_err(about)?;
        hello::read(&fields).map_err(|what| about(self.nonsense("hello", what.0)))
    }

    /// The hosts of its instances.
    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Whether it has died or was ended.
    pub(super) fn is_over(&self) -> bool {
        self.calls.ended().is_some()
    }

    /// Makes a call and gives the frame of its answer.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if none comes.
    pub(super) fn call(
        self: &Arc<Self>,
        name: &'static str,
        instance: Option<u64>,
        wait: Wait<'_>,
        arguments: impl FnOnce(&mut Fields<'_>),
    ) -> Result<Secret> {
        let deadline = self.deadline(wait);
        self.end_if_stuck();
        let id = self.calls.start().map_err(|why| self.gone(name, &why))?;
        let sent = message::call(Some(id), name, instance, arguments)
            .and_then(|frame| self.send(name, &frame, &deadline));
        if let Err(error) = sent {
            self.calls.drop_call(id);
            return Err(error);
        }
        self.receive(name, id, &deadline)
    }

    /// Waits for an answer as long as there is time for it.
    fn receive(
        self: &Arc<Self>,
        name: &'static str,
        id: u64,
        deadline: &Deadline,
    ) -> Result<Secret> {
        let last_look = || {
            let deadline = (!deadline.soft).then(|| Deadline::new(LAST_LOOK, false))?;
            self.wait_for(name, id, &deadline)
        };
        let answer = self.wait_for(name, id, deadline).or_else(last_look);
        answer.unwrap_or_else(|| Err(self.late(name, id, deadline)))
    }

    /// Waits for an answer, reading it if nobody else does; none when the time is over.
    fn wait_for(
        self: &Arc<Self>,
        name: &'static str,
        id: u64,
        deadline: &Deadline,
    ) -> Option<Result<Secret>> {
        loop {
            match self.calls.turn(id) {
                Turn::Answered(frame) => return Some(Ok(frame)),
                Turn::Ended(why) => return Some(Err(self.gone(name, &why))),
                Turn::Read(reader) => {
                    if let Some(frame) = self.read_for(id, reader, deadline) {
                        return Some(Ok(frame));
                    }
                }
                Turn::Wait => {
                    if let Some(left) = self.left(deadline) {
                        thread::park_timeout(left);
                    }
                }
            }
            if self.left(deadline).is_none() && self.calls.ended().is_none() {
                return None;
            }
        }
    }

    /// Reads until the answer to `id` is there, the time is over, or the child is.
    fn read_for(
        self: &Arc<Self>,
        id: u64,
        mut reader: Reader,
        deadline: &Deadline,
    ) -> Option<Secret> {
        loop {
            match self.next(&mut reader, || self.left(deadline)) {
                Ok(Some(frame)) => match self.received(frame, Some(id)) {
                    Some(mine) => {
                        self.calls.finish(id, reader);
                        return Some(mine);
                    }
                    // Whatever was wrong with it ended everything.
                    None if self.is_over() => return None,
                    None => {}
                },
                Ok(None) => {
                    self.calls.put_back(reader);
                    return None;
                }
                Err(broken) => {
                    self.end(&self.why(&broken));
                    return None;
                }
            }
        }
    }

    /// The next frame; none when the time is over.
    fn next(
        &self,
        reader: &mut Reader,
        left: impl Fn() -> Option<Duration>,
    ) -> Result<Option<Secret>, End> {
        loop {
            if let Some(frame) = reader.take()? {
                return Ok(Some(frame));
            }
            let Some(left) = left() else { return Ok(None) };
            if fill(reader)? {
                continue;
            }
            let is_over = self.child.is_over();
            let wait = if is_over { Duration::ZERO } else { left.min(LOOK) };
            poll(&mut [PollFd::new(reader.pipe(), PollFlags::IN)], wait);
            // All that it said before its end is there by now.
            if !fill(reader)? && is_over {
                return Err(End::Closed);
            }
        }
    }

    /// Takes a frame to whom it is for; gives it back if it is the answer to `mine`.
    fn received(self: &Arc<Self>, frame: Secret, mine: Option<u64>) -> Option<Secret> {
        if mine.is_some_and(|id| message::is_plain_answer(frame.expose(), id)) {
            return Some(frame);
        }
        let id = match Message::read(frame.expose()) {
            Ok(Message::Answer { id, .. }) => id,
            Ok(Message::Call(call)) => {
                self.asked(&call);
                return None;
            }
            Ok(Message::Unknown { id }) => {
                let error = Error::new(ErrorKind::Unsupported, "message");
                if let Some(id) = id {
                    self.reply(message::failure(id, &error));
                }
                return None;
            }
            Err(what) => {
                self.end(&no_message(what));
                return None;
            }
        };
        if Some(id) == mine {
            return Some(frame);
        }
        if !self.calls.deliver(id, frame) {
            self.end(&format!("answers the call {id}, which waits for no answer"));
        }
        None
    }

    /// What was answered: the fields of an answer, or an error.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the frame is no message, which is the end of the child.
    pub(super) fn outcome<'a>(
        &self,
        frame: &'a Secret,
        name: &'static str,
    ) -> Result<Result<Map<'a>>> {
        match Message::read(frame.expose()) {
            Ok(Message::Answer { outcome, .. }) => Ok(outcome),
            Ok(_) => Err(Error::new(ErrorKind::Other, name)),
            Err(what) => {
                let why = no_message(what);
                self.end(&why);
                Err(self.gone(name, &why))
            }
        }
    }

    /// Writes a frame, and reads where the child cannot go on without.
    fn send(
        self: &Arc<Self>,
        name: &'static str,
        frame: &Secret,
        deadline: &Deadline,
    ) -> Result<()> {
        let pipe = loop {
            match self.input.take(self.left(deadline).unwrap_or(GLANCE)) {
                Some(pipe) => break pipe,
                None => self.go_on(name, deadline, true)?,
            }
        };
        let mut rest = frame.expose();
        while !rest.is_empty() {
            match rustix::io::write(&*pipe, rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.wait_to_write(&pipe, deadline);
                    self.go_on(name, deadline, rest.len() == frame.len())?;
                }
                Err(error) => {
                    self.end(&self.why(&End::Broken(Broken::Io(error.into()))));
                    return Err(self.over(name));
                }
            }
        }
        Ok(())
    }

    /// Whether to go on trying to write a frame. One that was begun must be written to its end, whoever
    /// waits for the answer.
    fn go_on(&self, name: &'static str, deadline: &Deadline, untouched: bool) -> Result<()> {
        if self.is_over() {
            return Err(self.over(name));
        }
        if untouched && deadline.soft && self.left(deadline).is_none() {
            return Err(self.out_of_time(name));
        }
        if self.left(&deadline.hard(self.patience)).is_none() {
            self.end(&format!("did not read within {}", seconds(self.patience)));
            return Err(self.over(name));
        }
        Ok(())
    }

    /// Waits until the child reads on, and reads what it has to say first.
    fn wait_to_write(self: &Arc<Self>, pipe: &ChildStdin, deadline: &Deadline) {
        let left = self.left(deadline).unwrap_or(GLANCE).min(GLANCE);
        let Some(mut reader) = self.calls.take_reader() else {
            return poll(&mut [PollFd::new(pipe, PollFlags::OUT)], left);
        };
        let ready =
            &mut [PollFd::new(pipe, PollFlags::OUT), PollFd::new(reader.pipe(), PollFlags::IN)];
        poll(ready, left);
        let readable = !ready[1].revents().is_empty();
        let mut read = if readable { fill(&mut reader) } else { Ok(false) };
        while read.is_ok() {
            match reader.take() {
                Ok(Some(frame)) => drop(self.received(frame, None)),
                Ok(None) => return self.calls.put_back(reader),
                Err(broken) => read = Err(broken.into()),
            }
        }
        if let Err(broken) = read {
            self.end(&self.why(&broken));
        }
    }

    /// Tells the child to go.
    pub(super) fn dismiss(&self) {
        self.calls.end("was told to go");
        self.input.close();
    }

    /// Tells the child to go, and sees to it that it does.
    pub(super) fn finish(&self) {
        self.dismiss();
        if self.child.verdict(GRACE).is_none() {
            self.child.kill();
        }
    }

    /// Ends everything, for this reason.
    fn end(&self, why: &str) {
        self.calls.end(why);
        self.input.close();
        self.child.kill();
    }

    /// Ends a child that left a call without an answer for too long, though nobody waits for it.
    fn end_if_stuck(self: &Arc<Self>) {
        if !self.is_stuck() {
            return;
        }
        let started = Instant::now();
        let left = || LAST_LOOK.checked_sub(started.elapsed()).filter(|_| self.is_stuck());
        while left().is_some() {
            match self.calls.take_reader() {
                Some(reader) => self.read_on(reader, left),
                None => thread::sleep(GLANCE),
            }
        }
        if self.is_stuck() {
            self.end(&format!("did not answer within {}", seconds(self.patience)));
        }
    }

    fn is_stuck(&self) -> bool {
        self.calls.oldest_forgotten().is_some_and(|started| {
            let deadline = Deadline { started, limit: self.patience, soft: false };
            self.left(&deadline).is_none()
        })
    }

    /// Reads what others wait for, or nobody.
    fn read_on(self: &Arc<Self>, mut reader: Reader, left: impl Fn() -> Option<Duration>) {
        loop {
            match self.next(&mut reader, &left) {
                Ok(Some(frame)) => drop(self.received(frame, None)),
                Ok(None) => return self.calls.put_back(reader),
                Err(broken) => return self.end(&self.why(&broken)),
            }
        }
    }

    /// The time is over. Either the child is stuck, or whoever calls cannot wait longer.
    fn late(&self, name: &'static str, id: u64, deadline: &Deadline) -> Error {
        if deadline.soft {
            self.calls.forget(id, deadline.started);
            return self.out_of_time(name);
        }
        self.calls.drop_call(id);
        let why = format!("did not answer within {}", seconds(deadline.limit));
        self.end(&why);
        self.gone(name, &why)
    }

    /// How the end of the pipe came about.
    fn why(&self, end: &End) -> String {
        match end {
            End::Broken(Broken::TooLong(length)) => format!("sends a frame of {length} bytes"),
            End::Closed | End::Broken(_) => match self.child.verdict(LAST_MOMENTS) {
                Some(verdict) => verdict,
                None => "closed its output".to_owned(),
            },
        }
    }

    fn deadline(&self, wait: Wait<'_>) -> Deadline {
        let (limit, soft) = match wait {
            Wait::Usual(host) => match host.remaining() {
                Some(remaining) if remaining < self.patience => (remaining, true),
                _ => (self.patience, false),
            },
            Wait::Longer(longer) => (self.patience.saturating_add(longer), false),
            Wait::Only(limit) => (limit, false),
            Wait::AtMost(limit) => (limit, true),
        };
        Deadline::new(limit, soft)
    }

    fn left(&self, deadline: &Deadline) -> Option<Duration> {
        self.pauses.left(deadline)
    }

    fn gone(&self, name: &'static str, why: &str) -> Error {
        let why = format!("the program {} {why}", self.program);
        Error::new(ErrorKind::Unavailable, name).because(why)
    }

    /// Everything has ended.
    fn over(&self, name: &'static str) -> Error {
        self.gone(name, &self.calls.ended().unwrap_or_default())
    }

    fn out_of_time(&self, name: &'static str) -> Error {
        self.gone(name, "did not answer in the time that remained")
    }

    /// What a child answered to a call makes no sense.
    pub(super) fn nonsense(&self, name: &'static str, what: &str) -> Error {
        self.gone(name, &format!("answers {name} with nonsense: {what}"))
    }
}

/// A client that nobody has any more has nobody to kill its child.
impl Drop for Client {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Why no more comes from a child.
#[derive(Debug)]
enum End {
    Closed,
    Broken(Broken),
}

impl From<Broken> for End {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// Reads once, if there is something, and says whether there was.
fn fill(reader: &mut Reader) -> Result<bool, End> {
    match reader.fill() {
        Ok(true) => Ok(true),
        Ok(false) => Err(End::Closed),
        Err(Broken::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(broken) => Err(broken.into()),
    }
}

/// Waits so long for one of these. What is ready, or broken, whoever uses it learns.
fn poll(descriptors: &mut [PollFd<'_>], left: Duration) {
    let left = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    };
    let _ = rustix::event::poll(descriptors, Some(&left));
}

fn no_message(what: Malformed) -> String {
    format!("sends what is no message: {}", what.0)
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}
