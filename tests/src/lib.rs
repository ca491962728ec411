//! What the tests and the worker they torture agree on.

pub mod speed;

use keyward::Credentials;
use keyward_core::Registry;
use keyward_defaults as _;

/// Brings the backends of one linked crate to whoever started this process: what a program of backends is.
///
/// # Errors
/// As [`keyward_loader::serve_parent`].
pub fn serve(package: &str) -> keyward_core::Result<()> {
    let registry = Registry::linked()?;
    let brought = registry.iter().filter(|it| it.package == package).cloned().collect();
    keyward_loader::serve_parent(|| Ok(brought))
}

/// Stands in every password that [`value`] makes, for whoever looks for secrets in files.
pub const CANARY: &str = "canary-in-a-coal-mine";

/// The credentials that hold a number, and hold it so often that half of them would show.
pub fn value(number: u64) -> Credentials {
    Credentials::new(number.to_string(), format!("{CANARY} {number}, ").repeat(150))
}

/// The number that credentials hold; `None` if they are not whole.
pub fn number(credentials: &Credentials) -> Option<u64> {
    let number = credentials.username.parse().ok()?;
    (*credentials == value(number)).then_some(number)
}

/// The credentials that hold a count.
pub fn count(number: u64) -> Credentials {
    Credentials::new(number.to_string(), "")
}

/// The count that credentials hold.
///
/// # Panics
/// If there is none.
pub fn counted(credentials: &Credentials) -> u64 {
    credentials.username.parse().expect("it is a count")
}
