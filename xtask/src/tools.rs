//! The cargo subcommands that chores use, built from source where they are missing.

use crate::shell::{Result, cargo, run, succeeds};

/// A subcommand of cargo that does not come with it.
pub(crate) struct Tool {
    name: &'static str,
    features: &'static [&'static str],
}

pub(crate) const NEXTEST: Tool = Tool {
    name: "nextest",
    features: &["--no-default-features", "--features", "default-no-update"],
};
pub(crate) const DENY: Tool = Tool { name: "deny", features: &["--no-default-features"] };
pub(crate) const AUDIT: Tool = Tool { name: "audit", features: &["--no-default-features"] };

impl Tool {
    /// Makes `cargo NAME` work, by `cargo install` if need be.
    pub(crate) fn ensure(&self) -> Result {
        if succeeds(&mut cargo([self.name, "--version"])) {
            return Ok(());
        }
        println!("cargo-{} is missing; building it takes some minutes, once.", self.name);
        let package = format!("cargo-{}", self.name);
        run(cargo(["install", "--locked", &package]).args(self.features))
    }
}
