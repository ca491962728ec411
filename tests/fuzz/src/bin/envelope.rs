//! The target [`keyward_fuzz::envelope`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::envelope(bytes));
