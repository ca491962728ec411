//! What servers keep of passwords and other secrets, and the files with it.
//!
//! A server keeps no password: it keeps a hash, a SCRAM verifier or another
//! [`Verifier`](keyward_core::Verifier), from which the password cannot be computed. This crate makes
//! and checks them. [`password`] checks a password against a verifier of any form.
//!
//! Nothing here says whether a user exists: a caller spends the same time for a user who does not
//! exist with [`imitate`].

mod check;
pub mod files;
mod fingerprint;
pub mod ha1;
pub mod hash;
pub mod otp;
pub mod record;
pub mod scram;
mod unusable;

pub use check::{describe, imitate, memory, password, read};
pub use fingerprint::{fingerprint, matches_fingerprint};
pub use unusable::Unusable;

/// The longest password that is ever right, in bytes. crypt(3) has this limit too.
///
/// Some schemes take time that grows with the square of the length.
pub const MAX_PASSWORD: usize = 511;
