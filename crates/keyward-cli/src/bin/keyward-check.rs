//! The program that `keyward plugin check` starts for each case.

fn main() -> std::process::ExitCode {
    keyward_cli::check()
}
