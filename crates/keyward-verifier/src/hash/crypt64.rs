//! The Base64 of crypt(3): the lowest bits come first.

const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes bytes; three become four digits.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number = group.iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[(number >> (6 * digit) & 63) as usize]));
        }
    }
    text
}

/// Reads bytes; `None` unless [`encode`] would have written this.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut number = 0_u32;
        for digit in group.iter().rev() {
            number = number << 6 | value(*digit)?;
        }
        let length = group.len() - 1;
        if length == 0 || number >> (8 * length) != 0 {
            return None;
        }
        bytes.extend_from_slice(&number.to_le_bytes()[..length]);
    }
    Some(bytes)
}

/// The value of a digit.
pub(super) fn value(digit: u8) -> Option<u32> {
    Some(match digit {
        b'.' | b'/' | b'0'..=b'9' => u32::from(digit - b'.'),
        b'A'..=b'Z' => u32::from(digit - b'A') + 12,
        b'a'..=b'z' => u32::from(digit - b'a') + 38,
        _ => return None,
    })
}

/// The digit of a value below 64.
pub(super) fn digit(value: u8) -> u8 {
    DIGITS[usize::from(value & 63)]
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn only_what_would_be_written_is_read(text in "[./0-9A-Za-z]{0,12}") {
            if let Some(bytes) = decode(text.as_bytes()) {
                proptest::prop_assert_eq!(encode(&bytes), text);
            }
        }
    }

    #[test]
    fn every_digit_has_its_value() {
        for wanted in 0..64 {
            assert_eq!(value(digit(wanted)), Some(u32::from(wanted)));
        }
        assert_eq!(value(b'$'), None);
    }
}
