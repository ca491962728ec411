//! The `keyward` program; all of it is in the library, so that others can build their own.

fn main() -> std::process::ExitCode {
    keyward_cli::main()
}
