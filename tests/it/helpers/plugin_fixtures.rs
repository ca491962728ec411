//! Backends of third parties in `tests/fixtures/plugins`, as crates and in C.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::root;

use crate::helpers::program::keyward;

/// Builds one of them as a library, with these options for cargo.
pub(crate) fn library(name: &str, options: &[&str]) -> PathBuf {
    let target = keyward().ancestors().nth(2).unwrap().join("fixtures");
    // Other options give another library.
    let target =
        if options.is_empty() { target } else { target.join(options.join("-").replace('"', "")) };
    fs::create_dir_all(&target).unwrap();
    // Each test is a process; they take turns.
    let turn = File::create(target.join("turn")).unwrap();
    turn.lock().unwrap();
    let source = root().join("tests/fixtures/plugins").join(name);
    // Only the versions with which the workspace is built are on this machine.
    fs::copy(root().join("Cargo.lock"), source.join("Cargo.lock")).unwrap();
    let cargo = Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--offline", "--lib", "--crate-type", "cdylib"])
        .args(options)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(source)
        .output()
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let library = target.join(format!("debug/libkeyward_storage_{name}.so"));
    library.canonicalize().unwrap()
}

/// Builds one of those in C as a library, with the header.
pub(crate) fn library_in_c(library: &Path, source: &str, flags: &[&str]) {
    let gcc = Command::new("gcc")
        .args(["-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"])
        .args(["-O1", "-g"])
        .args(flags)
        .arg("-I")
        .arg(root().join("crates/keyward-plugin/include"))
        .arg("-o")
        .arg(library)
        .arg(root().join("tests/fixtures/plugins").join(source))
        .output()
        .unwrap();
    assert!(gcc.status.success(), "{}", String::from_utf8_lossy(&gcc.stderr));
}
