//! The host's side of one child: the calls to it, and its end.
//!
//! Besides the thread that reaps it, a child has three threads: one [reads](output) its output and
//! passes each answer to the thread that called, one [answers](host_call) the child's calls, and
//! one passes on its error output.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{Error, ErrorKind, Host, Result, Secret};

use super::Command;
use super::child::{Child, Pipes};
use super::hosts::Hosts;
use crate::calls::Calls;
use crate::errors::accept_kind;
use keyward_wire::cbor::{Fields, Malformed, Map};
use keyward_wire::frame::Broken;
use keyward_wire::message::hello::{self, Hello};
use keyward_wire::message::{self, Message};

mod clock;
mod host_call;
mod input;
mod output;
mod source_call;

use clock::Clock;
use input::{Input, NotWritten};
use output::Output;

/// How long a program may take to start and to answer `hello`.
pub(super) const START: Duration = Duration::from_secs(10);

/// How long a child that closed its output may take to end.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// How long a child may take to end after it was asked to.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How long an answer is still accepted after its time, before the child is killed: it may have
/// come in time and not have been read yet, because this process was suspended.
const FINAL_DRAIN: Duration = Duration::from_millis(100);

/// Why a child has ended, if the host asked it to end.
pub(super) const RETIRED: &str = "was asked to end";

/// How often a thread checks whether a child that seems stuck has answered.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The shortest wait for an answer, so that a thread does not spin while a clock is stopped.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// A running child. When this is dropped, the child is asked to end, and is killed if it does not.
#[derive(Debug)]
pub(super) struct Client(Arc<Link>);

/// What the threads of a child share.
#[derive(Debug)]
pub(super) struct Link {
    /// The program's path, for errors.
    program: String,
    child: Child,
    calls: Calls<Arc<Clock>>,
    input: Input,
    hosts: Arc<Hosts>,
    call_timeout: Duration,
}

/// The time limit of a call, and what happens after it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait<'a> {
    /// The time that the host's caller has, after which only the caller gives up. If the caller
    /// waits for ever, the usual limit, after which the child is killed.
    Usual(&'a dyn Host),
    /// The usual limit and this much longer, or the time that the host's caller has if that is
    /// longer still. Then the child is killed.
    Whole(&'a dyn Host, Duration),
    /// This long. Then the child is killed.
    Only(Duration),
    /// At most this long. Then only the caller gives up.
    AtMost(Duration),
}

impl Client {
    /// Starts a child and asks it for its backends.
    pub(super) fn start(command: &Command) -> Result<(Self, Hello)> {
        let program = command.name();
        let hosts = Arc::new(Hosts::new(message::failure::escape_text(&program)));
        let log = hosts.clone();
        let (child, Pipes { input, output, ended }) =
            Child::start(command, move |said| log.pass_on(said))?;
        let client = Self(Arc::new(Link {
            program,
            child,
            calls: Calls::default(),
            hosts,
            call_timeout: command.call_timeout,
            input: Input::new(input)?,
        }));
        output::read_in_background(&client.0, Output { pipe: output, ended })?;
        let greeted = client.greet();
        if greeted.is_err() {
            client.end("is not used");
        }
        Ok((client, greeted?))
    }
}

impl Deref for Client {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.0
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Link {
    fn greet(&self) -> Result<Hello> {
        let about = |error: Error| error.in_backend(&self.program);
        let answer =
            self.call("hello", None, Wait::Only(START), hello::write_version).map_err(about)?;
        let outcome = self.outcome(&answer, "hello").map_err(about)?;
        let fields = outcome.map_err(|error| about(accept_kind("hello", error)))?;
        hello::check_version(&fields).map_err(about)?;
        hello::read(&fields).map_err(|what| about(self.protocol_error("hello", what.0)))
    }

    /// Returns the hosts of its instances.
    pub(super) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Whether it has ended or was killed.
    pub(super) fn is_over(&self) -> bool {
        self.calls.ended().is_some()
    }

    /// Makes a call and returns the frame of its answer.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if there is no answer.
    pub(super) fn call(
        &self,
        name: &'static str,
        instance: Option<u64>,
        wait: Wait<'_>,
        arguments: impl FnOnce(&mut Fields<'_>),
    ) -> Result<Secret> {
        let clock = self.clock(wait);
        self.end_if_stuck();
        let (id, answer) =
            self.calls.start(clock.clone()).map_err(|why| self.unavailable(name, &why))?;
        let sent = message::call(Some(id), name, instance, arguments)
            .and_then(|frame| self.send(name, &frame, &clock));
        if let Err(error) = sent {
            self.calls.cancel(id);
            return Err(error);
        }
        self.receive(name, &answer, &clock)
    }

    /// Waits for an answer until the call's time is over.
    fn receive(
        &self,
        name: &'static str,
        answer: &Receiver<Secret>,
        clock: &Clock,
    ) -> Result<Secret> {
        loop {
            let left = clock.left();
            let wait = match left {
                Some(left) => left.max(SHORTEST_WAIT),
                None if clock.gives_up => Duration::ZERO,
                None => FINAL_DRAIN,
            };
            match answer.recv_timeout(wait) {
                Ok(frame) => return Ok(frame),
                Err(RecvTimeoutError::Disconnected) => return Err(self.over(name)),
                Err(RecvTimeoutError::Timeout) if left.is_some() => {}
                Err(RecvTimeoutError::Timeout) if clock.gives_up => {
                    return Err(self.out_of_time(name));
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.end(&not_answered(clock.limit));
                    return Err(self.over(name));
                }
            }
        }
    }

    /// Returns the fields of an answer, or the error in it.
    ///
    /// # Errors
    /// [`Other`](ErrorKind::Other) if the frame is not an answer.
    pub(super) fn outcome<'a>(
        &self,
        frame: &'a Secret,
        name: &'static str,
    ) -> Result<Result<Map<'a>>> {
        match Message::read(frame.expose()) {
            Ok(Message::Answer { outcome, .. }) => Ok(outcome),
            _ => Err(Error::new(ErrorKind::Other, name)),
        }
    }

    /// Writes a frame.
    fn send(&self, name: &'static str, frame: &Secret, clock: &Clock) -> Result<()> {
        let limit = clock.hard_limit(self.call_timeout);
        match self.input.write(frame.expose(), clock, limit) {
            Ok(()) => return Ok(()),
            Err(NotWritten::CallerGaveUp) => return Err(self.out_of_time(name)),
            Err(NotWritten::Closed) => {}
            Err(NotWritten::NotRead) => {
                self.end(&format!("did not read within {}", seconds(limit)));
            }
            Err(NotWritten::Broken) => self.end(&self.why_closed()),
        }
        Err(self.over(name))
    }

    /// Asks the child to end.
    pub(super) fn dismiss(&self) {
        self.calls.end(RETIRED);
        self.input.close();
    }

    /// Asks the child to end, and kills it if it does not end soon.
    pub(super) fn finish(&self) {
        self.dismiss();
        if self.child.verdict(GRACE).is_none() {
            self.child.kill();
        }
    }

    /// Kills the child, for this reason.
    fn end(&self, why: &str) {
        self.calls.end(why);
        self.input.close();
        self.child.kill();
    }

    /// Kills a child that has not answered a call for too long, after the caller has given up.
    fn end_if_stuck(&self) {
        let started = Instant::now();
        while let Some(limit) = self.passed_limit() {
            if started.elapsed() >= FINAL_DRAIN {
                return self.end(&not_answered(limit));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Returns the limit of a call that the child should have answered by now, although the caller
    /// has given up.
    fn passed_limit(&self) -> Option<Duration> {
        self.calls.kept().iter().filter(|clock| clock.gives_up).find_map(|clock| {
            let limit = clock.hard_limit(self.call_timeout);
            clock.left_of(limit).is_none().then_some(limit)
        })
    }

    /// Returns why the child's output ended, or its input failed.
    fn why_closed(&self) -> String {
        self.child.verdict(EXIT_GRACE).unwrap_or_else(|| "closed its output".to_owned())
    }

    /// Returns why no further frame can be read.
    fn why_broken(&self, broken: &Broken) -> String {
        match broken {
            Broken::TooLong(length) => format!("sends a frame of {length} bytes"),
            Broken::Io(_) | Broken::Half => self.why_closed(),
        }
    }

    fn clock(&self, wait: Wait<'_>) -> Arc<Clock> {
        let (limit, gives_up) = match wait {
            Wait::Usual(host) => match host.remaining() {
                Some(remaining) => (remaining, true),
                None => (self.call_timeout, false),
            },
            Wait::Whole(host, longer) => {
                let limit = self.call_timeout.saturating_add(longer);
                (host.remaining().map_or(limit, |remaining| remaining.max(limit)), false)
            }
            Wait::Only(limit) => (limit, false),
            Wait::AtMost(limit) => (limit, true),
        };
        Clock::start(limit, gives_up)
    }

    fn unavailable(&self, name: &'static str, why: &str) -> Error {
        let why = format!("the program {} {why}", self.program);
        Error::new(ErrorKind::Unavailable, name).because(why)
    }

    /// The child has ended.
    fn over(&self, name: &'static str) -> Error {
        self.unavailable(name, &self.calls.ended().unwrap_or_default())
    }

    fn out_of_time(&self, name: &'static str) -> Error {
        self.unavailable(name, "did not answer in the time that remained")
    }

    /// Returns the error for an answer of the child that is not valid.
    pub(super) fn protocol_error(&self, name: &'static str, what: &str) -> Error {
        self.unavailable(name, &format!("returns an answer to {name} that is not valid: {what}"))
    }
}

fn no_message(what: Malformed) -> String {
    format!("sends a frame that is not a message: {}", what.0)
}

fn not_answered(limit: Duration) -> String {
    format!("did not answer within {}", seconds(limit))
}

/// The time that remained of an operation is not a round number.
fn seconds(limit: Duration) -> String {
    format!("{} s", (limit.as_secs_f64() * 10.0).round() / 10.0)
}
