//! What only shows when all of Keyward runs together, and what holds for the repository as a whole.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "all of this is test code")]

mod account;
mod architecture;
mod attacks;
mod bombs;
mod central;
mod cli;
mod concurrency;
mod dice;
mod dist;
mod docs;
mod doors;
mod durability;
mod endless;
mod faults;
mod fixtures;
mod foreign;
mod git;
mod golden;
mod home;
mod import;
mod import_git;
mod keyring;
mod leaks;
mod lost_answers;
mod matrix;
mod names;
mod namespace;
mod packages;
mod plugin_author;
mod plugins;
mod power;
mod program;
mod read_only;
mod readme;
mod rotation;
mod samples;
mod sandbox;
mod scale;
mod scripted;
#[allow(dead_code, reason = "the keyring's own tests use more of it")]
#[path = "../../plugins/keyward-keyring/tests/secret_service/session.rs"]
mod secret_service;
mod session;
mod setup;
mod startup;
mod tamper;
mod terminal;
mod upgrade;
mod vectors;
mod victim;
