//! A request, read from nginx's log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A request: its target, the status of the answer, and its credential.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// `http://git.example:80`
    pub(super) origin: String,
    /// Method and path.
    line: String,
    status: String,
    /// The header `Authorization`; for `Basic`, decoded.
    pub(super) authorization: Option<String>,
}

impl Request {
    pub(super) fn read(line: &str) -> Self {
        let mut words = line.splitn(5, ' ').map(str::to_owned);
        let mut word = || words.next().expect("nginx writes five words");
        let (origin, method, path, status) = (word(), word(), word(), word());
        let authorization = Some(word()).filter(|header| !header.is_empty() && header != "-");
        let authorization = authorization.map(|header| decoded(&header).unwrap_or(header));
        Self { origin, line: format!("{method} {path}"), status, authorization }
    }
}

/// `Basic alice:secret` in place of base64.
fn decoded(header: &str) -> Option<String> {
    let bytes = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    Some(format!("Basic {}", String::from_utf8(bytes).ok()?))
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, line, status, authorization } = self;
        write!(f, "{status} {line} at {origin}")?;
        authorization.iter().try_for_each(|header| write!(f, " with {header}"))
    }
}
