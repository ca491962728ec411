//! The program `keyward`, with a backend of my own.

use my_backend as _;

fn main() -> std::process::ExitCode {
    keyward_cli::main()
}
