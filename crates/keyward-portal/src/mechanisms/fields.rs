//! What is kept between two messages: a version, and fields with their lengths.

use std::io::Write;

use keyward_core::{Error, Result, Secret, SecretWriter};

/// Writes fields after the version. Each has at most 65,535 bytes.
pub(super) fn pack(version: u8, fields: &[&[u8]]) -> Secret {
    let mut packed = SecretWriter::new();
    let mut write = |bytes: &[u8]| packed.write_all(bytes).expect("memory can be written");
    write(&[version]);
    for field in fields {
        let length = u16::try_from(field.len()).expect("messages have limits");
        write(&length.to_be_bytes());
        write(field);
    }
    packed.finish()
}

/// Reads exactly this many fields of this version.
pub(super) fn unpack<const N: usize>(version: u8, packed: &Secret) -> Result<[&[u8]; N]> {
    parse(version, packed.expose()).ok_or_else(|| {
        Error::corrupt("login").because("what was kept of an exchange is not what was written")
    })
}

fn parse<const N: usize>(version: u8, packed: &[u8]) -> Option<[&[u8]; N]> {
    let mut rest = packed.strip_prefix(&[version])?;
    let mut fields = [&[][..]; N];
    for field in &mut fields {
        let (length, after) = rest.split_first_chunk()?;
        (*field, rest) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
    }
    rest.is_empty().then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_is_read() {
        let packed = pack(7, &[b"a", b"", b"bc"]);
        assert_eq!(unpack(7, &packed).unwrap(), [&b"a"[..], b"", b"bc"]);
        assert!(unpack::<3>(6, &packed).is_err());
        assert!(unpack::<2>(7, &packed).is_err());
        assert!(unpack::<4>(7, &packed).is_err());
        for end in 0..packed.len() {
            let mut cut = packed.clone();
            cut.truncate(end);
            assert!(unpack::<3>(7, &cut).is_err());
        }
    }
}
