use std::fmt::Debug;

use crate::{KeyId, Result, Secret};

/// Keeps secrets that stores and backends need: the key that wraps a store's keyset, a database
/// password, the passphrase of an identity.
///
/// # Contract
/// - `load` of what `create` gave, with the parameters that came with it, is the same secret.
/// - `load` never makes anything: a missing key is an error, or its loss would go unnoticed
///   until the old key is needed.
/// - `create` overwrites nothing. A source that cannot make keys (a variable, a command) gives
///   the one that is there.
/// - `delete` removes what `create` made under this id, and nothing that was supplied: the
///   parameters tell.
///
/// # Errors
/// - [`NoKey`](crate::ErrorKind::NoKey): there is no such secret.
/// - [`Locked`](crate::ErrorKind::Locked): somebody must unlock it or be asked first.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Key: Debug + Send + Sync {
    /// Makes the secret `id`, or gives the one that was supplied.
    fn create(&self, id: &KeyId) -> Result<Created>;

    /// The secret `id`. `parameters` are those that [`create`](Self::create) gave; empty ones
    /// ask for the secret as it was supplied.
    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Secret>;

    /// Removes the secret `id`, if it was `create` that made it.
    fn delete(&self, id: &KeyId, parameters: &[u8]) -> Result<()>;
}

/// A secret that a key source made or found.
#[derive(Debug)]
pub struct Created {
    /// The secret; 32 bytes where a keyset is to be wrapped with it.
    pub key: Secret,
    /// What the source wants to be handed at every [`load`](Key::load) and
    /// [`delete`](Key::delete), such as the salt and the costs of a key derivation. Never empty, not secret, at most 1 KiB, kept beside what is wrapped.
    pub parameters: Vec<u8>,
    /// Whether it was made just now, rather than supplied.
    pub made: bool,
}
