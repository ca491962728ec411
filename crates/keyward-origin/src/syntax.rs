use keyward_core::{Error, Result};

use crate::MAX_URL;

/// A URL, cut where RFC 3986 cuts it. Nothing is decoded yet.
pub(crate) struct Parts<'a> {
    pub(crate) scheme: &'a str,
    /// What stands before the `@`, if there is one.
    pub(crate) user_info: Option<&'a str>,
    /// The host, with the port if it has one.
    pub(crate) host: &'a str,
    /// What follows, from its `/`, `?` or `#` on.
    pub(crate) rest: &'a str,
}

impl<'a> Parts<'a> {
    /// Cuts `text`, unless another parser could cut it elsewhere.
    pub(crate) fn of(text: &'a str) -> Result<Self> {
        if text.len() > MAX_URL {
            return Err(too_long());
        }
        // The WHATWG's parser drops tabs and line ends, trims blanks and reads `\` as `/`.
        if text.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace()) {
            return Err(refusal("it holds a blank, a backslash or a control character"));
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
