//! The program that Keyward runs: it provides the backends of this crate.

use std::process::ExitCode;

use {crate} as _;

fn main() -> ExitCode {
    // The text of a panic may contain a secret.
    std::panic::set_hook(Box::new(|_| {}));
    let backends = || Ok(keyward_plugin::Registry::linked()?.iter().cloned().collect());
    match keyward_loader::serve_parent(backends) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
