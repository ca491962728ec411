//! What is in the header `Authorization`.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use keyward_core::{Presented, PresentedKind, Secret};

use crate::Malformed;
use crate::sasl::is_token;

/// The longest header, in bytes.
const MAX: usize = 16 << 10;

/// Some clients write too little padding, or bits that mean nothing.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A scheme, and what follows it.
pub(super) struct Credentials<'a> {
    pub(super) scheme: &'a str,
    pub(super) value: &'a [u8],
}

impl<'a> Credentials<'a> {
    pub(super) fn parse(header: &'a Secret) -> Option<Self> {
        let bytes = header.expose().trim_ascii();
        if bytes.len() > MAX || bytes.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return None;
        }
        let end = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
        let (scheme, value) = bytes.split_at(end);
        Some(Self { scheme: std::str::from_utf8(scheme).ok()?, value: value.trim_ascii() })
    }
}

/// Reads a user and a password, with a colon between them, in base64.
pub(super) fn basic(value: &[u8]) -> Result<Presented, Malformed> {
    const WRONG: Malformed = Malformed::new("it is not a user and a password in base64");
    let decoded = TOLERANT.decode(unpadded(value)).map(Secret::new).map_err(|_| WRONG)?;
    let bytes = decoded.expose();
    let colon = bytes.iter().position(|byte| *byte == b':').ok_or(WRONG)?;
    let user = std::str::from_utf8(&bytes[..colon]).map_err(|_| WRONG)?;
    Ok(Presented::password(user, &bytes[colon + 1..]))
}

/// Returns base64 without its padding, of which there may be too much.
fn unpadded(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    &value[..end]
}

/// Reads a token.
pub(super) fn bearer(value: &[u8]) -> Result<Presented, Malformed> {
    if !is_token(value) {
        return Err(Malformed::new("it is not a token"));
    }
    Ok(Presented::new(PresentedKind::TOKEN).with("token", value))
}
