//! What only shows when all of Keyward runs together, and what holds for the repository as a whole.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "all of this is test code")]

mod architecture;
mod program;
mod readme;
