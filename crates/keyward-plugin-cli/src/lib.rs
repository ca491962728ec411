//! What `keyward plugin new`, `build` and `check` do for the author of a backend.
//!
//! [`new`] writes a crate with a backend, [`build`] makes a shared library of it, and [`check`] runs
//! the conformance suites on a library or program. The suites are in a separate program,
//! `keyward-check`, so that no other program contains them.
//!
//! Use this crate in a program that offers these commands.

pub mod build;
pub mod check;
pub mod new;
