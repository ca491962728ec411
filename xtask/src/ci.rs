//! `cargo xtask ci`: the checks that a change must pass besides the tests.

use crate::shell::{self, Result, cargo, root, stage};
use crate::{fuzz, tidy, tools};

type Stage = (&'static str, fn() -> Result);

/// In this order: fast ones first.
const STAGES: &[Stage] = &[
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("doc", doc),
    ("deny", deny),
    ("audit", audit),
];

/// Runs the named stages, or all of them; with `--fuzz`, every fuzz target after them.
pub(crate) fn run(arguments: &[String]) -> Result {
    let names: Vec<_> =
        arguments.iter().map(String::as_str).filter(|word| *word != "--fuzz").collect();
    run_stages(&names)?;
    if names.len() == arguments.len() { Ok(()) } else { fuzz::run(&[]) }
}

fn run_stages(names: &[&str]) -> Result {
    if let Some(unknown) = names.iter().find(|name| !STAGES.iter().any(|(stage, _)| stage == *name))
    {
        let known: Vec<_> = STAGES.iter().map(|(stage, _)| *stage).collect();
        return Err(format!("no stage is called `{unknown}`; there are {}", known.join(", ")));
    }
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    STAGES.iter().filter(|(name, _)| wanted(name)).try_for_each(|(name, work)| stage(name, work))
}

fn fmt() -> Result {
    shell::run(&mut cargo(["fmt", "--all", "--check"]))
}

fn clippy() -> Result {
    shell::run(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Only libraries: the program `keyward` would overwrite the pages of the library `keyward`.
fn doc() -> Result {
    shell::run(
        cargo(["doc", "--workspace", "--no-deps", "--lib"]).env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Checks crates, licences and sources.
fn deny() -> Result {
    shell::run(tools::DENY.command()?.args(["check", "bans", "licenses", "sources"]))
}

/// Checks for known vulnerabilities, with a copy of the advisory database next to the checkout or
/// else with a new one.
fn audit() -> Result {
    let mut audit = tools::AUDIT.command()?;
    audit.args(["--deny", "warnings"]);
    let copy = root().join("../shared/advisory-db");
    if copy.is_dir() {
        audit.args(["--no-fetch", "--stale", "--db"]).arg(copy);
    }
    shell::run(&mut audit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_stage_is_refused_before_any_target_runs() {
        let refused = run(&["--fuzz".to_owned(), "nothing".to_owned()]).unwrap_err();
        assert!(refused.contains("`nothing`"), "{refused}");
    }
}
