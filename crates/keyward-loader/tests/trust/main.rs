//! What is decided about a plugin's file before a line of it runs, on real files.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]
#![expect(clippy::disallowed_methods, reason = "tests write files that others damage")]

mod built;
mod child;
mod content;
mod namesakes;
mod needed;
mod placement;
mod programs;
mod rights;
