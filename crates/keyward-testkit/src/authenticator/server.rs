//! Servers that authors of authenticators script.

use std::fmt;
use std::sync::Arc;

use keyward_core::{
    Additions, Header, MAX_BODY_START, Record, RequestHead, ResponseHead, Secret, SubResponse,
};

/// A server that an author scripts, with a credential that it accepts.
///
/// The server decides about each request by itself: about the one that is to be authenticated, and
/// about those that the authenticator sends before.
///
/// # Examples
/// ```
/// use keyward_core::{Field, Record};
/// use keyward_testkit::{Answer, Server, TestHost};
///
/// let record = Record::new("token").with("token", Field::secret("made-up-token"));
/// let server = Server::new(record, "https://data.example/file", |sent| {
///     match sent.header("x-key") {
///         Some(b"made-up-token") => Answer::new(200).body("data"),
///         _ => Answer::new(401).header("www-authenticate", "Key"),
///     }
/// });
/// let host = TestHost::new().server(server);
/// # drop(host);
/// ```
#[derive(Clone)]
pub struct Server {
    pub(crate) record: Record,
    pub(crate) request: RequestHead,
    answer: Arc<dyn Fn(&Sent) -> Answer + Send + Sync>,
}

impl Server {
    /// Makes a server that accepts the credential in `record` and has something at `url`.
    pub fn new(
        record: Record,
        url: &str,
        answer: impl Fn(&Sent) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self { record, request: get(url), answer: Arc::new(answer) }
    }

    pub(crate) fn answer(&self, sent: &Sent) -> Answer {
        (self.answer)(sent)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.request.url).finish_non_exhaustive()
    }
}

/// Returns a request without a body.
pub(crate) fn get(url: &str) -> RequestHead {
    RequestHead { method: "GET".into(), url: url.to_owned(), headers: Vec::new() }
}

/// A request that has reached a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sent {
    /// Its method, URL and headers, with what the authenticator added to them.
    pub head: RequestHead,
    /// The parameters that the authenticator added to the query.
    pub query: Vec<(String, Secret)>,
    /// Its body.
    pub body: Secret,
    /// The certificate of the client, in PEM form.
    pub certificate: Option<Vec<u8>>,
}

impl Sent {
    pub(crate) fn new(request: &RequestHead, additions: &Additions, body: Secret) -> Self {
        let mut head = request.clone();
        head.headers.retain(|header| {
            !additions.headers.iter().any(|added| added.name.eq_ignore_ascii_case(&header.name))
        });
        head.headers.extend(additions.headers.iter().cloned());
        let certificate = additions.certificate.as_ref().map(|(chain, _)| chain.clone());
        Self { head, query: additions.query.clone(), body, certificate }
    }

    /// Returns the URL.
    pub fn url(&self) -> &str {
        &self.head.url
    }

    /// Returns the value of a header, if there is one. Upper and lower case are the same.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.head.headers.iter();
        let found = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(found.value.expose())
    }
}

/// The answer of a server.
#[derive(Clone, Debug)]
pub struct Answer(SubResponse);

impl Answer {
    /// Makes an answer without headers and without a body.
    pub fn new(status: u16) -> Self {
        let body_start = Secret::default();
        let head = ResponseHead { status, headers: Vec::new(), body_start };
        Self(SubResponse { head, body: Secret::default() })
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.0.head.headers.push(Header::new(name, value));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Secret>) -> Self {
        self.0.body = body.into();
        self.0.head.body_start = self.0.body.clone();
        self.0.head.body_start.truncate(MAX_BODY_START);
        self
    }

    pub(crate) fn into_response(self) -> SubResponse {
        self.0
    }
}
