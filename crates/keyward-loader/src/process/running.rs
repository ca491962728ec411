//! One running program: its child, how it is started again, and how its backends are opened.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keyward_core::{Error, ErrorKind, Host, Result, Role, Values};
use keyward_plugin::json;

use super::Command;
use super::client::{Client, RETIRED};
use super::instance::Instance;
use super::restricted_host::RestrictedHost;
use crate::named_stores::store_options;
use keyward_wire::cbor::{Malformed, Map};
use keyward_wire::manifest::{Announced, has_duplicates};
use keyward_wire::message::hello::Hello;

/// How many times one program is started within [`PERIOD`].
pub(super) const MAX_STARTS: usize = 8;

/// The time for which the starts of a program are counted: one hour.
pub(super) const PERIOD: Duration = Duration::from_secs(60 * 60);

/// A program that was started, and the child that runs it now.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) command: Command,
    /// Never freed, because a registration names it.
    pub(super) hello: &'static Hello,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    client: Arc<Client>,
    starts: Starts,
    /// Whether the program must not be started again.
    is_retired: bool,
}

/// The times at which a program was started, within the last [`PERIOD`].
#[derive(Debug, Default)]
struct Starts(VecDeque<Instant>);

impl Starts {
    /// Counts a start. Returns false, and does not count it, if there were too many.
    fn count(&mut self, now: Instant) -> bool {
        while self.0.front().is_some_and(|start| now.duration_since(*start) >= PERIOD) {
            self.0.pop_front();
        }
        let may_start = self.0.len() < MAX_STARTS;
        if may_start {
            self.0.push_back(now);
        }
        may_start
    }
}

impl Running {
    /// Starts a program. Refuses one that provides two backends with the same role and name.
    pub(super) fn start(command: &Command) -> Result<Arc<Self>> {
        let mut starts = Starts::default();
        starts.count(Instant::now());
        let (client, hello) = Client::start(command)?;
        if has_duplicates(&hello.backends) {
            let why = format!("the program {} provides a backend twice", command.name());
            return Err(Error::new(ErrorKind::Refused, "run").because(why));
        }
        let current = Current { client: Arc::new(client), starts, is_retired: false };
        let hello = Box::leak(Box::new(hello));
        Ok(Arc::new(Self { command: command.clone(), hello, current: Mutex::new(current) }))
    }

    /// Returns the child: the running one, or a new one if it has ended.
    fn client(&self) -> Result<Arc<Client>> {
        let mut current = self.current();
        let refused = |kind, why: &str| {
            let why = format!("the program {} {why}", self.command.name());
            Err(Error::new(kind, "open").because(why))
        };
        if current.is_retired {
            return refused(ErrorKind::Unavailable, RETIRED);
        }
        if !current.client.is_over() {
            return Ok(current.client.clone());
        }
        self.command.verify_again()?;
        if !current.starts.count(Instant::now()) {
            return refused(
                ErrorKind::Unavailable,
                "ended too often within an hour and is not started again",
            );
        }
        let (client, hello) = Client::start(&self.command)?;
        if hello != *self.hello {
            client.finish();
            return refused(ErrorKind::Refused, "has changed its answer to `hello`");
        }
        current.client = Arc::new(client);
        Ok(current.client.clone())
    }

    /// Returns the child, which must now be ended and is not replaced.
    pub(super) fn retire(&self) -> Arc<Client> {
        let mut current = self.current();
        current.is_retired = true;
        current.client.clone()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens one backend of a program.
#[derive(Debug)]
pub(crate) struct Opener {
    running: Arc<Running>,
    backend: &'static Announced,
}

impl Opener {
    /// Makes the opener of a backend of this program.
    pub(super) fn new(running: &Arc<Running>, backend: &'static Announced) -> Self {
        Self { running: Arc::clone(running), backend }
    }

    /// The role in which it opens the backend.
    pub(crate) fn role(&self) -> Role {
        self.backend.role
    }

    /// Opens an instance, and reads the child's description of it.
    pub(crate) fn open<T>(
        &self,
        values: &Values,
        host: &Arc<dyn Host>,
        read: impl FnOnce(&Map<'_>) -> Result<T, Malformed>,
    ) -> Result<(Instance, T)> {
        let options = json::values_to_json(values);
        let options = std::str::from_utf8(&options).expect("JSON is text");
        let name = &self.backend.name;
        let stores = store_options(&self.backend.options);
        let visible = self.running.command.environment.iter().map(|(name, _)| name.as_str());
        let host: Arc<dyn Host> =
            Arc::new(RestrictedHost::new(host, name, values, &stores, visible));
        let instance = Instance::new(self.running.client()?, name, host);
        let said = instance.call(
            "open",
            |fields| {
                fields.put("role", self.role().name()).put("name", name.as_str());
                fields.put("options", options);
            },
            read,
        )?;
        Ok((instance, said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_limited_within_an_hour_and_possible_again_after_it() {
        let mut starts = Starts::default();
        let first = Instant::now();
        let later = |seconds| first + Duration::from_secs(seconds);
        assert!((0..8).all(|start| starts.count(later(start))));
        assert!(!starts.count(later(10)));
        assert!(!starts.count(later(3599)));
        assert!(starts.count(later(3600)));
        assert!(!starts.count(later(3600)));
        assert!(starts.count(later(3601)));
    }
}
