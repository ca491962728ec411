use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use keyward_core::{Created, Error, ErrorKind, Loaded, Result, Secret, hex};

/// The length of a key that wraps a keyset, in bytes.
pub const KEY_LENGTH: usize = 32;

/// The parameters of a key that was supplied to Keyward and not made by it.
const SUPPLIED: &[u8] = b"supplied";

/// Reads a key that a user supplies in a file, a variable or a command's output: 32 bytes as base64
/// (standard or URL-safe, with or without padding) or as 64 hexadecimal digits.
///
/// White space around it, such as a line end, is ignored.
///
/// # Errors
/// [`NoKey`](crate::ErrorKind::NoKey), which does not quote the text.
///
/// # Examples
/// ```
/// use keyward_plugin::{decode_key, encode_key};
///
/// let text = encode_key(&[7; 32]);
/// assert_eq!(decode_key(&text)?.expose(), [7; 32]);
/// # Ok::<(), keyward_plugin::Error>(())
/// ```
pub fn decode_key(text: &Secret) -> Result<Secret> {
    let text = text.expose().trim_ascii();
    let key = match text.len() {
        64 => hexadecimal(text),
        43 | 44 => base64(text.strip_suffix(b"=").unwrap_or(text)),
        _ => None,
    };
    key.ok_or_else(|| {
        Error::new(ErrorKind::NoKey, "key")
            .because("the value is not 32 bytes in base64 or hexadecimal")
            .hint("Make one with: head -c 32 /dev/urandom | base64")
    })
}

/// Encodes a key as [`decode_key`] reads it: in base64, without a line end.
pub fn encode_key(key: &[u8]) -> Secret {
    Secret::from(STANDARD.encode(key))
}

/// Does [`create`](crate::Key::create) for a key source whose keys are supplied.
///
/// # Errors
/// Those of [`decode_key`].
pub fn create_supplied(supplied: &Secret) -> Result<Created> {
    Ok(Created::supplied(decode_key(supplied)?, SUPPLIED.to_vec()))
}

/// Does [`load`](crate::Key::load) for a key source whose keys are supplied: returns the secret as
/// it was supplied, or the key that [`create_supplied`] found in it. Both expire when the supplied
/// secret expires.
///
/// # Errors
/// Those of [`decode_key`]; [`Corrupt`](crate::ErrorKind::Corrupt) if the parameters are not from
/// such a source.
pub fn load_supplied(supplied: impl Into<Loaded>, parameters: &[u8]) -> Result<Loaded> {
    let supplied = supplied.into();
    match parameters {
        [] => Ok(supplied),
        SUPPLIED => Ok(Loaded::new(decode_key(&supplied)?, supplied.expires)),
        _ => Err(Error::corrupt("key").because("the parameters are those of another key source")),
    }
}

fn base64(text: &[u8]) -> Option<Secret> {
    let url_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { URL_SAFE_NO_PAD } else { STANDARD_NO_PAD };
    let mut bytes = vec![0; KEY_LENGTH];
    let decoded = engine.decode_slice(text, &mut bytes);
    // The bytes are wiped also if only a part was decoded.
    let key = Secret::new(bytes);
    (decoded == Ok(KEY_LENGTH)).then_some(key)
}

fn hexadecimal(text: &[u8]) -> Option<Secret> {
    let mut bytes = vec![0; KEY_LENGTH];
    let decoded = hex::decode(text, &mut bytes);
    // The bytes are wiped also if only a part was decoded.
    let key = Secret::new(bytes);
    decoded.map(|()| key)
}

#[cfg(test)]
mod tests {
    use keyward_core::Ownership;

    use super::*;

    /// Its base64 contains both characters in which the alphabets differ.
    const KEY: [u8; 32] = {
        let mut key = [0xfb; 32];
        key[31] = 0xff;
        key
    };
    const HEX: &str = "fbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbff";

    #[test]
    fn every_encoding_of_a_key_is_read() {
        let standard = STANDARD.encode(KEY);
        let url_safe = standard.replace('+', "-").replace('/', "_");
        assert_ne!(standard, url_safe);
        for text in [
            standard.as_str(),
            standard.trim_end_matches('='),
            &url_safe,
            url_safe.trim_end_matches('='),
            HEX,
            &HEX.to_uppercase(),
            &format!(" {standard}\r\n"),
        ] {
            assert_eq!(decode_key(&Secret::from(text)).unwrap().expose(), KEY, "{text}");
        }
    }

    #[test]
    fn other_text_is_refused_and_not_quoted() {
        let standard = STANDARD.encode(KEY);
        for text in [
            "",
            "canary",
            &standard[1..],
            &STANDARD.encode([1; 31]),
            &STANDARD.encode([1; 33]),
            &standard.replacen('+', "-", 1),
            &standard.replace('=', "=="),
            // The last character's spare bits are not zero.
            &format!("{}9=", &standard[..42]),
            &HEX.replacen('f', "g", 1),
            &HEX[2..],
        ] {
            let error = decode_key(&Secret::from(text)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoKey, "{text}");
            assert!(text.is_empty() || !format!("{error:?}").contains(text));
        }
    }

    #[test]
    fn the_parameters_distinguish_a_key_from_a_secret() {
        let supplied = encode_key(&KEY);
        let created = create_supplied(&supplied).unwrap();
        assert_eq!(created.ownership, Ownership::Supplied);
        assert_eq!(load_supplied(supplied.clone(), &created.parameters).unwrap().expose(), KEY);
        assert_eq!(load_supplied(supplied.clone(), &[]).unwrap().secret, supplied);
        assert_eq!(load_supplied(supplied, b"?").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
