use std::net::IpAddr;
use std::time::Duration;

use keyward_core::{Result, Secret, Timestamp};

use crate::marks::label;
use crate::memory::{Edit, Key, Memory, Topic, damaged};
use crate::parts::{join, split};

/// After how many failures attempts are refused for a while.
///
/// Failures are counted for each address and user together, and for each address. So an attacker
/// cannot lock out a user who comes from another address. Addresses of one IPv6 network (/64) count as
/// one. Wrong one-time passwords are counted for each user, whatever the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Penalties {
    /// How many failures of one user from one address are free, and how many wrong one-time passwords
    /// of one user.
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

/// How many attempts of one user from one address may run at the same time, and how many from one
/// address. It bounds the guesses that are made before the first of them has failed.
const RUNNING_PER_USER: u32 = 50;
const RUNNING_PER_ADDRESS: u32 = 1000;

/// What an attempt is counted for.
#[derive(Debug)]
pub(crate) struct Counted(Vec<Limited>);

#[derive(Debug)]
struct Limited {
    key: Key,
    free: u32,
    running: u32,
    is_user: bool,
}

impl Penalties {
    /// Returns what an attempt from an address counts for. `user` is the prepared name, so that other
    /// spellings of it count as the same user; there is none for a token.
    pub(crate) fn counted(&self, address: &str, user: Option<&str>) -> Counted {
        let network = network(address);
        let limited = |key, free, running, is_user| Limited { key, free, running, is_user };
        // For some checkers, case does not matter.
        let user = user.map(str::to_lowercase);
        let user = user.map(|user| {
            let about = label("penalty-user", &[network.as_bytes(), user.as_bytes()]);
            limited(note(about), self.per_user, RUNNING_PER_USER, true)
        });
        let about = label("penalty-address", &[network.as_bytes()]);
        let address = limited(note(about), self.per_address, RUNNING_PER_ADDRESS, false);
        Counted(user.into_iter().chain([address]).collect())
    }

    /// Returns what a one-time password of a user counts for.
    pub(crate) fn codes_of(&self, user: &str) -> Counted {
        let key = note(label("penalty-code", &[user.as_bytes()]));
        Counted(vec![Limited {
            key,
            free: self.per_user,
            running: RUNNING_PER_USER,
            is_user: true,
        }])
    }

    /// Begins an attempt, or returns how long attempts are refused. Each attempt that was begun is
    /// [ended](Self::end).
    pub(crate) fn begin(
        &self,
        memory: &dyn Memory,
        counted: &Counted,
        now: Timestamp,
    ) -> Result<Option<Duration>> {
        for (index, limited) in counted.0.iter().enumerate() {
            let mut wait = None;
            self.change(memory, limited, now, |count| {
                wait = if now < count.refused_until {
                    Some(Duration::from_secs(count.refused_until.as_unix() - now.as_unix()))
                } else if count.running >= limited.running {
                    Some(Duration::from_secs(1))
                } else {
                    count.running += 1;
                    None
                };
            })?;
            if wait.is_some() {
                let begun = &counted.0[..index];
                begun.iter().try_for_each(|one| self.end_one(memory, one, now, false))?;
                return Ok(wait);
            }
        }
        Ok(None)
    }

    /// Ends an attempt, and counts it if it has failed. One that ended in an error has not.
    pub(crate) fn end(
        &self,
        memory: &dyn Memory,
        counted: &Counted,
        now: Timestamp,
        has_failed: bool,
    ) -> Result<()> {
        counted.0.iter().try_for_each(|limited| self.end_one(memory, limited, now, has_failed))
    }

    fn end_one(
        &self,
        memory: &dyn Memory,
        limited: &Limited,
        now: Timestamp,
        has_failed: bool,
    ) -> Result<()> {
        self.change(memory, limited, now, |count| {
            count.running = count.running.saturating_sub(1);
            if has_failed {
                count.failures = count.failures.saturating_add(1);
                let wait = self.refused_for(count.failures, limited.free);
                count.refused_until = count.refused_until.max(now.after(wait));
            }
        })
    }

    /// Forgets the failures of a user who has logged in. Those of the address stay.
    pub(crate) fn forgive(
        &self,
        memory: &dyn Memory,
        counted: &Counted,
        now: Timestamp,
    ) -> Result<()> {
        counted
            .0
            .iter()
            .filter(|limited| limited.is_user)
            .try_for_each(|limited| self.change(memory, limited, now, |count| count.failures = 0))
    }

    /// How long attempts are refused after this many failures.
    fn refused_for(&self, failures: u32, free: u32) -> Duration {
        match failures.saturating_sub(free) {
            0 => Duration::ZERO,
            more => Duration::from_secs(1 << (more - 1).min(30)).min(self.longest),
        }
    }

    fn change(
        &self,
        memory: &dyn Memory,
        limited: &Limited,
        now: Timestamp,
        mut change: impl FnMut(&mut Count),
    ) -> Result<()> {
        let mut outcome = Ok(());
        memory.update(&limited.key, now, &mut |note| match note.map(Count::read).transpose() {
            Err(error) => {
                outcome = Err(error);
                Edit::Leave
            }
            Ok(count) => {
                let mut count = count.unwrap_or_default();
                change(&mut count);
                if count == Count::default() {
                    return if note.is_some() { Edit::Remove } else { Edit::Leave };
                }
                Edit::Put(count.write(), count.refused_until.max(now).after(self.longest))
            }
        })?;
        outcome
    }
}

fn note(about: String) -> Key {
    Key { topic: Topic::Penalty, about }
}

/// Returns the network that an address belongs to, as far as one client can choose addresses in it.
fn network(address: &str) -> String {
    match address.parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => format!("{:x}/64", u128::from(address) >> 64),
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    failures: u32,
    running: u32,
    refused_until: Timestamp,
}

impl Count {
    fn write(&self) -> Secret {
        join([
            &self.failures.to_be_bytes()[..],
            &self.running.to_be_bytes()[..],
            &self.refused_until.as_unix().to_be_bytes()[..],
        ])
    }

    fn read(note: &Secret) -> Result<Self> {
        let parts = split(note.expose()).ok_or_else(damaged)?;
        let [failures, running, until] = parts.as_slice() else { return Err(damaged()) };
        let number = |bytes: &[u8]| bytes.try_into().map(u32::from_be_bytes).map_err(|_| damaged());
        let until = u64::from_be_bytes((*until).try_into().map_err(|_| damaged())?);
        Ok(Self {
            failures: number(failures)?,
            running: number(running)?,
            refused_until: Timestamp::from_unix(until),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::LocalMemory;

    fn unix(seconds: u64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + seconds)
    }

    /// A memory, and what counts in it.
    struct Desk(LocalMemory, Penalties);

    impl Desk {
        fn new() -> Self {
            Self(LocalMemory::default(), Penalties::default())
        }

        fn begin(&self, who: &Counted, now: u64) -> Option<u64> {
            let wait = self.1.begin(&self.0, who, unix(now)).unwrap();
            wait.map(|wait| wait.as_secs())
        }

        fn end(&self, who: &Counted, now: u64, has_failed: bool) {
            self.1.end(&self.0, who, unix(now), has_failed).unwrap();
        }

        fn fail(&self, who: &Counted, now: u64) -> Option<u64> {
            let wait = self.begin(who, now);
            if wait.is_none() {
                self.end(who, now, true);
            }
            wait
        }

        fn who(&self, address: &str, user: &str) -> Counted {
            self.1.counted(address, Some(user))
        }
    }

    #[test]
    fn failures_cost_more_and_more_time_and_are_forgotten() {
        let desk = Desk::new();
        let ann = desk.who("192.0.2.1", "ann");
        for _ in 0..6 {
            assert_eq!(desk.fail(&ann, 0), None);
        }
        assert_eq!(desk.fail(&ann, 0), Some(1));
        assert_eq!(desk.fail(&ann, 1), None);
        assert_eq!(desk.fail(&ann, 2), Some(1));
        assert_eq!(desk.fail(&ann, 3), None);
        assert_eq!(desk.fail(&ann, 3), Some(4));
        assert_eq!(desk.fail(&desk.who("192.0.2.1", "ANN"), 3), Some(4));
        assert_eq!(desk.fail(&desk.who("192.0.2.2", "ann"), 3), None);
        for _ in 0..2 {
            assert_eq!(desk.fail(&ann, 2000), None);
        }
    }

    #[test]
    fn an_address_that_tries_many_names_is_refused_and_a_success_costs_nothing() {
        let desk = Desk::new();
        for number in 0..51 {
            assert_eq!(desk.fail(&desk.who("192.0.2.1", &format!("user{number}")), 0), None);
        }
        let joe = desk.who("192.0.2.1", "joe");
        assert_eq!(desk.begin(&joe, 0), Some(1));
        for _ in 0..3 {
            assert_eq!(desk.begin(&joe, 1), None);
            desk.end(&joe, 1, false);
            desk.1.forgive(&desk.0, &joe, unix(1)).unwrap();
        }
    }

    #[test]
    fn many_right_logins_at_once_are_no_failures_and_many_guesses_are_limited() {
        let desk = Desk::new();
        let ann = desk.who("192.0.2.1", "ann");
        for _ in 0..50 {
            assert_eq!(desk.begin(&ann, 0), None);
        }
        assert_eq!(desk.begin(&ann, 0), Some(1));
        for _ in 0..50 {
            desk.end(&ann, 0, false);
        }
        assert_eq!(desk.begin(&ann, 0), None);
        desk.end(&ann, 0, false);
        for _ in 0..50 {
            assert_eq!(desk.begin(&ann, 0), None);
        }
        for _ in 0..50 {
            desk.end(&ann, 0, true);
        }
        assert_eq!(desk.begin(&ann, 0), Some(900));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let desk = Desk::new();
        for number in 0..6 {
            let address = format!("2001:db8::{number:x}:1");
            assert_eq!(desk.fail(&desk.who(&address, "ann"), 0), None);
        }
        assert_eq!(desk.fail(&desk.who("2001:db8::ffff", "ann"), 0), Some(1));
        assert_eq!(desk.fail(&desk.who("2001:db8:0:1::1", "ann"), 0), None);
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn who_logs_in_begins_again() {
        let desk = Desk::new();
        let ann = desk.who("192.0.2.1", "ann");
        for _ in 0..8 {
            for _ in 0..5 {
                assert_eq!(desk.fail(&ann, 0), None);
            }
            desk.1.forgive(&desk.0, &ann, unix(0)).unwrap();
        }
    }
}
