//! The target [`keyward_fuzz::key_supplied`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::key_supplied(bytes));
