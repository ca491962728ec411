//! The backends of one linked crate, behind the door `run`: what a test starts to use them so.

use std::process::ExitCode;

use keyward_core::Registry;
use keyward_defaults as _;

fn main() -> ExitCode {
    let package = std::env::args().nth(1).unwrap_or_default();
    let Ok(registry) = Registry::linked() else { return ExitCode::FAILURE };
    let brought: Vec<_> = registry.iter().filter(|it| it.package == package).copied().collect();
    match keyward_loader::serve_parent(|| Ok(brought)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.kind().code()),
    }
}
