use std::fmt;

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Error, ErrorKind, Result, Secret};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{MAX_KEY, MAX_RECORD};

const VERSION: u8 = 0x80;

/// Version, time and initialization vector come before the ciphertext, a MAC after it.
const HEADER: usize = 1 + 8 + 16;
const MAC: usize = 32;
const BLOCK: usize = 16;

/// The key of PyCred's encryption `aes`: Fernet's pair of a signing and an encryption key.
///
/// # Security
/// AES-128-CBC with HMAC-SHA256. The MAC is verified first, in constant time; nothing is decrypted
/// before. A token is not bound to a context: a user who can write to PyCred's folder can replace
/// one user's token with another's, and PyCred cannot detect that. Neither can an import.
///
/// # Examples
/// The token of Fernet's own specification:
/// ```
/// use keyward_import::pycred::FernetKey;
///
/// let key = FernetKey::parse(b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=")?;
/// let token = b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
/// assert_eq!(key.open(token)?.expose(), b"hello");
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub struct FernetKey(Zeroizing<[u8; 32]>);

impl FernetKey {
    /// Reads the content of a key file: 32 bytes in URL-safe base64. A newline after them is
    /// ignored.
    ///
    /// # Errors
    /// [`NoKey`](ErrorKind::NoKey) if it is anything else.
    pub fn parse(file: &[u8]) -> Result<Self> {
        let no_key =
            || Error::new(ErrorKind::NoKey, "open").because("the key file does not contain a key");
        if file.len() > MAX_KEY {
            return Err(no_key());
        }
        let mut decoded = Zeroizing::new([0; 33]);
        let length =
            URL_SAFE.decode_slice(file.trim_ascii_end(), &mut *decoded).map_err(|_| no_key())?;
        let key = decoded[..length].try_into().map_err(|_| no_key())?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// Opens a token. Its time is ignored, as in PyCred.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if the token was changed or sealed with another key; the two
    /// cases cannot be distinguished.
    pub fn open(&self, token: &[u8]) -> Result<Secret> {
        self.open_token(token).ok_or_else(|| {
            Error::corrupt("open").because("it was altered, or sealed with another key")
        })
    }

    fn open_token(&self, token: &[u8]) -> Option<Secret> {
        if token.len() > MAX_RECORD {
            return None;
        }
        let mut bytes = Zeroizing::new(URL_SAFE.decode(token).ok()?);
        let sealed = bytes.len().checked_sub(MAC)?;
        let ciphertext = sealed.checked_sub(HEADER)?;
        if bytes[0] != VERSION || ciphertext == 0 || ciphertext % BLOCK != 0 {
            return None;
        }
        let (signing, encryption) = self.0.split_at(16);
        let mut mac = Hmac::<Sha256>::new_from_slice(signing).ok()?;
        mac.update(&bytes[..sealed]);
        mac.verify_slice(&bytes[sealed..]).ok()?;
        let (header, rest) = bytes.split_at_mut(HEADER);
        let cipher =
            cbc::Decryptor::<Aes128>::new_from_slices(encryption, &header[HEADER - BLOCK..])
                .ok()?;
        let plain = &mut rest[..ciphertext];
        let length = cipher.decrypt_padded::<Pkcs7>(plain).ok()?.len();
        Some(Secret::from(&plain[..length]))
    }
}

impl fmt::Debug for FernetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FernetKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const TOKEN: &[u8] = b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

    /// What Fernet's specification refuses, the last three under a right MAC.
    const INVALID: &[(&str, &[u8])] = &[
        ("incorrect mac", b"gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ=="),
        ("too short", b"gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA=="),
        ("invalid base64", b"%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q=="),
        ("payload size not multiple of block size", b"gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm"),
        ("payload padding error", b"gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw=="),
        ("incorrect IV (causes padding error)", b"gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ=="),
    ];

    #[test]
    fn a_token_altered_anywhere_does_not_open() {
        let key = FernetKey::parse(KEY).unwrap();
        assert_eq!(key.open(TOKEN).unwrap().expose(), b"hello");
        for place in 0..TOKEN.len() {
            for altered in (0..=255).filter(|byte| *byte != TOKEN[place]) {
                let mut token = TOKEN.to_vec();
                token[place] = altered;
                assert!(key.open(&token).is_err(), "byte {place} as {altered}");
            }
            assert!(key.open(&TOKEN[..place]).is_err(), "the first {place} bytes");
        }
        assert!(key.open(&[TOKEN, b"="].concat()).is_err());
    }

    #[test]
    fn tokens_that_the_specification_refuses_are_refused() {
        let key = FernetKey::parse(KEY).unwrap();
        for (why, token) in INVALID {
            assert!(key.open(token).is_err(), "{why}");
        }
    }

    #[test]
    fn a_key_is_32_bytes_and_nothing_else() {
        for (file, good) in [
            (&b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n"[..], true),
            (b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4", false),
            (b"cw/0x689RpI+jtRR7oE8h/eQsKImvJapLeSbXpwF4e4=", false),
            (b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4Q==", false),
            (b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4AAAAA", false),
            (b"", false),
        ] {
            match FernetKey::parse(file) {
                Ok(key) => assert!(good && key.open(TOKEN).is_ok()),
                Err(error) => assert!(!good && error.kind() == ErrorKind::NoKey),
            }
        }
    }

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", FernetKey::parse(KEY).unwrap()), "FernetKey(..)");
    }
}
