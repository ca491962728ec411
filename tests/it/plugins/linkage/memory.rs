//! Calls through a library's table make no invalid memory access and leak no memory.

use std::path::PathBuf;
use std::process::{Command, Output};

use keyward_testkit::Scratch;

use super::backends::{AES_GCM, ENV, FILE, JSON, MEMORY, SQLITE};
use super::c::built;
use super::{library, linked};

const PROGRAM: &str = env!("CARGO_BIN_EXE_use-libraries");

/// Returns the blocks that valgrind reports as lost, after this number of rounds with the
/// libraries.
fn lost(libraries: &[PathBuf], rounds: usize) -> String {
    let output = Command::new("valgrind")
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=none"])
        .args(["--errors-for-leak-kinds=none", "--verbose", PROGRAM])
        .arg(rounds.to_string())
        .args(libraries)
        .output()
        .expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{:?}\n{said}", output.status);
    let lost = said.lines().find_map(|line| line.split_once("definitely lost: "));
    lost.unwrap_or_else(|| panic!("{said}")).1.to_owned()
}

/// Checks that calls leak nothing. The memory of a plugin's tables is never freed, on purpose.
fn are_clean(libraries: &[PathBuf]) {
    assert_eq!(lost(libraries, 2), lost(libraries, 12), "{libraries:?}");
}

#[test]
fn a_library_in_c_is_clean() {
    are_clean(&[built(&Scratch::new(), "shelf.c", &[])]);
}

/// All in one process, because valgrind starts slowly.
#[test]
fn libraries_in_rust_are_clean() {
    let backends = [JSON, AES_GCM, ENV, MEMORY, FILE, SQLITE];
    are_clean(&backends.map(|backend| library(linked(backend).package)));
}

/// Without this test, the tests above might be unable to fail.
#[test]
fn a_library_that_leaks_memory_is_detected() {
    let scratch = Scratch::new();
    let library = [built(&scratch, "hostile.c", &["-DSPOILT=FORGETS"])];
    assert_ne!(lost(&library, 2), lost(&library, 12));
}

/// Runs with the sanitizer's library loaded before all others, so the plugin need not pin it.
fn sanitized(scratch: &Scratch, source: &str, flags: &[&str]) -> Output {
    let flags = [&["-fsanitize=address", "-nodefaultlibs", "-lc"], flags].concat();
    let library = built(scratch, source, &flags);
    let asan = Command::new("gcc").arg("-print-file-name=libasan.so").output().unwrap();
    let asan = String::from_utf8(asan.stdout).unwrap();
    Command::new(PROGRAM)
        .arg("20")
        .arg(library)
        .env("LD_PRELOAD", asan.trim())
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .output()
        .unwrap()
}

#[test]
fn the_address_sanitizer_finds_nothing() {
    let output = sanitized(&Scratch::new(), "shelf.c", &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Without this test, the test above might be unable to fail.
#[test]
fn the_address_sanitizer_would_find_something() {
    let output = sanitized(&Scratch::new(), "hostile.c", &["-DSPOILT=READS_BEHIND"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("heap-buffer-overflow"), "{said}");
}
