//! Writes requests, and reads the heads of answers, for authenticators.

use http::{HeaderValue, Request, Response, Uri};
use keyward_core::{
    Additions, Error, ErrorKind, Header, RequestHead, ResponseHead, Result, Secret,
};

/// Returns a request with additions.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) if a header cannot contain its value.
pub(crate) fn with<B>(head: &RequestHead, additions: &Additions, body: B) -> Result<Request<B>> {
    if !additions.query.is_empty() {
        return Err(Error::new(ErrorKind::Unsupported, "request")
            .because("the authenticator wants to add to the query"));
    }
    let url: Uri = head.url.parse().map_err(|_| Error::invalid("request", "it is not a URL"))?;
    let is_replaced = |header: &&Header| {
        !additions.headers.iter().any(|added| added.name.eq_ignore_ascii_case(&header.name))
    };
    let kept = head.headers.iter().filter(is_replaced);
    let mut request = Request::builder().method(head.method.as_str()).uri(url);
    for header in kept.chain(&additions.headers) {
        let mut value = HeaderValue::from_bytes(header.value.expose())
            .map_err(|_| Error::invalid("request", "a header cannot contain its value"))?;
        value.set_sensitive(true);
        request = request.header(header.name.as_str(), value);
    }
    request.body(body).map_err(|_| Error::invalid("request", "the request cannot be written"))
}

/// Returns the head of an answer, without the beginning of its body.
pub(crate) fn head<B>(response: &Response<B>) -> ResponseHead {
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| Header::new(name.as_str(), value.as_bytes()));
    ResponseHead {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body_start: Secret::default(),
    }
}
