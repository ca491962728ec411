//! `cargo xtask docs`: updates the parts of the documentation that are made from the code.

use crate::shell::{self, Result, cargo};

/// The test that compares these parts. With the variable, it writes them.
const WRITER: &str = "docs::what_is_made_from_the_code_is_current";

pub(crate) fn run() -> Result {
    let programs = ["keyward-cli", "keyward-check", "keyward-checkers", "keyward-serve"];
    shell::run(cargo(["build"]).args(programs.iter().flat_map(|name| ["--package", name])))?;
    shell::run(
        cargo(["test", "--package", "keyward-tests", "--test", "it", WRITER])
            .env("KEYWARD_UPDATE_DOCS", "1"),
    )
}
