//! Nothing on the way through a library's table touches memory that it should not, or forgets any.

use std::path::PathBuf;
use std::process::{Command, Output};

use keyward_testkit::Scratch;

use super::backends::{AES_GCM, ENV, FILE, JSON, MEMORY, SQLITE};
use super::c::built;
use super::{library, linked};

const DOOR: &str = env!("CARGO_BIN_EXE_door");

/// What valgrind says to so many rounds with libraries: the blocks that were lost for good.
fn lost(libraries: &[PathBuf], rounds: usize) -> String {
    let output = Command::new("valgrind")
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=none"])
        .args(["--errors-for-leak-kinds=none", "--verbose", DOOR])
        .arg(rounds.to_string())
        .args(libraries)
        .output()
        .expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{:?}\n{said}", output.status);
    let lost = said.lines().find_map(|line| line.split_once("definitely lost: "));
    lost.unwrap_or_else(|| panic!("{said}")).1.to_owned()
}

/// What a plugin's own tables are made of stays on purpose; what calls are made of does not.
fn are_clean(libraries: &[PathBuf]) {
    assert_eq!(lost(libraries, 2), lost(libraries, 12), "{libraries:?}");
}

#[test]
fn a_library_in_c_is_clean() {
    are_clean(&[built(&Scratch::new(), "shelf.c", &[])]);
}

/// All in one process: what takes valgrind long is to start.
#[test]
fn libraries_in_rust_are_clean() {
    let backends = [JSON, AES_GCM, ENV, MEMORY, FILE, SQLITE];
    are_clean(&backends.map(|backend| library(linked(backend).package)));
}

/// Or the tests above could not fail.
#[test]
fn a_library_that_forgets_its_memory_is_noticed() {
    let scratch = Scratch::new();
    let library = [built(&scratch, "hostile.c", &["-DSPOILT=FORGETS"])];
    assert_ne!(lost(&library, 2), lost(&library, 12));
}

/// The sanitizer's own library is there before all others, so the plugin need not name it.
fn sanitized(scratch: &Scratch, source: &str, flags: &[&str]) -> Output {
    let flags = [&["-fsanitize=address", "-nodefaultlibs", "-lc"], flags].concat();
    let library = built(scratch, source, &flags);
    let asan = Command::new("gcc").arg("-print-file-name=libasan.so").output().unwrap();
    let asan = String::from_utf8(asan.stdout).unwrap();
    Command::new(DOOR)
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

/// Or the test above could not fail.
#[test]
fn the_address_sanitizer_would_find_something() {
    let output = sanitized(&Scratch::new(), "hostile.c", &["-DSPOILT=READS_BEHIND"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("heap-buffer-overflow"), "{said}");
}
