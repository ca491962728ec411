//! The mechanisms in which a client proves that it knows a secret, as functions over bytes.
//!
//! They do no I/O and know no time. What must be kept between two messages is a [`Secret`] that
//! another process with the same memory can go on with.

use keyward_core::{Result, Secret};

pub mod digest;
pub mod legacy;
pub mod scram;

mod fields;

/// The first message of a server in an exchange, and what it must keep until the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What the server keeps. It is never sent.
    pub pending: Secret,
    /// What the client gets.
    pub message: Secret,
}

/// Returns a text of 24 random characters that can be part of any message.
///
/// # Errors
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if there are no random numbers.
pub fn random_text() -> Result<String> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    Ok(URL_SAFE_NO_PAD.encode(keyward_fs::random::<18>()?))
}
