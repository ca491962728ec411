//! `cargo xtask test`: everything that can fail, in one command.

use crate::shell::{self, Result, cargo, stage};
use crate::tools;
use crate::{packages, plugins};

/// Installs what is missing, then runs every test; the arguments go to `cargo nextest run`.
pub(crate) fn run(arguments: &[String]) -> Result {
    stage("what the tests need", || {
        packages::ensure(packages::TESTS)?;
        tools::NEXTEST.command().map(drop)
    })?;
    // Tests in `tests/` start the program, and cargo builds programs only for the tests of their own package.
    stage("build", || shell::run(&mut cargo(["build", "--workspace", "--bins", "--tests"])))?;
    plugins::run(&["--dev".to_owned()])?;
    stage("tests", || {
        shell::run(tools::NEXTEST.command()?.args(["run", "--workspace"]).args(arguments))
    })?;
    stage("examples in the documentation", || {
        shell::run(&mut cargo(["test", "--doc", "--workspace"]))
    })
}
