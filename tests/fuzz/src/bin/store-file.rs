//! The target [`keyward_fuzz::store_file`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::store_file(bytes));
