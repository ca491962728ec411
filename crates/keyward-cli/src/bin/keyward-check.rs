//! What `keyward plugin check` starts for each promise that it holds a backend to.

fn main() -> std::process::ExitCode {
    keyward_cli::check()
}
