//! The target [`keyward_fuzz::key_passphrase`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::key_passphrase(bytes));
