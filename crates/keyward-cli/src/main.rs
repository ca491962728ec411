//! The `keyward` program. Its code is in the library, so that others can build a program with their
//! own backends.
//!
//! With the GNU C library it defines C's `main`: what Rust's standard library does before `main`
//! takes a twelfth of the time of `keyward get`
//! ([why](../../../docs/adr/0022-the-program-begins-where-c-does.md)).

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the only `main` of this program, with the type that C calls")]
#[unsafe(no_mangle)]
extern "C" fn main(_: std::ffi::c_int, _: *const *const std::ffi::c_char) -> std::ffi::c_int {
    std::process::exit(keyward_cli::status().into())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() -> std::process::ExitCode {
    keyward_cli::main()
}
