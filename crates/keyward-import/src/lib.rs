//! Parsers for the files of other credential systems. They do not trust the files.
//!
//! There is one module per system, and no input or output: a caller passes the bytes of a file and
//! gets their content. Bytes from outside have limits here, are parsed completely or refused, and
//! are never quoted in an error.
//!
//! Use this crate to bring credentials from other systems into Keyward.

pub mod git_credentials;
pub mod pycred;
