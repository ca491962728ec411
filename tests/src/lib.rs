//! What the tests share with the programs that they start, such as the worker that they kill.

pub mod borrowed;
pub mod speed;
pub mod unlocked;

use keyward::Credentials;
use keyward_core::{Registration, Registry};
use keyward_defaults as _;

/// Serves the backends of one linked crate to the process that started this one.
///
/// # Errors
/// As [`keyward_loader::serve_parent`].
pub fn serve(package: &str) -> keyward_core::Result<()> {
    let registry = Registry::linked()?;
    let borrowed = borrowed_backend();
    let backends = registry.iter().chain([&borrowed]).filter(|it| it.package == package);
    let backends = backends.cloned().collect();
    keyward_loader::serve_parent(|| Ok(backends))
}

/// Returns the key source [`borrowed`], which is not linked into other programs.
pub const fn borrowed_backend() -> Registration {
    Registration::key::<borrowed::Borrowed>("borrowed", "0")
}

/// A part of every password that [`value`] makes. Tests search files for it.
pub const CANARY: &str = "canary-in-a-coal-mine";

/// Returns credentials that contain a number many times, so that half a record is recognised.
pub fn value(number: u64) -> Credentials {
    Credentials::new(number.to_string(), format!("{CANARY} {number}, ").repeat(150))
}

/// Returns the number in credentials; `None` if they are not whole.
pub fn number(credentials: &Credentials) -> Option<u64> {
    let number = credentials.username.parse().ok()?;
    (*credentials == value(number)).then_some(number)
}

/// Returns credentials that contain a count.
pub fn count(number: u64) -> Credentials {
    Credentials::new(number.to_string(), "")
}

/// Returns the count in credentials.
///
/// # Panics
/// If there is none.
pub fn counted(credentials: &Credentials) -> u64 {
    credentials.username.parse().expect("it is a count")
}
