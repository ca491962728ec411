//! The program `keyward-serve`, which `keyward serve` starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyward_serve::main()
}
