//! The target [`keyward_fuzz::keyring_item`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::keyring_item(bytes));
