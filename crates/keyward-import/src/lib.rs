//! Imports credentials from other systems. An import never replaces what a store holds, so that it
//! can be repeated.
//!
//! There is one module per system. It does not trust the system's files: they have limits here, are
//! parsed completely or refused, and are never quoted in an error.
//!
//! Use this crate to bring credentials from other systems into Keyward.

pub mod accounts;
mod files;
pub mod git_credentials;
pub mod git_helper;
pub mod pycred;
