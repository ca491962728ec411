//! AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag. It accepts no other sizes.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use keyward_plugin::{Error, ErrorKind, Result, Secret};
use zeroize::Zeroizing;

pub(crate) const TAG: usize = 16;

/// Appends ciphertext and tag to `out`.
///
/// # Errors
/// `Unsupported` if key or nonce have another size, or the plaintext is too long.
pub(crate) fn seal(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    plain: &Secret,
    out: &mut Vec<u8>,
) -> Result<()> {
    let unsupported = || Error::new(ErrorKind::Unsupported, "seal");
    let (cipher, nonce) = sized(key, nonce).ok_or_else(unsupported)?;
    let start = out.len();
    out.reserve_exact(plain.len() + TAG);
    out.extend_from_slice(plain.expose());
    let tag = cipher
        .encrypt_inout_detached(&nonce, associated_data, (&mut out[start..]).into())
        .map_err(|_| unsupported())?;
    out.extend_from_slice(&tag);
    Ok(())
}

/// Opens ciphertext and tag. It never returns a part of a plaintext that is not authentic.
///
/// # Errors
/// `Corrupt` if it is not authentic, `Unsupported` if key or nonce have another size.
pub(crate) fn open(
    key: &[u8],
    nonce: &[u8],
    associated_data: &[u8],
    sealed: &[u8],
) -> Result<Secret> {
    let (cipher, nonce) =
        sized(key, nonce).ok_or_else(|| Error::new(ErrorKind::Unsupported, "unseal"))?;
    let corrupt = || Error::corrupt("unseal");
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG>().ok_or_else(corrupt)?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    cipher
        .decrypt_inout_detached(
            &nonce,
            associated_data,
            plain.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| corrupt())?;
    Ok(Secret::new(std::mem::take(&mut *plain)))
}

fn sized(key: &[u8], nonce: &[u8]) -> Option<(Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>)> {
    Some((Aes256Gcm::new_from_slice(key).ok()?, nonce.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test vectors for known attacks: see `tests/vectors/SOURCES.md`.
    const WYCHEPROOF: &str = include_str!("../tests/vectors/aes_gcm_test.json");

    fn hex(value: &serde_json::Value) -> Vec<u8> {
        let digits = value.as_str().unwrap();
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn wycheproof() {
        let file: serde_json::Value = serde_json::from_str(WYCHEPROOF).unwrap();
        let (mut run, mut refused) = (0, 0);
        for group in file["testGroups"].as_array().unwrap() {
            let ours =
                (group["ivSize"].as_u64(), group["keySize"].as_u64(), group["tagSize"].as_u64())
                    == (Some(96), Some(256), Some(128));
            for test in group["tests"].as_array().unwrap() {
                let [key, nonce, aad, msg, ct, tag] =
                    ["key", "iv", "aad", "msg", "ct", "tag"].map(|name| hex(&test[name]));
                let sealed = [ct, tag].concat();
                let opened = open(&key, &nonce, &aad, &sealed);
                if !ours {
                    assert_eq!(
                        opened.unwrap_err().kind(),
                        ErrorKind::Unsupported,
                        "{}",
                        test["tcId"]
                    );
                    refused += 1;
                    continue;
                }
                run += 1;
                if test["result"] == "valid" {
                    assert_eq!(opened.unwrap().expose(), msg, "{}", test["tcId"]);
                    let mut out = Vec::new();
                    seal(&key, &nonce, &aad, &Secret::new(msg), &mut out).unwrap();
                    assert_eq!(out, sealed, "{}", test["tcId"]);
                } else {
                    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Corrupt, "{}", test["tcId"]);
                }
            }
        }
        assert_eq!((run, run + refused), (66, 316));
    }
}
