use keyward_core::{Error, Result};

use crate::MAX_URL;

/// A URL, split as RFC 3986 splits it. Nothing is decoded yet.
pub(crate) struct Parts<'a> {
    pub(crate) scheme: &'a str,
    /// The text before the `@`, if there is one.
    pub(crate) user_info: Option<&'a str>,
    /// The host, with the port if it has one.
    pub(crate) host: &'a str,
    /// The text after the authority, from its `/`, `?` or `#` on.
    pub(crate) rest: &'a str,
}

impl<'a> Parts<'a> {
    /// Splits `text`, unless another parser could split it differently.
    pub(crate) fn split(text: &'a str) -> Result<Self> {
        if text.len() > MAX_URL {
            return Err(too_long());
        }
        // The WHATWG's parser drops tabs and line ends, trims blanks and reads `\` as `/`.
        if text.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace()) {
            return Err(refusal("it contains a blank, a backslash or a control character"));
        }
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| refusal("it does not begin with a scheme and `://`"))?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user_info, host) = match authority.split_once('@') {
            Some((user_info, host)) => (Some(user_info), host),
            None => (None, authority),
        };
        Ok(Self { scheme, user_info, host, rest })
    }
}

pub(crate) fn refusal(why: impl Into<String>) -> Error {
    Error::invalid("url", why)
}

pub(crate) fn too_long() -> Error {
    refusal(format!("it is longer than {MAX_URL} bytes"))
}
