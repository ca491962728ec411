use std::time::Duration;

use keyward_core::{Error, ErrorKind};

/// A response for a client that is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers. Several can have the same name; their order matters.
    pub headers: Vec<(&'static str, String)>,
    /// The body, which is plain text. It is empty for the method HEAD.
    pub body: &'static str,
}

impl Response {
    fn new(status: u16, body: &'static str) -> Self {
        let headers = [("Content-Type", "text/plain"), ("Cache-Control", "no-store")];
        let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
        Self { status, headers, body }
    }

    /// The client must present something else.
    pub(super) fn unauthorized(challenges: Vec<String>) -> Self {
        let mut response = Self::new(401, "Unauthorized\n");
        let challenges = challenges.into_iter().map(|challenge| ("WWW-Authenticate", challenge));
        response.headers.extend(challenges);
        response
    }

    /// The client may not come in, whatever it presents.
    pub(super) fn forbidden() -> Self {
        Self::new(403, "Forbidden\n")
    }

    /// The client must wait.
    pub(super) fn wait(time: Duration) -> Self {
        let mut response = Self::new(429, "Too Many Requests\n");
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        response.headers.push(("Retry-After", seconds.to_string()));
        response
    }

    /// The server cannot tell. The response does not say why.
    pub(super) fn failed(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Locked | ErrorKind::Full => {
                Self::new(503, "Service Unavailable\n")
            }
            _ => Self::new(500, "Internal Server Error\n"),
        }
    }

    /// Makes it the response to a request with this method.
    pub(super) fn to(self, method: &str) -> Self {
        if method == "HEAD" { Self { body: "", ..self } } else { self }
    }
}
