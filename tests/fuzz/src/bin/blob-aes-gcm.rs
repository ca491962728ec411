//! The target [`keyward_fuzz::blob_aes_gcm`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::blob_aes_gcm(bytes));
