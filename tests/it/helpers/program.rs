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

/// A program in `examples` that was built together with these tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = keyward().with_file_name("examples").join(name);
    let build = "cargo build --workspace --examples";
    assert!(program.exists(), "{} is missing: `{build}`", program.display());
    program
}
