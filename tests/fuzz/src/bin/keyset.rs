//! The target [`keyward_fuzz::keyset`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::keyset(bytes));
