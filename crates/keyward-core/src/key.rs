use std::fmt::Debug;

use crate::{KeyId, Result, Secret};

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
///   parameters distinguish the two. Empty parameters mean that they were lost or altered: then it
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
    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Secret>;

    /// Removes the secret `id`, if `create` made it. `parameters` are those that
    /// [`create`](Self::create) returned, or empty if they are not known.
    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()>;
}

/// A secret that a key source made or found.
#[derive(Debug)]
pub struct Created {
    /// The secret; 32 bytes if it is to wrap a keyset.
    pub key: Secret,
    /// What the source needs at every [`load`](Key::load) and [`delete`](Key::delete), such as the
    /// salt and the costs of a key derivation. It is never empty, not secret, at most 1 KiB, and
    /// kept beside what is wrapped.
    pub parameters: Vec<u8>,
    /// Whether it was made now and not supplied.
    pub made: bool,
}
