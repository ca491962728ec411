use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use keyward_core::{Error, Origin, Result};
use regex_lite::{Regex, RegexBuilder};

/// The longest pattern of a path, in bytes.
const MAX_PATTERN: usize = 4 << 10;

/// The most memory that a compiled pattern may need, in bytes. The longest path is then compared with any
/// pattern within 50 ms (43 ms on 2 × AMD EPYC, with 133 times `a?a*|` in parentheses).
const MAX_COMPILED: usize = 24 << 10;

/// Origins: one, or those of all hosts below a domain, such as `https://*.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    /// The origin, or that of the domain.
    origin: Origin,
    /// Whether hosts below the domain match, and the domain itself does not.
    is_suffix: bool,
}

impl OriginPattern {
    /// Reads `scheme://host[:port]` or `scheme://*.domain[:port]`.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for anything else: a path, another star, a domain
    /// of one label such as `*.com`, an address after a star.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((scheme, domain)) = text.split_once("://*.") else {
            return Ok(Self { origin: keyward_origin::parse(text)?, is_suffix: false });
        };
        let origin = keyward_origin::parse(&format!("{scheme}://{domain}"))?;
        let last = origin.host.rsplit('.').next().unwrap_or_default();
        let is_address = origin.host.starts_with('[') || last.bytes().all(|b| b.is_ascii_digit());
        if is_address || !origin.host.contains('.') {
            return Err(Error::invalid("provider", "`*.` needs a domain with a dot after it"));
        }
        Ok(Self { origin, is_suffix: true })
    }

    /// Whether an origin matches.
    pub fn matches(&self, origin: &Origin) -> bool {
        if !self.is_suffix {
            return *origin == self.origin;
        }
        let below = origin.host.strip_suffix(&self.origin.host);
        origin.scheme == self.origin.scheme
            && origin.port == self.origin.port
            && below.is_some_and(|below| below.len() > 1 && below.ends_with('.'))
    }

    /// The origin, if only one matches.
    pub fn exact(&self) -> Option<&Origin> {
        (!self.is_suffix).then_some(&self.origin)
    }

    /// Compares how much two patterns say: a host says more than a domain, and a longer domain more
    /// than a shorter one.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let says = |it: &Self| (!it.is_suffix, it.origin.host.len());
        says(self).cmp(&says(other))
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.origin.to_string();
        match self.is_suffix {
            true => f.write_str(&text.replacen("://", "://*.", 1)),
            false => f.write_str(&text),
        }
    }
}

/// A regular expression that the whole path of a URL must match, as it is sent. The engine takes time
/// that is linear in the length of the path.
#[derive(Clone, Debug)]
pub struct PathPattern {
    text: String,
    regex: Regex,
}

impl PathPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is not a regular expression, or too large.
    pub fn new(text: &str) -> Result<Self> {
        if text.len() > MAX_PATTERN {
            let why = format!("`path` is longer than {MAX_PATTERN} bytes");
            return Err(Error::invalid("provider", why));
        }
        // Without the parentheses, an alternative could be anchored at one end only.
        let regex = RegexBuilder::new(&format!("^(?:{text})$")).size_limit(MAX_COMPILED).build();
        let regex = regex.map_err(|error| {
            Error::invalid("provider", format!("`path` is not a regular expression: {error}"))
        })?;
        // `a)|(b` would be valid inside the parentheses, and anchored at neither end.
        Regex::new(text).map_err(|error| {
            Error::invalid("provider", format!("`path` is not a regular expression: {error}"))
        })?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Whether a path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.regex.is_match(path)
    }

    /// Returns the texts of the named groups in a path that matches.
    pub fn groups(&self, path: &str) -> BTreeMap<String, String> {
        let Some(found) = self.regex.captures(path) else { return BTreeMap::new() };
        let names = self.regex.capture_names().flatten();
        names
            .filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned())))
            .collect()
    }

    /// Whether there is a group of this name.
    pub(crate) fn has_group(&self, name: &str) -> bool {
        self.regex.capture_names().flatten().any(|known| known == name)
    }

    /// The length of the text at the beginning that every path has.
    pub(crate) fn literal(&self) -> usize {
        let end = self.text.find(|c: char| r"\.+*?()[]{}^$|".contains(c));
        let literal = end.unwrap_or(self.text.len());
        // A character that may be missing is not literal.
        let is_optional = self.text[literal..].starts_with(['*', '?', '{']);
        if is_optional { literal.saturating_sub(1) } else { literal }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
