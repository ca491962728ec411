//! The cargo subcommands that `xtask` uses. A missing one is built from source.

use std::process::Command;

use crate::shell::{Result, cargo, root, run, succeeds, target};

/// A subcommand of cargo that must be installed separately.
pub(crate) struct Tool {
    name: &'static str,
    features: &'static str,
}

pub(crate) const NEXTEST: Tool = Tool { name: "nextest", features: "default-no-update" };
pub(crate) const DENY: Tool = Tool { name: "deny", features: "" };
pub(crate) const AUDIT: Tool = Tool { name: "audit", features: "" };

impl Tool {
    /// Returns the command of the tool without arguments: the installed one, or else one in the
    /// target folder.
    pub(crate) fn command(&self) -> Result<Command> {
        if succeeds(&mut cargo([self.name, "--version"])) {
            return Ok(cargo([self.name]));
        }
        let place = target()?.join("tools");
        let package = format!("cargo-{}", self.name);
        let program = place.join("bin").join(&package);
        if !program.exists() {
            println!(
                "{package} is missing; building it in {} takes some minutes, once.",
                place.display()
            );
            // Without optimisation it is built in a fifth of the time, and is fast enough.
            run(cargo([
                "install",
                "--locked",
                "--debug",
                &package,
                "--no-default-features",
                "--features",
                self.features,
            ])
            .arg("--root")
            .arg(&place)
            .env("CARGO_PROFILE_DEV_DEBUG", "false"))?;
        }
        let mut command = Command::new(program);
        command.arg(self.name).current_dir(root());
        Ok(command)
    }
}
