//! Tests of all of Keyward together, and of the repository as a whole.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "all of this is test code")]

mod checkers;
mod cli;
mod fetch;
mod git;
mod helpers;
mod imports;
mod keycards;
mod mail;
mod oauth;
mod plugins;
mod portal;
mod repository;
mod rows;
mod sources;
mod store;
mod web;
