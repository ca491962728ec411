use std::path::{Path, PathBuf};

use keyward_core::ErrorKind::Refused;
use keyward_loader::{Pin, verify_library};

use crate::built::{Bench, GOOD, expect, load, pin};

const NAME: &str = "libnamesake.so.1";

/// Builds a library of the one name that returns this number.
fn namesake(bench: &Bench, answer: u32) -> PathBuf {
    let code = format!("int answer(void) {{ return {answer}; }}");
    bench.build("libnamesake.so", &code, &[&format!("-Wl,-soname,{NAME}")])
}

fn plugin(bench: &Bench, name: &str, needs: &Path) -> Pin {
    pin(&bench.build(name, GOOD, &["-Wl,--no-as-needed", needs.to_str().unwrap()]))
}

/// The dynamic linker identifies libraries by their names: the second plugin would get the library
/// that the first one pinned.
#[test]
fn two_libraries_of_one_name_are_not_loaded_into_one_process() {
    let (bench, other) = (Bench::new(), Bench::new());
    let (first, second) = (namesake(&bench, 1), namesake(&other, 2));
    load(&plugin(&bench, "one.so", &first), &[pin(&first)]).unwrap();
    load(&plugin(&bench, "two.so", &first), &[pin(&first)]).unwrap();
    assert!(bench.ran("one.so") && bench.ran("two.so") && bench.ran("libnamesake.so"));

    let verified = verify_library(&plugin(&other, "other.so", &second), &[pin(&second)]).unwrap();
    let error = keyward_loader::load(verified).unwrap_err();
    expect(&error, Refused, &format!("another {NAME} than the pinned one is loaded already"));
    assert!(error.advice().unwrap().contains("--run"), "{error:?}");
    assert!(!other.ran("other.so") && !other.ran("libnamesake.so"));
}
