//! Requests to the server.

use std::fmt::{self, Debug};
use std::fs;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode, Uri};
use keyward_plugin::{Error, ErrorKind, Host, Network, Result, Secret};
use rustls::crypto::ring;
use serde_json::Value;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};

/// The largest answer, in bytes.
const MAX_ANSWER: usize = 512 << 10;

/// Sends requests, as the host allows.
pub(crate) struct Client {
    host: Arc<dyn Host>,
    timeout: Duration,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    body: Secret,
}

impl Client {
    pub(crate) fn new(host: Arc<dyn Host>, timeout: Duration) -> Self {
        Self { host, timeout }
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// Gets a URL.
    pub(crate) fn get(&self, url: &Uri) -> Result<Answer> {
        let request = Request::get(url).header("accept", "application/json").body(());
        let agent = self.agent(url)?;
        answer(url, agent.run(request.map_err(|_| unusable("the URL cannot be requested"))?))
    }

    /// Sends a form, and who sends it.
    pub(crate) fn post(&self, url: &Uri, credentials: &Secret, form: &Secret) -> Result<Answer> {
        let mut header = http::HeaderValue::from_bytes(credentials.expose())
            .map_err(|_| unusable("the secret cannot be sent"))?;
        header.set_sensitive(true);
        let request = Request::post(url)
            .header("accept", "application/json")
            .header("authorization", header)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.expose());
        let agent = self.agent(url)?;
        answer(url, agent.run(request.map_err(|_| unusable("the URL cannot be requested"))?))
    }

    /// Makes the client for one request: what the host trusts may change.
    fn agent(&self, url: &Uri) -> Result<Agent> {
        let network = self.host.network()?;
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
        let is_tls = url.scheme_str() == Some("https");
        let tls = if is_tls { tls.root_certs(roots(&network)?) } else { tls };
        let limit = self.host.remaining().map_or(self.timeout, |left| left.min(self.timeout));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(proxy(&network, url)?)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(limit.max(Duration::from_millis(1))))
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(config.new_agent())
    }
}

impl Answer {
    /// Returns the JSON of an answer with the status 200.
    pub(crate) fn json(&self, url: &Uri) -> Result<Value> {
        if self.status != StatusCode::OK {
            return Err(failed(
                url,
                &format!("the answer has the status {}", self.status.as_u16()),
            ));
        }
        serde_json::from_slice(self.body.expose())
            .map_err(|_| failed(url, "the answer is not JSON"))
    }
}

/// Reads a URL to which requests may go.
///
/// # Errors
/// [`Invalid`](ErrorKind::Invalid), or [`Refused`](ErrorKind::Refused) without TLS to another machine.
pub(crate) fn address(url: &str) -> Result<Uri> {
    let parsed: Uri = url.parse().map_err(|_| unusable("a URL is malformed"))?;
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
        return Err(unusable("a URL is not absolute"));
    };
    if authority.as_str().contains('@') || url.contains('#') {
        return Err(unusable("a URL contains a user, a password or a fragment"));
    }
    match scheme {
        "https" => Ok(parsed),
        "http" if is_loopback(&parsed) => Ok(parsed),
        "http" => Err(Error::new(ErrorKind::Refused, "request")
            .because("without TLS, others could change the answer")
            .hint("Use a URL that begins with https")),
        _ => Err(unusable("a URL does not begin with https")),
    }
}

/// Whether a URL leads to this machine.
fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// This machine is never reached through a proxy: what may go to it without TLS would leave it.
fn proxy(network: &Network, url: &Uri) -> Result<Option<Proxy>> {
    let scheme = url.scheme_str().unwrap_or_default();
    let port = url.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    let found = network.proxy(scheme, url.host().unwrap_or_default(), port);
    let Some(found) = found.filter(|_| !is_loopback(url)).and_then(Secret::expose_str) else {
        return Ok(None);
    };
    // The URL may contain a password, so it is not quoted.
    Proxy::new(found).map(Some).map_err(|_| unusable("the URL of the proxy cannot be used"))
}

/// Reads the certificates that TLS trusts. What is in a folder and is no certificate is skipped.
fn roots(network: &Network) -> Result<RootCerts> {
    let unreadable = |path: &str, error| {
        let why = format!("the certificates in {path} cannot be read");
        Error::invalid("network", why).caused_by(error)
    };
    let mut roots = Vec::new();
    for file in &network.root_files {
        roots.extend(certificates(&fs::read(file).map_err(|error| unreadable(file, error))?));
    }
    for folder in &network.root_folders {
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let path = entry.map_err(|error| unreadable(folder, error))?.path();
            if path.is_file() {
                roots.extend(fs::read(path).map(|pem| certificates(&pem)).unwrap_or_default());
            }
        }
    }
    Ok(RootCerts::new_with_certs(&roots))
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    items.collect()
}

fn answer(url: &Uri, answered: Result<http::Response<ureq::Body>, ureq::Error>) -> Result<Answer> {
    let (head, body) = match answered {
        Ok(answered) => answered.into_parts(),
        Err(error) => return Err(failed(url, why(&error))),
    };
    let body = Secret::read_from(body.into_reader(), MAX_ANSWER)
        .map_err(|_| failed(url, "the answer ends too early or is too large"))?;
    Ok(Answer { status: head.status, body })
}

/// What went wrong. It quotes nothing of the request.
fn why(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(_) => "there is no answer in time",
        ureq::Error::HostNotFound => "the host is unknown",
        ureq::Error::Rustls(_) => "TLS failed",
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => "the answer is not HTTP",
        ureq::Error::Io(error) if error.get_ref().is_some_and(|it| it.is::<rustls::Error>()) => {
            "TLS failed"
        }
        _ => "the connection failed",
    }
}

/// The server cannot say anything about the token.
pub(crate) fn failed(url: &Uri, why: &str) -> Error {
    let server = url.authority().map_or("", |authority| authority.as_str());
    Error::new(ErrorKind::Unavailable, "request").because(format!("{server}: {why}"))
}

fn unusable(why: &str) -> Error {
    Error::invalid("request", why.to_owned())
}

impl Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
