//! The program under test.

use std::path::PathBuf;

/// The `keyward` that was built together with these tests.
pub(crate) fn keyward() -> PathBuf {
    let this = std::env::current_exe().expect("a test has a path");
    let program =
        this.ancestors().nth(2).expect("tests are two folders below the programs").join("keyward");
    assert!(
        program.exists(),
        "{} is missing: `cargo build --workspace --bins --tests`",
        program.display()
    );
    program
}
