//! Nothing on the way through a library's table touches memory that it should not, or forgets any.

use std::path::Path;
use std::process::{Command, Output};

use keyward_testkit::Scratch;

use super::backends::{AES_GCM, ENV, JSON, MEMORY};
use super::c::built;
use super::{library, linked};

const DOOR: &str = env!("CARGO_BIN_EXE_door");

/// What valgrind says to so many rounds with a library: the blocks that were lost for good.
fn lost(library: &Path, rounds: usize) -> String {
    let output = Command::new("valgrind")
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=none"])
        .args(["--errors-for-leak-kinds=none", "--verbose", DOOR])
        .arg(library)
        .arg(rounds.to_string())
        .output()
        .expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{:?}\n{said}", output.status);
    let lost = said.lines().find_map(|line| line.split_once("definitely lost: "));
    lost.unwrap_or_else(|| panic!("{said}")).1.to_owned()
}

/// What a plugin's own tables are made of stays on purpose; what calls are made of does not.
fn is_clean(library: &Path) {
    assert_eq!(lost(library, 2), lost(library, 12), "{}", library.display());
}

#[test]
fn a_library_in_c_is_clean() {
    is_clean(&built(&Scratch::new(), "shelf.c", &[]));
}

#[test]
fn libraries_in_rust_are_clean() {
    for backend in [JSON, AES_GCM, ENV, MEMORY] {
        is_clean(&library(linked(backend).package));
    }
}

/// Or the tests above could not fail.
#[test]
fn a_library_that_forgets_its_memory_is_noticed() {
    let scratch = Scratch::new();
    let library = built(&scratch, "hostile.c", &["-DSPOILT=FORGETS"]);
    assert_ne!(lost(&library, 2), lost(&library, 12));
}

/// The sanitizer's own library is there before all others, so the plugin need not name it.
fn sanitized(scratch: &Scratch, source: &str, flags: &[&str]) -> Output {
    let flags = [&["-fsanitize=address", "-nodefaultlibs", "-lc"], flags].concat();
    let library = built(scratch, source, &flags);
    let asan = Command::new("gcc").arg("-print-file-name=libasan.so").output().unwrap();
    let asan = String::from_utf8(asan.stdout).unwrap();
    Command::new(DOOR)
        .arg(library)
        .arg("20")
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
