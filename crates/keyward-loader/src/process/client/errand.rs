//! What a child asks of its host.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Host, Prompt, Result, Secret, SecretRef, Timestamp};
use keyward_plugin::json;

use super::{Client, Wait};
use crate::cbor::Malformed;
use crate::message::failure::line;
use crate::message::storage::millis;
use crate::message::words::{LEVELS, meaning};
use crate::message::{self, Call};

/// With so many threads at work for one child, it is refused what would need another.
const MAX_QUESTIONS: usize = 64;

/// The most threads that work for one child, those that wait until it reads an answer among them.
const MAX_ERRANDS: usize = 2 * MAX_QUESTIONS;

/// What a child may ask, always for an instance.
const CALLS: [&str; 6] = ["secret", "prompt", "variable", "now", "remaining", "log"];

const TOO_MUCH: &str = "asks for too much at once";

/// A question that may take a person's time, or another call to this very child.
#[derive(Debug)]
enum Errand {
    Secret(SecretRef),
    Prompt { text: String, confirm: bool },
}

impl Client {
    /// Does what the child asks. What may take long has a thread of its own; this one goes on
    /// reading.
    pub(super) fn asked(self: &Arc<Self>, call: &Call<'_>) {
        let Some(host) = call.instance.and_then(|instance| self.hosts.get(instance)) else {
            let known = CALLS.contains(&call.name);
            let no_instance = || Error::invalid("call", "there is no such instance");
            return self.refuse(call, &if known { no_instance() } else { unknown() });
        };
        let answer = match call.name {
            "secret" | "prompt" => return self.send_off(call, host),
            "log" => self.log(call, &*host).map(|()| None),
            name => quick(name, call, &*host),
        };
        match (answer, call.id) {
            (Err(error), _) => self.refuse(call, &error),
            (Ok(Some(frame)), Some(_)) => self.reply(frame),
            (Ok(_), _) => {}
        }
    }

    /// Sends an answer, from another thread where it has to be waited for. A child would wait for ever for
    /// one that nobody sends.
    pub(super) fn reply(self: &Arc<Self>, frame: Secret) {
        if !self.replied(&frame) && !self.spawn(MAX_ERRANDS, move |client| client.deliver(&frame)) {
            self.end(TOO_MUCH);
        }
    }

    fn refuse(self: &Arc<Self>, call: &Call<'_>, error: &Error) {
        if let Some(id) = call.id {
            self.reply(message::failure(id, error));
        }
    }

    fn log(&self, call: &Call<'_>, host: &dyn Host) -> Result<()> {
        let level = meaning(&LEVELS, &call.arguments, "level").map_err(nonsense)?;
        let said = call.arguments.get("message").map_err(nonsense)?;
        self.hosts.log(host, level, said);
        Ok(())
    }

    /// Lets a thread of its own do an errand; meanwhile no call of the child is late.
    fn send_off(self: &Arc<Self>, call: &Call<'_>, host: Arc<dyn Host>) {
        let (errand, id) = match (Errand::read(call), call.id) {
            (Ok(errand), Some(id)) => (errand, id),
            (Ok(_), None) => return,
            (Err(error), _) => return self.refuse(call, &error),
        };
        let started = self.spawn(MAX_QUESTIONS, move |client| {
            let answer = client.pauses.pause(|| errand.run(&*host));
            let frame = answer.and_then(|secret| {
                message::answer(id, "call", |fields| {
                    fields.put("secret", secret.expose());
                })
            });
            client.deliver(&frame.unwrap_or_else(|error| message::failure(id, &error)));
        });
        if !started {
            let error = Error::new(ErrorKind::Unavailable, "call");
            self.refuse(call, &error.because(format!("the program {TOO_MUCH}")));
        }
    }

    fn spawn(
        self: &Arc<Self>,
        most: usize,
        work: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> bool {
        let client = Leave(self.clone());
        if self.errands.fetch_add(1, Ordering::Relaxed) >= most {
            return false;
        }
        let errand = thread::Builder::new().name("keyward-errand".into());
        errand.spawn(move || work(&client.0)).is_ok()
    }

    /// Sends an answer. What cannot be sent ends the child, and whoever waits learns that.
    fn deliver(self: &Arc<Self>, frame: &Secret) {
        let deadline = self.deadline(Wait::Longer(Duration::ZERO));
        let _ = self.send("answer", frame, &deadline);
    }

    /// Sends an answer if that takes no waiting.
    fn replied(&self, frame: &Secret) -> bool {
        /// What a pipe takes wholly or not at all: POSIX's `PIPE_BUF`.
        const ATOMIC: usize = 512;

        self.input.take(Duration::ZERO).is_some_and(|pipe| {
            frame.len() <= ATOMIC && rustix::io::write(&*pipe, frame.expose()) == Ok(frame.len())
        })
    }
}

/// An errand that is over, however it ended.
struct Leave(Arc<Client>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.errands.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Errand {
    fn read(call: &Call<'_>) -> Result<Self> {
        let arguments = &call.arguments;
        if call.name == "secret" {
            let reference: &str = arguments.get("reference").map_err(nonsense)?;
            return Ok(Self::Secret(json::reference_from_json(reference.as_bytes())?));
        }
        Ok(Self::Prompt {
            text: line(arguments.get("text").map_err(nonsense)?),
            confirm: arguments.find("confirm").map_err(nonsense)?.unwrap_or_default(),
        })
    }

    fn run(&self, host: &dyn Host) -> Result<Secret> {
        match self {
            Self::Secret(reference) => host.secret(reference),
            Self::Prompt { text, confirm } => host.prompt(&Prompt { text, confirm: *confirm }),
        }
    }
}

/// Answers what the host knows by itself.
fn quick(name: &str, call: &Call<'_>, host: &dyn Host) -> Result<Option<Secret>> {
    let id = call.id.unwrap_or_default();
    let frame = match name {
        "now" => message::answer(id, name, |fields| {
            fields.put("now", Timestamp::as_unix(host.now()));
        }),
        "remaining" => message::answer(id, name, |fields| {
            fields.put_some("remaining", host.remaining().map(millis));
        }),
        "variable" => {
            let value = host.variable(call.arguments.get("name").map_err(nonsense)?);
            message::answer(id, name, |fields| {
                fields.put_some("secret", value.as_ref().map(Secret::expose));
            })
        }
        _ => Err(unknown()),
    };
    frame.map(Some)
}

fn unknown() -> Error {
    Error::new(ErrorKind::Unsupported, "call").because("there is no such call")
}

fn nonsense(what: Malformed) -> Error {
    Error::invalid("call", what.0)
}
