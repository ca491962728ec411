//! MD5-crypt, of FreeBSD 2.0 (`$1$`) and of Apache (`$apr1$`). There is no crate for it that handles
//! salts of all lengths.

use md5::{Digest, Md5};

use super::crypt64;

/// Computes the text after the salt.
pub(super) fn compute(password: &[u8], salt: &[u8], magic: &[u8]) -> String {
    let mut inner = Md5::new();
    inner.update(password);
    inner.update(salt);
    inner.update(password);
    let inner = inner.finalize();

    let mut first = Md5::new();
    first.update(password);
    first.update(magic);
    first.update(salt);
    for part in password.chunks(inner.len()) {
        first.update(&inner[..part.len()]);
    }
    let mut length = password.len();
    while length != 0 {
        first.update(if length & 1 == 0 { &password[..1] } else { &[0] });
        length >>= 1;
    }

    let mut digest = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        let (start, end) =
            if round & 1 == 0 { (&digest[..], password) } else { (password, &digest[..]) };
        next.update(start);
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(end);
        digest = next.finalize();
    }
    crypt64::encode(&ORDER.map(|at| digest[at]))
}

const ORDER: [usize; 16] = [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11];
