//! The grammar of a client's messages (RFC 5802 section 7).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Malformed;

/// The longest message, in bytes.
const MAX: usize = 8192;

/// The longest nonce of a client, in bytes.
const MAX_NONCE: usize = 512;

const WRONG: Malformed = Malformed::new("it is not a message of SCRAM");

/// What a client says about channel binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag<'a> {
    /// `n`: it has none.
    None,
    /// `y`: it has, and believes that the server has not.
    ServerHasNone,
    /// `p=`: it uses this one.
    Bound(&'a str),
}

pub(super) struct ClientFirst<'a> {
    pub(super) flag: Flag<'a>,
    pub(super) authzid: Option<String>,
    pub(super) user: String,
    pub(super) nonce: &'a str,
    /// The message up to and with the second comma.
    pub(super) header: &'a str,
    /// The message without the header.
    pub(super) bare: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let message = text(message)?;
        let (flag, rest) = message.split_once(',').ok_or(WRONG)?;
        let (authzid, bare) = rest.split_once(',').ok_or(WRONG)?;
        let flag = match flag {
            "n" => Flag::None,
            "y" => Flag::ServerHasNone,
            other => {
                Flag::Bound(other.strip_prefix("p=").filter(|name| is_binding(name)).ok_or(WRONG)?)
            }
        };
        let authzid = match authzid {
            "" => None,
            other => Some(name(other.strip_prefix("a=").ok_or(WRONG)?)?),
        };
        if bare.starts_with("m=") {
            return Err(Malformed::new("the extensions are not supported"));
        }
        let mut parts = bare.split(',');
        let user = parts.next().and_then(|part| part.strip_prefix("n=")).ok_or(WRONG)?;
        let nonce = parts.next().and_then(|part| part.strip_prefix("r=")).ok_or(WRONG)?;
        if !is_nonce(nonce) || !parts.all(is_extension) {
            return Err(WRONG);
        }
        let header = &message[..message.len() - bare.len()];
        Ok(Self { flag, authzid, user: name(user)?, nonce, header, bare })
    }
}

pub(super) struct ClientFinal<'a> {
    /// The header of the first message, and what TLS exports.
    pub(super) bound: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
    pub(super) without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let message = text(message)?;
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(WRONG)?;
        let mut parts = without_proof.split(',');
        let bound = parts.next().and_then(|part| part.strip_prefix("c=")).ok_or(WRONG)?;
        let nonce = parts.next().and_then(|part| part.strip_prefix("r=")).ok_or(WRONG)?;
        if !parts.all(is_extension) {
            return Err(WRONG);
        }
        let decode = |part: &str| STANDARD.decode(part).map_err(|_| WRONG);
        Ok(Self { bound: decode(bound)?, nonce, proof: decode(proof)?, without_proof })
    }
}

fn text(message: &[u8]) -> Result<&str, Malformed> {
    if message.len() > MAX {
        return Err(Malformed::new("the message is too long"));
    }
    let text = std::str::from_utf8(message).map_err(|_| WRONG)?;
    if text.contains('\0') { Err(WRONG) } else { Ok(text) }
}

/// Decodes a name, in which `=2C` is a comma and `=3D` an equals sign.
fn name(encoded: &str) -> Result<String, Malformed> {
    let mut parts = encoded.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).ok_or(WRONG)?;
        match code {
            "2C" => name.push(','),
            "3D" => name.push('='),
            _ => return Err(WRONG),
        }
        name.push_str(rest);
    }
    Ok(name)
}

/// Whether it can be the name of a channel binding.
fn is_binding(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !name.is_empty() && name.bytes().all(is_part)
}

fn is_nonce(nonce: &str) -> bool {
    (1..=MAX_NONCE).contains(&nonce.len()) && nonce.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether it is an attribute that the server may ignore.
fn is_extension(attribute: &str) -> bool {
    attribute.split_once('=').is_some_and(|(name, value)| {
        let is_name = matches!(name.as_bytes(), [byte] if byte.is_ascii_alphabetic());
        is_name && !"anmrcsipve".contains(name) && !value.is_empty()
    })
}
