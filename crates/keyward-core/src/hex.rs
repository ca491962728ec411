//! Hexadecimal digits, for ids, digests and keys.

/// Returns the bytes as lower-case hexadecimal digits, two for each byte.
///
/// # Examples
/// ```
/// assert_eq!(keyward_core::hex::encode(&[0, 0xff]), "00ff");
/// ```
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Reads hexadecimal digits, lower or upper case, into `bytes`. Returns `None` unless there are exactly
/// two digits for each byte; `bytes` may then contain part of them.
///
/// # Security
/// The time that it takes does not depend on the digits, so that keys may be read too.
///
/// # Examples
/// ```
/// let mut bytes = [0; 2];
/// assert!(keyward_core::hex::decode(b"00FF", &mut bytes).is_some());
/// assert_eq!(bytes, [0, 0xff]);
/// ```
#[must_use]
pub fn decode(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    base16ct::mixed::decode(digits, bytes).ok().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_number_of_digits_is_read() {
        let mut bytes = [0; 2];
        for wrong in
            [&b""[..], b"00f", b"00ff0", b"00ff00", b"00fg", b"+0ff", b" 0ff", b"00\xc3\xa9"]
        {
            assert_eq!(decode(wrong, &mut bytes), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let all: Vec<u8> = (0..=255).collect();
        for digits in [encode(&all), encode(&all).to_uppercase()] {
            let mut bytes = [0; 256];
            assert_eq!(decode(digits.as_bytes(), &mut bytes), Some(()));
            assert_eq!(bytes[..], all);
        }
    }
}
