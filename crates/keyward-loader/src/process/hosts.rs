//! For whom a child works: the host of each instance, and who hears what the child says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_core::{Host, Level};

use keyward_wire::message::failure::line;

/// The most that a child may say in all its life, in bytes.
pub(super) const MAX_SAID: usize = 256 << 10;

/// The most lines that are kept until there is a host to hear them.
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
    /// What was said before anybody listened.
    kept: Vec<String>,
}

impl Hosts {
    pub(super) fn new(program: String) -> Self {
        Self { program, state: Mutex::default(), said: AtomicUsize::new(0) }
    }

    /// Gives a new instance its number.
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

    /// The instance is no more.
    pub(super) fn remove(&self, instance: u64) {
        self.state().hosts.remove(&instance);
    }

    /// Whom an instance works for.
    pub(super) fn get(&self, instance: u64) -> Option<Arc<dyn Host>> {
        self.state().hosts.get(&instance).cloned()
    }

    /// Passes a line of error output on, to the host that came last.
    pub(super) fn pass_on(&self, said: &[u8]) {
        let mut state = self.state();
        let host = state.hosts.last_key_value().map(|(_, host)| host.clone());
        match host {
            Some(host) => {
                drop(state);
                self.log(&*host, Level::Info, &String::from_utf8_lossy(said));
            }
            None if state.kept.len() < MAX_KEPT => {
                let said = line(&String::from_utf8_lossy(said));
                state.kept.push(format!("{}: {said}", self.program));
            }
            None => {}
        }
    }

    /// Tells a host what the child says, as long as it has not said too much.
    pub(super) fn log(&self, host: &dyn Host, level: Level, said: &str) {
        let before = self.said.fetch_add(said.len() + 1, Ordering::Relaxed);
        if before < MAX_SAID {
            host.log(level, format_args!("{}: {}", self.program, line(said)));
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
