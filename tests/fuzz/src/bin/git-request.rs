//! The target [`keyward_fuzz::git_request`] under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keyward_fuzz::git_request(bytes));
