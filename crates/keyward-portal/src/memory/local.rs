use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Debug};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward_core::{Result, Secret, Timestamp};

use super::{Edit, Key, Memory, Topic};

/// The notes of one process.
///
/// Each topic has a limit. At the limit, a new note replaces the one of its topic whose time ends
/// first, so that a flood of logins cannot fill the memory.
pub struct LocalMemory {
    notes: Mutex<HashMap<Topic, Notes>>,
    limit: usize,
}

#[derive(Default)]
struct Notes {
    by_key: HashMap<String, (Secret, Timestamp)>,
    by_end: BTreeSet<(Timestamp, String)>,
}

impl LocalMemory {
    /// The most notes of each topic, unless another limit is given.
    pub const LIMIT: usize = 100_000;

    /// Makes a memory with this limit for each topic.
    pub fn with_limit(limit: usize) -> Self {
        Self { notes: Mutex::default(), limit: limit.max(1) }
    }

    fn notes(&self) -> MutexGuard<'_, HashMap<Topic, Notes>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for LocalMemory {
    fn default() -> Self {
        Self::with_limit(Self::LIMIT)
    }
}

impl Debug for LocalMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMemory").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Memory for LocalMemory {
    fn update(
        &self,
        key: &Key,
        now: Timestamp,
        change: &mut dyn FnMut(Option<&Secret>) -> Edit,
    ) -> Result<()> {
        let mut topics = self.notes();
        let notes = topics.entry(key.topic).or_default();
        notes.forget_ended(now);
        let current = notes.by_key.get(&key.about).map(|(value, _)| value);
        match change(current) {
            Edit::Leave => {}
            Edit::Put(value, until) => {
                notes.remove(&key.about);
                if notes.by_key.len() >= self.limit {
                    notes.forget_first();
                }
                notes.by_end.insert((until, key.about.clone()));
                notes.by_key.insert(key.about.clone(), (value, until));
            }
            Edit::Remove => notes.remove(&key.about),
        }
        Ok(())
    }
}

impl Notes {
    fn remove(&mut self, about: &str) {
        if let Some((_, until)) = self.by_key.remove(about) {
            self.by_end.remove(&(until, about.to_owned()));
        }
    }

    fn forget_ended(&mut self, now: Timestamp) {
        while self.by_end.first().is_some_and(|(until, _)| *until <= now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, about)) = self.by_end.pop_first() {
            self.by_key.remove(&about);
        }
    }
}
