//! The target [`keyward_fuzz::origin`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::origin(bytes));
