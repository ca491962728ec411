//! Sets options of the linker, on Linux with the GNU C library.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a build script gets its input from the environment and prints its output for cargo"
)]

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // Links the unwinder statically, so that each start loads one library fewer.
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
        // Keeps the code that runs at each start together, and apart from the code that rarely runs.
        println!("cargo:rustc-link-arg-bins=-Wl,-z,keep-text-section-prefix");
    }
}
