//! Runs one of [`TARGETS`] under libFuzzer: `fuzz --target=NAME`, then the arguments of libFuzzer.

#![no_main]

use std::sync::LazyLock;

use keyward_fuzz::{TARGETS, Target};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));

/// libFuzzer ignores arguments with two dashes, so the program can use them.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::args().find_map(|word| Some(word.strip_prefix("--target=")?.to_owned()));
    let name = name.expect("`--target` names the target");
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.expect("there is a target of this name").1
});
