//! The target [`keyward_fuzz::serializer_postcard`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::serializer_postcard(bytes));
