//! Programs behind the door `run`: sound ones, hostile ones, and what becomes of them.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "all of this is test code")]

mod asks;
mod child;
mod hostile;
mod life;
mod notebook;
mod time;
