//! `cargo xtask test`: runs all tests.

use crate::shell::{self, Result, cargo, stage};
use crate::{packages, tools};

/// Installs the missing programs, then runs every test; the arguments go to `cargo nextest run`.
pub(crate) fn run(arguments: &[String]) -> Result {
    stage("programs for the tests", || {
        packages::ensure(packages::TESTS)?;
        tools::NEXTEST.command().map(drop)
    })?;
    // Tests in `tests/` start the program, but cargo builds programs only for tests of the same
    // package. The examples are the plugins that tests load.
    let targets = ["--bins", "--tests", "--examples"];
    stage("build", || shell::run(cargo(["build", "--workspace"]).args(targets)))?;
    stage("tests", || {
        shell::run(tools::NEXTEST.command()?.args(["run", "--workspace"]).args(arguments))
    })?;
    stage("examples in the documentation", || {
        shell::run(&mut cargo(["test", "--doc", "--workspace"]))
    })
}
