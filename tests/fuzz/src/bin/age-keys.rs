//! The target [`keyward_fuzz::age_keys`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::age_keys(bytes));
