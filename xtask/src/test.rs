//! `cargo xtask test`: runs all tests.

use crate::shell::{self, Result, cargo, stage};
use crate::tools;
use crate::{packages, plugins};

/// Installs the missing programs, then runs every test; the arguments go to `cargo nextest run`.
pub(crate) fn run(arguments: &[String]) -> Result {
    stage("programs for the tests", || {
        packages::ensure(packages::TESTS)?;
        tools::NEXTEST.command().map(drop)
    })?;
    // Tests in `tests/` start the program, but cargo builds programs only for tests of the same
    // package.
    stage("build", || shell::run(&mut cargo(["build", "--workspace", "--bins", "--tests"])))?;
    plugins::run(&["--dev".to_owned()])?;
    stage("tests", || {
        shell::run(tools::NEXTEST.command()?.args(["run", "--workspace"]).args(arguments))
    })?;
    stage("examples in the documentation", || {
        shell::run(&mut cargo(["test", "--doc", "--workspace"]))
    })
}
