//! References to credentials, and the texts that contain them.
//!
//! A [`Reference`] names one value: a store, an entry, a field. Environment files ([`env_file`]) and
//! templates ([`template`]) contain references instead of secrets, so they can be committed and
//! shared.
//!
//! # Security
//! Environment files and templates are data: they run nothing, expand no variable, and a value is
//! put in once, so a reference inside a secret stays text.

pub mod env_file;
mod reference;
pub mod template;

pub use reference::{Place, Reference, SCHEME};
