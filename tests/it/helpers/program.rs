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

/// The folder of a server that `cargo xtask test` installs. It is beside the programs: the target
/// folder need not be in the checkout.
pub(crate) fn installed_server(name: &str) -> PathBuf {
    let folder = keyward().ancestors().nth(2).unwrap().join("servers").join(name);
    assert!(folder.exists(), "{} is missing: `cargo xtask test` installs it", folder.display());
    folder
}

/// A program in `examples` that was built together with these tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let program = keyward().with_file_name("examples").join(name);
    let build = "cargo build --workspace --examples";
    assert!(program.exists(), "{} is missing: `{build}`", program.display());
    program
}
