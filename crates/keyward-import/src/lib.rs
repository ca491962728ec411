//! Imports credentials from other systems. An import never replaces what a store holds, unless
//! the caller requests it, so that it can be repeated.
//!
//! There is one module per system. It does not trust the system's files: they have limits here, are
//! parsed completely or refused, and are never quoted in an error.
//!
//! Use this crate to bring credentials from other systems into Keyward.

pub mod accounts;
pub mod datalad;
pub mod entries;
mod files;
pub mod git_credentials;
pub mod git_helper;
pub mod ini;
pub mod pancloud;
pub mod pycred;
