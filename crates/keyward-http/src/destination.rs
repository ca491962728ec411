use http::Uri;
use keyward_core::{Error, ErrorKind, Origin, Result};

/// Returns the server that a URL leads to, if a request may be sent there.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid) for a URL that is not absolute, has user-info, or which another
/// program could read differently; [`Refused`](ErrorKind::Refused) for plain HTTP to a host other than
/// this machine, unless that is allowed.
pub fn destination(url: &Uri, allows_plain: bool) -> Result<Origin> {
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(Error::invalid("request", "the URL is not absolute"));
    };
    if authority.as_str().contains('@') {
        return Err(Error::invalid("request", "the URL contains a user or a password"));
    }
    let origin = keyward_origin::from_parts(scheme, authority.as_str())?;
    match origin.scheme.as_str() {
        "https" => Ok(origin),
        "http" if allows_plain || origin.is_loopback() => Ok(origin),
        "http" => Err(Error::new(ErrorKind::Refused, "request")
            .because(format!("{origin}: without TLS, others could read the request"))
            .hint("Use a URL that begins with https")),
        _ => Err(Error::invalid("request", "the URL must begin with https")),
    }
}
