//! What readers of outside bytes must hold, whatever they are given: one target each.
//!
//! A target takes any bytes and panics where a promise is broken. libFuzzer looks for such bytes:
//! `cargo xtask fuzz`. What it found once is kept in `corpus/TARGET/`, and replayed by an ordinary
//! test.
//!
//! A new target is a module here, a line in [`TARGETS`], a program in `src/bin/` and a `[[bin]]` in
//! the manifest.

mod git_request;
mod origin;

pub use git_request::git_request;
pub use origin::origin;

/// A target: bytes in, a panic if a promise is broken.
pub type Target = fn(&[u8]);

/// All targets, by the names of their programs and of their folders in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[("git-request", git_request), ("origin", origin)];
