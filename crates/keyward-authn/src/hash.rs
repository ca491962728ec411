//! The hash functions of Digest.

use std::io::Read;

use keyward_plugin::{Error, ErrorKind, HashKind, Result, Secret};
use md5::Md5;
use sha2::digest::Digest;
use sha2::{Sha256, Sha512_256};

/// Returns the hash of the body of a request, for [`Step::HashBody`](keyward_plugin::Step::HashBody).
///
/// # Errors
/// Those of reading; [`Unsupported`](ErrorKind::Unsupported) for a function that is not known here.
pub fn hash_body(kind: HashKind, body: impl Read) -> Result<Vec<u8>> {
    match kind {
        HashKind::Md5 => read::<Md5>(body),
        HashKind::Sha256 => read::<Sha256>(body),
        HashKind::Sha512_256 => read::<Sha512_256>(body),
        _ => Err(Error::new(ErrorKind::Unsupported, "hash the body")),
    }
}

fn read<D: Digest>(mut body: impl Read) -> Result<Vec<u8>> {
    let mut hash = D::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match body.read(&mut buffer).map_err(|error| Error::io("hash the body", error))? {
            0 => return Ok(hash.finalize().to_vec()),
            length => hash.update(&buffer[..length]),
        }
    }
}

/// Returns the hash of these parts with colons between them, in hexadecimal form.
pub(crate) fn of_parts(kind: HashKind, parts: &[&[u8]]) -> Secret {
    match kind {
        HashKind::Sha256 => hex_of_parts::<Sha256>(parts),
        HashKind::Sha512_256 => hex_of_parts::<Sha512_256>(parts),
        _ => hex_of_parts::<Md5>(parts),
    }
}

fn hex_of_parts<D: Digest>(parts: &[&[u8]]) -> Secret {
    let mut hash = D::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    base16ct::lower::encode_string(&hash.finalize()).into()
}
