//! The target [`keyward_fuzz::accounts`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::accounts(bytes));
