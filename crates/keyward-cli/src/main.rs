//! The `keyward` program; all of it is in the library, so that others can build their own.
//!
//! With GNU's C library it begins where C does: what the standard library does before `main` is a twelfth of
//! `keyward get` ([why](../../../docs/adr/0022-the-program-begins-where-c-does.md)).

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "it is the one `main` of this program, of the type that C calls")]
#[unsafe(no_mangle)]
extern "C" fn main(_: std::ffi::c_int, _: *const *const std::ffi::c_char) -> std::ffi::c_int {
    std::process::exit(keyward_cli::status().into())
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() -> std::process::ExitCode {
    keyward_cli::main()
}
