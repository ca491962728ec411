//! What other credential systems wrote, read without trusting it.
//!
//! One module per system, and no input or output: a caller hands in the bytes of a file and gets
//! back what they say. Bytes from outside have limits here, are read whole or refused, and are
//! never quoted in an error.
//!
//! You want this crate if you bring credentials from elsewhere into Keyward.

pub mod git_credentials;
pub mod pycred;
