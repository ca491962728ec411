//! `cargo xtask test`: runs all tests, or the fast ones.

use crate::shell::{self, Result, cargo, stage};
use crate::{node, packages, python, tools};

/// Installs the missing programs, then runs every test; the arguments go to `cargo nextest run`. With
/// `--fast` as the first argument, it only builds, and runs the tests that need no other programs'
/// servers and little time; `.config/nextest.toml` selects them.
pub(crate) fn run(arguments: &[String]) -> Result {
    match arguments {
        [flag, rest @ ..] if flag == "--fast" => {
            stage("build", build)?;
            stage("tests", || nextest(&["--profile", "fast"], rest))
        }
        all => run_all(all),
    }
}

fn run_all(arguments: &[String]) -> Result {
    stage("programs for the tests", || {
        packages::ensure(packages::TESTS)?;
        node::ensure()?;
        python::ensure()?;
        tools::NEXTEST.command().map(drop)
    })?;
    stage("build", build)?;
    stage("tests", || nextest(&[], arguments))?;
    stage("examples in the documentation", || {
        shell::run(&mut cargo(["test", "--doc", "--workspace"]))
    })
}

/// Builds everything, because tests in `tests/` start the program, and cargo builds programs only for
/// tests of the same package. The examples are the plugins that tests load.
fn build() -> Result {
    let targets = ["--bins", "--tests", "--examples"];
    shell::run(cargo(["build", "--workspace"]).args(targets))
}

fn nextest(options: &[&str], arguments: &[String]) -> Result {
    let mut nextest = tools::NEXTEST.command()?;
    shell::run(nextest.args(["run", "--workspace"]).args(options).args(arguments))
}
