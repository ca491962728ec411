//! The target [`keyward_fuzz::import_git`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::import_git(bytes));
