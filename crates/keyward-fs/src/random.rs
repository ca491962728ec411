use keyward_core::{Error, ErrorKind, Result};

/// Returns random bytes from the operating system.
///
/// # Errors
/// [`Unavailable`](ErrorKind::Unavailable) if the operating system returns none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Error::new(ErrorKind::Unavailable, "random")
            .because("the operating system gave no random bytes")),
    }
}
