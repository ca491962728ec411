//! Runs git: uses git's own credential helpers, and makes git call Keyward.
//!
//! [`GitSource`] reads and writes the credentials that git's helpers store. [`Setup`] changes a
//! configuration file of git so that git calls Keyward, and restores it.
//!
//! Use this crate in a program that works with git's credentials or with git's configuration.

mod backup;
mod configured;
mod file;
mod helper;
mod program;
mod run;
mod setup;
mod source;
mod trial;
mod user_settings;

pub use configured::{Configured, helpers_for};
pub use file::ConfigFile;
pub use helper::{Call, Helper};
pub use program::Git;
pub use setup::{Change, Setup};
pub use source::GitSource;
pub use trial::Trial;
pub use user_settings::user_settings;

/// The environment variable that Keyward sets when it runs git to request a credential. If git then
/// runs Keyward's helper, the helper sees the variable and gives no answer.
pub const GIT_ASKS: &str = "KEYWARD_GIT_ASKS";
