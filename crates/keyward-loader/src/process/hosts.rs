//! The hosts of a child's instances, and the host that gets the child's messages.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_core::{Host, Level};

use keyward_wire::message::failure::escape_text;

/// The most text that a child may print in its whole life, in bytes.
pub(super) const MAX_SAID: usize = 256 << 10;

/// The largest number of lines that are kept until there is a host.
const MAX_KEPT: usize = 16;

/// The hosts of a child's instances, by instance.
#[derive(Debug)]
pub(super) struct Hosts {
    program: String,
    state: Mutex<State>,
    said: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    hosts: BTreeMap<u64, Arc<dyn Host>>,
    /// The lines that arrived before there was a host.
    kept: Vec<String>,
}

impl Hosts {
    pub(super) fn new(program: String) -> Self {
        Self { program, state: Mutex::default(), said: AtomicUsize::new(0) }
    }

    /// Adds an instance and returns its number.
    pub(super) fn add(&self, host: &Arc<dyn Host>) -> u64 {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        state.hosts.insert(number, host.clone());
        let kept = std::mem::take(&mut state.kept);
        drop(state);
        for message in kept {
            host.log(Level::Info, format_args!("{message}"));
        }
        number
    }

    /// Removes an instance.
    pub(super) fn remove(&self, instance: u64) {
        self.state().hosts.remove(&instance);
    }

    /// Returns the host of an instance.
    pub(super) fn get(&self, instance: u64) -> Option<Arc<dyn Host>> {
        self.state().hosts.get(&instance).cloned()
    }

    /// Passes a line of error output to the host that was added last.
    pub(super) fn pass_on(&self, said: &[u8]) {
        let mut state = self.state();
        let host = state.hosts.last_key_value().map(|(_, host)| host.clone());
        match host {
            Some(host) => {
                drop(state);
                self.log(&*host, Level::Info, &String::from_utf8_lossy(said));
            }
            None if state.kept.len() < MAX_KEPT => {
                let said = escape_text(&String::from_utf8_lossy(said));
                state.kept.push(format!("{}: {said}", self.program));
            }
            None => {}
        }
    }

    /// Passes a message of the child to a host, unless the child has printed too much.
    pub(super) fn log(&self, host: &dyn Host, level: Level, said: &str) {
        let before = self.said.fetch_add(said.len() + 1, Ordering::Relaxed);
        if before < MAX_SAID {
            host.log(level, format_args!("{}: {}", self.program, escape_text(said)));
            if before + said.len() + 1 >= MAX_SAID {
                let enough = "says too much; nothing more of it is passed on";
                host.log(Level::Warning, format_args!("{} {enough}", self.program));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
