//! Finds credentials by name, and reads references to them and the texts that contain references.
//!
//! A [`Resolver`] looks for a credential in an ordered list of sources ([`Finder`]), such as the
//! environment ([`Variables`]) and stores, and can explain its result.
//!
//! A [`Reference`] names one value: a store, an entry, a field. Environment files ([`env_file`]) and
//! templates ([`template`]) contain references instead of secrets, so they can be committed and
//! shared.
//!
//! # Security
//! Environment files and templates are data: they run nothing, expand no variable, and a value is
//! put in once, so a reference inside a secret stays text.

pub mod datalad;
pub mod env_file;
mod finder;
mod gathered;
pub mod pancloud;
mod prompt;
mod query;
mod reference;
mod resolver;
mod shared;
pub mod template;
mod trace;
mod values;
mod variable;

pub use finder::Finder;
pub use gathered::bind;
pub use prompt::{PROMPT, Prompts};
pub use query::Query;
pub use reference::{Place, Reference, SCHEME};
pub use resolver::{Explanation, Resolution, Resolver};
pub use trace::{Outcome, Step};
pub use values::{Variables, kind_with_fields};
pub use variable::{VARIABLE_PREFIX, parse_variable, variable_name};

#[cfg(test)]
mod tests;
