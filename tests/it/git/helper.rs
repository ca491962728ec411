//! Keyward as the credential helper of the real git, over HTTP from git's own server.
//!
//! The transcripts of what they sent each other are in `tests/vectors/git`; see [`transcript`].

mod client;
mod expiry;
mod hostile_requests;
mod hosts;
mod oauth;
mod parallel;
mod passwords;
mod program_name;
mod protocol;
mod provided;
mod request;
mod second_helper;
mod server;
mod tokens;
mod transcript;
mod unreadable_store;

use std::process::Command;

use client::PROGRAMS;

/// The version of git. Older ones cannot pass tokens on.
fn version() -> String {
    let output = Command::new("git").arg("version").env("PATH", PROGRAMS).output();
    let output = String::from_utf8(output.expect("git is installed").stdout).unwrap();
    let version = output.split_whitespace().nth(2).expect("git says its version").to_owned();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    assert!(number >= (2, 46), "these tests need git 2.46 or newer, and found {version}");
    version
}
