use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Error, hex};
use sha2::Sha256;

/// The configuration's entry for a file: where the file is and what it must contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Where it is: an absolute path without symbolic links.
    pub path: PathBuf,
    /// The SHA-256 of its content.
    pub digest: Digest,
}

/// A SHA-256.
///
/// In text it is 64 hexadecimal digits, as `sha256sum` writes them.
///
/// # Examples
/// ```
/// use keyward_core::Digest;
///
/// let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// assert_eq!(empty.parse::<Digest>()?, Digest::new(b""));
/// assert_eq!(Digest::new(b"").to_string(), empty);
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Computes the digest of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(Sha256::digest(bytes).into())
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) unless it is 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut digest = [0; 32];
        hex::decode(text.as_bytes(), &mut digest)
            .ok_or_else(|| Error::invalid("plugin", "a SHA-256 is 64 hexadecimal digits"))?;
        Ok(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_a_digest_is_refused() {
        let good = Digest::new(b"").to_string();
        assert_eq!(good.to_uppercase().parse::<Digest>().unwrap(), Digest::new(b""));
        for bad in ["", &good[1..], &good[2..], &format!("{good}00"), &good.replace('e', "g")] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
        assert!(good.replacen("e3", "é", 1).parse::<Digest>().is_err());
    }
}
