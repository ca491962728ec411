//! What a portal remembers between two calls: pending rounds, used codes, failures.

mod local;
mod shared;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Result, Secret, Timestamp};

pub use local::LocalMemory;
pub use shared::SharedMemory;

/// Keeps the notes of a portal.
///
/// [`LocalMemory`] keeps them in this process, [`SharedMemory`] in a store, so that several copies of
/// a server know the same: a code that was used at one of them cannot be used at another.
///
/// # Contract
/// A note whose time is over does not exist. A change is atomic, also between processes that share
/// the memory: `change` sees the current note, and is called again if another change came first.
///
/// # Security
/// Notes contain secrets, such as the keys of a SCRAM exchange. They are never sent to a client.
pub trait Memory: Debug + Send + Sync {
    /// Changes the note of this key.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the memory cannot be reached. The portal then
    /// refuses all clients.
    fn update(
        &self,
        key: &Key,
        now: Timestamp,
        change: &mut dyn FnMut(Option<&Secret>) -> Edit,
    ) -> Result<()>;

    /// Whether notes outlive the process. What may be used once in years needs that.
    fn lasts(&self) -> bool {
        false
    }
}

/// Which note: a topic, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The topic. Each has separate limits.
    pub topic: Topic,
    /// What it is about: at most 64 letters, digits and hyphens. It is no secret and no name.
    pub about: String,
}

/// What a note is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// A round that waits for the client's answer, or a login that waits for another factor.
    Pending,
    /// How often a nonce of HTTP Digest was used.
    Nonce,
    /// The last one-time password of a user, and the recovery codes that were used.
    Code,
    /// How often logins failed.
    Penalty,
    /// What a server keeps beside a login that waits.
    Beside,
}

impl Topic {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Nonce => "nonce",
            Self::Code => "code",
            Self::Penalty => "penalty",
            Self::Beside => "beside",
        }
    }
}

/// What to do with a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Leave it as it is.
    Leave,
    /// Replace it, until a time.
    Put(Secret, Timestamp),
    /// Remove it.
    Remove,
}

/// Keeps a note that did not exist.
pub(crate) fn put(
    memory: &dyn Memory,
    key: &Key,
    now: Timestamp,
    life: Duration,
    value: &Secret,
) -> Result<()> {
    memory.update(key, now, &mut |_| Edit::Put(value.clone(), now.after(life)))
}

/// Removes a note and returns it. Of several callers, one gets it.
pub(crate) fn take(memory: &dyn Memory, key: &Key, now: Timestamp) -> Result<Option<Secret>> {
    let mut taken = None;
    memory.update(key, now, &mut |note| {
        taken = note.cloned();
        if taken.is_some() { Edit::Remove } else { Edit::Leave }
    })?;
    Ok(taken)
}

/// Sets a number that only grows. Returns whether `number` is greater than all before.
pub(crate) fn advance(
    memory: &dyn Memory,
    key: &Key,
    now: Timestamp,
    life: Duration,
    number: u64,
) -> Result<bool> {
    let mut advanced = Ok(false);
    memory.update(key, now, &mut |note| {
        let last = note.map(read_number).transpose();
        advanced = last.map(|last| last.is_none_or(|last| number > last));
        match advanced {
            Ok(true) => Edit::Put(Secret::from(&number.to_be_bytes()[..]), now.after(life)),
            _ => Edit::Leave,
        }
    })?;
    advanced
}

/// Reads a number that [`advance`] or another counter wrote.
pub(crate) fn read_number(note: &Secret) -> Result<u64> {
    let bytes = note.expose().try_into().map_err(|_| damaged())?;
    Ok(u64::from_be_bytes(bytes))
}

/// The error for a note that is not as it was written.
pub(crate) fn damaged() -> Error {
    Error::new(ErrorKind::Corrupt, "memory").because("a note of the portal is damaged")
}
