//! Lists of byte strings as one byte string, each with its length before it.

use keyward_core::{Secret, SecretWriter};
use std::io::Write;

/// Joins parts so that [`split`] returns the same, and no other parts give the same bytes.
pub(crate) fn join<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Secret {
    let mut out = SecretWriter::new();
    for part in parts {
        let written =
            out.write_all(&(part.len() as u64).to_be_bytes()).and_then(|()| out.write_all(part));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }
    out.finish()
}

/// Splits what [`join`] wrote; `None` if it was not.
pub(crate) fn split(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        parts.push(part);
        bytes = rest;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_are_split_as_they_were_joined(parts: Vec<Vec<u8>>) {
            let joined = join(parts.iter().map(Vec::as_slice));
            prop_assert_eq!(split(joined.expose()).unwrap(), parts);
        }

        #[test]
        fn other_bytes_do_no_harm(bytes: Vec<u8>) {
            if let Some(parts) = split(&bytes) {
                let joined = join(parts);
                prop_assert_eq!(joined.expose(), &bytes);
            }
        }
    }
}
