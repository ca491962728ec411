//! Backends that run as child processes: valid ones, hostile ones, and how they end.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "all of this is test code")]

mod asks;
mod child;
mod hostile;
mod life;
mod notebook;
mod time;
