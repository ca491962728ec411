//! The calls of a child to its host.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Prompt, Result, Secret, SecretRef, Timestamp, catch_panic,
};
use keyward_plugin::json;

use super::Link;
use super::clock::{Clock, Pause};
use super::source_call::SourceCall;
use crate::roles::not_valid;
use keyward_wire::message::failure::escape_text;
use keyward_wire::message::storage::millis;
use keyward_wire::message::words::{LEVELS, meaning};
use keyward_wire::message::{self, Call, network, secret};

/// The most calls that wait until they are answered, and the most of `secret`, `prompt` and those to
/// stores that are under way.
pub(super) const MAX_HOST_CALLS: usize = 64;

/// The calls that a child may make, always for an instance.
const CALLS: [&str; 11] = [
    "secret",
    "prompt",
    "variable",
    "now",
    "remaining",
    "log",
    "network",
    "source_get",
    "source_contains",
    "source_list",
    "source_swap",
];

/// A call that wants an answer.
#[derive(Debug)]
pub(super) struct HostCall {
    id: u64,
    /// The question and the host that answers it, or why the call is refused.
    question: Result<(Question, Arc<dyn Host>)>,
}

#[derive(Debug)]
enum Question {
    Secret(SecretRef),
    Prompt {
        text: String,
        confirm: bool,
    },
    Variable(String),
    Now,
    /// How long the caller waits for the call of this child that is under way.
    Remaining(Option<Duration>),
    Network,
    Source(SourceCall),
    /// The call was already done.
    Nothing,
}

/// Receives a call on the thread that reads. A line for the log is logged at once, so that it comes
/// before the answers that follow it; every other call is queued. A full queue stops the reading
/// until the child has read some of its answers.
pub(super) fn receive(link: &Link, call: &Call<'_>, queue: &SyncSender<HostCall>) {
    let question = match call.instance.and_then(|instance| link.hosts.get(instance)) {
        Some(host) if call.name == "log" => {
            log(link, call, &*host).map(|()| (Question::Nothing, host))
        }
        Some(host) => Question::read(link, call).map(|question| (question, host)),
        None if CALLS.contains(&call.name) => {
            Err(Error::invalid("call", "there is no such instance"))
        }
        None => Err(unknown()),
    };
    if let Some(id) = call.id {
        // This fails only if no thread answers any more, because the child has ended.
        let _ = queue.send(HostCall { id, question });
    }
}

fn log(link: &Link, call: &Call<'_>, host: &dyn Host) -> Result<()> {
    let level = meaning(&LEVELS, &call.arguments, "level").map_err(not_valid)?;
    let said = call.arguments.get("message").map_err(not_valid)?;
    // A panic must not end the thread that reads.
    let _ = catch_panic("log", || {
        link.while_paused(|| link.hosts.log(host, level, said));
        Ok(())
    });
    Ok(())
}

/// Queues a refusal, if the child wants an answer.
pub(super) fn refuse(id: Option<u64>, error: Error, queue: &SyncSender<HostCall>) {
    if let Some(id) = id {
        let _ = queue.send(HostCall { id, question: Err(error) });
    }
}

/// Answers the calls in the queue until the child has ended.
///
/// `secret`, `prompt` and the calls to stores may wait for the user, or call this same child, so each
/// gets a separate thread.
pub(super) fn answer_all(link: &Arc<Link>, queue: Receiver<HostCall>) {
    // Each of those threads has a clone, so the count of clones is the number of threads.
    let threads = Arc::new(());
    for HostCall { id, question } in queue {
        match question {
            Ok((question, host)) if question.may_take_long() => {
                if Arc::strong_count(&threads) > MAX_HOST_CALLS {
                    answer(link, id, Err(too_many(link)));
                    continue;
                }
                let (link, running) = (link.clone(), threads.clone());
                let thread = thread::Builder::new().name("keyward-host-call".into());
                // If no thread can be started, the child's call gets no answer in time, and the
                // child is killed.
                let _ = thread.spawn(move || {
                    let answered = link.while_paused(|| ask(&question, id, &*host));
                    answer(&link, id, answered);
                    drop(running);
                });
            }
            Ok((question, host)) => answer(link, id, ask(&question, id, &*host)),
            Err(error) => answer(link, id, Err(error)),
        }
    }
}

/// Asks the host. If it panics, that is an error.
fn ask(question: &Question, id: u64, host: &dyn Host) -> Result<Secret> {
    catch_panic("call", || Ok(question.answer(id, host)))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "call").because("the host panicked")))
}

/// Sends an answer. If that fails, the child is ended, and every thread that waits for it learns
/// that.
fn answer(link: &Link, id: u64, frame: Result<Secret>) {
    let frame = frame.unwrap_or_else(|error| message::failure(id, &error));
    let _ = link.send("answer", &frame, &Clock::start(link.call_timeout, false));
}

impl Question {
    fn read(link: &Link, call: &Call<'_>) -> Result<Self> {
        let arguments = &call.arguments;
        Ok(match call.name {
            "secret" => {
                let reference: &str = arguments.get("reference").map_err(not_valid)?;
                Self::Secret(json::reference_from_json(reference.as_bytes())?)
            }
            "prompt" => Self::Prompt {
                text: escape_text(arguments.get("text").map_err(not_valid)?),
                confirm: arguments.find("confirm").map_err(not_valid)?.unwrap_or_default(),
            },
            "variable" => {
                Self::Variable(arguments.get::<&str>("name").map_err(not_valid)?.to_owned())
            }
            "now" => Self::Now,
            "remaining" => Self::Remaining(link.shortest_wait()),
            "network" => Self::Network,
            _ => Self::Source(SourceCall::read(call)?.ok_or_else(unknown)?),
        })
    }

    fn may_take_long(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Prompt { .. } | Self::Source(_))
    }

    /// Asks the host, and returns the frame of the answer.
    fn answer(&self, id: u64, host: &dyn Host) -> Result<Secret> {
        match self {
            Self::Secret(reference) => {
                let loaded = host.secret(reference)?;
                message::answer(id, "secret", |fields| secret::write(fields, &loaded))
            }
            Self::Prompt { text, confirm } => {
                secret_frame(id, Some(host.prompt(&Prompt::new(text).with_confirm(*confirm))?))
            }
            Self::Variable(name) => secret_frame(id, host.variable(name)),
            Self::Now => message::answer(id, "now", |fields| {
                fields.put("now", Timestamp::as_unix(host.now()));
            }),
            Self::Remaining(wait) => message::answer(id, "remaining", |fields| {
                fields.put_some("remaining", host.remaining().or(*wait).map(millis));
            }),
            Self::Network => {
                let network = host.network()?;
                message::answer(id, "network", |fields| network::write(fields, &network))
            }
            Self::Source(call) => call.answer(id, host),
            Self::Nothing => message::answer(id, "log", message::nothing),
        }
    }
}

fn secret_frame(id: u64, secret: Option<Secret>) -> Result<Secret> {
    message::answer(id, "call", |fields| {
        fields.put_some("secret", secret.as_ref().map(Secret::expose));
    })
}

impl Link {
    /// Returns how long the callers wait that give up before the child is killed: the shortest of
    /// these times. The host does not know it, because a deadline belongs to the thread that calls.
    fn shortest_wait(&self) -> Option<Duration> {
        let clocks = self.calls.kept();
        let given_up = clocks.iter().filter(|clock| clock.gives_up);
        given_up.map(|clock| clock.left().unwrap_or_default()).min()
    }

    /// Does `work`, with the time limits of the calls to the child suspended.
    fn while_paused<T>(&self, work: impl FnOnce() -> T) -> T {
        let _pause = Pause::begin(self.calls.kept());
        work()
    }
}

fn unknown() -> Error {
    Error::new(ErrorKind::Unsupported, "call").because("there is no such call")
}

fn too_many(link: &Link) -> Error {
    let why = format!("the program {} makes too many calls at the same time", link.program);
    Error::new(ErrorKind::Unavailable, "call").because(why)
}
