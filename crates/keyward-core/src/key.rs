use std::fmt::Debug;
use std::ops::Deref;

use crate::{Error, ErrorKind, KeyId, Result, Secret, Timestamp};

/// Keeps secrets that stores and backends need: the key that wraps a store's keyset, a database
/// password, the passphrase of an identity.
///
/// # Contract
/// - `load` returns the secret that `create` returned, if it is given the parameters of that
///   `create`.
/// - `load` never makes a secret: a missing key is an error. Otherwise its loss would go unnoticed
///   until the old key is needed.
/// - `create` overwrites nothing. A source that cannot make keys (a variable, a command) returns
///   the one that exists.
/// - `delete` removes what `create` made under this id, and nothing that was supplied: the
///   parameters distinguish the two. If the secret is [kept](Ownership::Kept) in the parameters,
///   there is nothing to remove. Empty parameters mean that they were lost or altered: then it
///   removes only a secret that nothing but this id names. A warning in the log names a secret
///   that stays. `delete` asks nothing on the terminal.
///
/// # Errors
/// - [`NoKey`](crate::ErrorKind::NoKey): there is no such secret.
/// - [`Locked`](crate::ErrorKind::Locked): the user must first unlock it or answer a prompt.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Key: Debug + Send + Sync {
    /// Makes the secret `id`, or returns the one that was supplied.
    fn create(&self, id: &KeyId) -> Result<Created>;

    /// Returns the secret `id`. `parameters` are those that [`create`](Self::create) returned;
    /// empty ones request the secret as it was supplied.
    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Loaded>;

    /// Removes the secret `id`, if `create` made it. `parameters` are those that
    /// [`create`](Self::create) returned, or empty if they are not known.
    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()>;

    /// Returns new parameters for the same secret, such as the secret wrapped with the newest key of
    /// a key service. The old parameters keep working.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the parameters of this source do not wrap
    /// the secret.
    fn rewrap(&self, _: &KeyId, _: &[u8]) -> Result<Vec<u8>> {
        Err(Error::new(ErrorKind::Unsupported, "rewrap")
            .because("this key source does not wrap keys"))
    }
}

/// A secret that a key source returned, and how long it is valid. It can be used as a [`Secret`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The secret.
    pub secret: Secret,
    /// When the service that the secret is for stops accepting it, if that is known. Then the
    /// secret must be requested again.
    pub expires: Option<Timestamp>,
}

impl Loaded {
    /// Takes a secret that is valid until `expires`, or until it is replaced.
    pub const fn new(secret: Secret, expires: Option<Timestamp>) -> Self {
        Self { secret, expires }
    }
}

impl From<Secret> for Loaded {
    fn from(secret: Secret) -> Self {
        Self::new(secret, None)
    }
}

impl Deref for Loaded {
    type Target = Secret;

    fn deref(&self) -> &Secret {
        &self.secret
    }
}

/// A secret that a key source made or found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Created {
    /// The secret; 32 bytes if it is to wrap a keyset.
    pub key: Secret,
    /// What the source needs at every [`load`](Key::load) and [`delete`](Key::delete), such as the
    /// salt and the costs of a key derivation. It is never empty, not secret, at most 1 KiB, and
    /// kept beside what is wrapped.
    pub parameters: Vec<u8>,
    /// Where the secret is, and so what [`delete`](Key::delete) removes.
    pub ownership: Ownership,
}

impl Created {
    /// A secret that the source made now and holds: [`Ownership::Made`].
    pub const fn made(key: Secret, parameters: Vec<u8>) -> Self {
        Self { key, parameters, ownership: Ownership::Made }
    }

    /// A secret that follows from the parameters: [`Ownership::Kept`].
    pub const fn kept(key: Secret, parameters: Vec<u8>) -> Self {
        Self { key, parameters, ownership: Ownership::Kept }
    }

    /// A secret that was there before: [`Ownership::Supplied`].
    pub const fn supplied(key: Secret, parameters: Vec<u8>) -> Self {
        Self { key, parameters, ownership: Ownership::Supplied }
    }
}

/// Where a secret is that [`Key::create`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ownership {
    /// The source made it and holds it; [`Key::delete`] removes it.
    Made,
    /// The parameters contain it, wrapped with a key that the source does not give away, or it is
    /// derived from them. Without the parameters it is lost, and there is nothing to remove.
    Kept,
    /// The user supplied it. [`Key::delete`] leaves it where it is.
    Supplied,
}
