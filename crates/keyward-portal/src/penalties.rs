use std::time::Duration;

use keyward_core::{Result, Secret, Timestamp};

use crate::marks::label;
use crate::memory::{Edit, Key, Memory, Topic, damaged};
use crate::parts::{join, split};

/// After how many failures attempts are refused for a while.
///
/// Failures are counted for each address and user together, and for each address. So an attacker
/// cannot lock out a user who comes from another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Penalties {
    /// How many failures of one user from one address are free.
    pub per_user: u32,
    /// How many failures from one address are free.
    pub per_address: u32,
    /// The longest time for which attempts are refused. The first time is a second, and each
    /// further failure doubles it. Failures are forgotten after this time, too.
    pub longest: Duration,
}

impl Default for Penalties {
    fn default() -> Self {
        Self { per_user: 5, per_address: 50, longest: Duration::from_mins(15) }
    }
}

/// What an attempt is counted for.
#[derive(Debug)]
pub(crate) struct Counted {
    user: Key,
    address: Key,
}

impl Counted {
    /// `user` is the prepared name, so that other spellings of it count as the same user.
    pub(crate) fn new(address: &str, user: &str) -> Self {
        let note = |about| Key { topic: Topic::Penalty, about };
        Self {
            user: note(label("penalty-user", &[address.as_bytes(), user.as_bytes()])),
            address: note(label("penalty-address", &[address.as_bytes()])),
        }
    }
}

impl Penalties {
    /// Counts an attempt before it is checked, as if it had failed; or returns how long attempts are
    /// refused. So attempts that run at the same time are counted as well.
    pub(crate) fn count(
        &self,
        memory: &dyn Memory,
        counted: &Counted,
        now: Timestamp,
    ) -> Result<Option<Duration>> {
        for (key, free) in [(&counted.address, self.per_address), (&counted.user, self.per_user)] {
            if let Some(wait) = self.count_one(memory, key, free, now)? {
                return Ok(Some(wait));
            }
        }
        Ok(None)
    }

    fn count_one(
        &self,
        memory: &dyn Memory,
        key: &Key,
        free: u32,
        now: Timestamp,
    ) -> Result<Option<Duration>> {
        let mut wait = Ok(None);
        memory.update(key, now, &mut |note| {
            let count = match note.map(Count::read).transpose() {
                Ok(count) => count.unwrap_or_default(),
                Err(error) => {
                    wait = Err(error);
                    return Edit::Leave;
                }
            };
            if now < count.refused_until {
                let left = count.refused_until.as_unix() - now.as_unix();
                wait = Ok(Some(Duration::from_secs(left)));
                return Edit::Leave;
            }
            wait = Ok(None);
            let failures = count.failures.saturating_add(1);
            let refused_until = now.after(self.refused_for(failures, free));
            let next = Count { failures, refused_until };
            Edit::Put(next.write(), refused_until.after(self.longest))
        })?;
        wait
    }

    /// How long attempts are refused after this many failures.
    fn refused_for(&self, failures: u32, free: u32) -> Duration {
        match failures.saturating_sub(free) {
            0 => Duration::ZERO,
            more => Duration::from_secs(1 << (more - 1).min(30)).min(self.longest),
        }
    }

    /// Takes back what was counted for an attempt that succeeded: the user begins again, and the
    /// address has one failure less.
    pub(crate) fn forgive(
        &self,
        memory: &dyn Memory,
        counted: &Counted,
        now: Timestamp,
    ) -> Result<()> {
        memory.update(&counted.user, now, &mut |_| Edit::Remove)?;
        memory.update(&counted.address, now, &mut |note| match note.map(Count::read) {
            Some(Ok(count)) if count.failures > 1 => {
                let failures = count.failures - 1;
                let refused_until = now.after(self.refused_for(failures, self.per_address));
                let next =
                    Count { failures, refused_until: refused_until.min(count.refused_until) };
                Edit::Put(next.write(), now.after(self.longest))
            }
            _ => Edit::Remove,
        })
    }
}

#[derive(Default)]
struct Count {
    failures: u32,
    refused_until: Timestamp,
}

impl Count {
    fn write(&self) -> Secret {
        let until = self.refused_until.as_unix();
        join([&self.failures.to_be_bytes()[..], &until.to_be_bytes()[..]])
    }

    fn read(note: &Secret) -> Result<Self> {
        let parts = split(note.expose()).ok_or_else(damaged)?;
        let [failures, until] = parts.as_slice() else { return Err(damaged()) };
        let failures = u32::from_be_bytes((*failures).try_into().map_err(|_| damaged())?);
        let until = u64::from_be_bytes((*until).try_into().map_err(|_| damaged())?);
        Ok(Self { failures, refused_until: Timestamp::from_unix(until) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::LocalMemory;

    fn unix(seconds: u64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + seconds)
    }

    #[test]
    fn failures_cost_more_and_more_time_and_are_forgotten() {
        let memory = LocalMemory::default();
        let penalties = Penalties::default();
        let ann = Counted::new("192.0.2.1", "ann");
        let count = |who: &Counted, now| penalties.count(&memory, who, now).unwrap();
        for _ in 0..6 {
            assert_eq!(count(&ann, unix(0)), None);
        }
        assert_eq!(count(&ann, unix(0)), Some(Duration::from_secs(1)));
        assert_eq!(count(&ann, unix(1)), None);
        assert_eq!(count(&ann, unix(2)), Some(Duration::from_secs(1)));
        assert_eq!(count(&ann, unix(3)), None);
        assert_eq!(count(&ann, unix(3)), Some(Duration::from_secs(4)));
        let elsewhere = Counted::new("192.0.2.2", "ann");
        assert_eq!(count(&elsewhere, unix(3)), None);
        penalties.forgive(&memory, &elsewhere, unix(3)).unwrap();
        assert_eq!(count(&ann, unix(3)), Some(Duration::from_secs(4)));
        assert_eq!(count(&ann, unix(3 + 2000)), None);
        assert_eq!(count(&ann, unix(3 + 2000)), None);
    }

    #[test]
    fn an_address_that_tries_many_names_is_refused() {
        let memory = LocalMemory::default();
        let penalties = Penalties::default();
        let mut refused = None;
        for number in 0..=51 {
            let who = Counted::new("192.0.2.1", &format!("user{number}"));
            refused = penalties.count(&memory, &who, unix(0)).unwrap();
        }
        assert_eq!(refused, Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_success_takes_back_what_was_counted() {
        let memory = LocalMemory::default();
        let penalties = Penalties::default();
        let ann = Counted::new("192.0.2.1", "ann");
        for _ in 0..200 {
            assert_eq!(penalties.count(&memory, &ann, unix(0)).unwrap(), None);
            penalties.forgive(&memory, &ann, unix(0)).unwrap();
        }
    }
}
