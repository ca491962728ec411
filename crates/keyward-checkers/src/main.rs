//! The program that contains the checkers `pam` and `ldap`.
//!
//! They are not linked into `keyward`, because every start of it would load libpam, and its code would
//! contain an LDAP client. `keyward` starts this program, from its own folder, when a checker of these
//! is needed, and talks to it as to any plugin (`docs/plugin-protocol.md`).

use std::process::ExitCode;

use keyward_checker_ldap as _;
use keyward_checker_pam as _;

fn main() -> ExitCode {
    // The text of a panic may contain a secret.
    std::panic::set_hook(Box::new(|_| {}));
    let backends = || Ok(keyward_plugin::Registry::linked()?.iter().cloned().collect());
    match keyward_loader::serve_parent(backends) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
