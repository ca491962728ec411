//! Tests the decisions about a plugin's file before its code runs, with real files.
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
