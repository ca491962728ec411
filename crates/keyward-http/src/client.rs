use std::fmt::{self, Debug};
use std::io::{self, Read};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use keyward_core::{Error, ErrorKind, Network, Origin, Result, Secret};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PrivateKey, TlsConfig};
use ureq::{Agent, AsSendBody, Proxy, SendBody};

use crate::destination::destination;
use crate::roots;

/// Sends HTTP requests.
///
/// # Contract
/// - It follows no redirect: the caller decides whether what it sends may go to another server.
/// - A response of any status is `Ok`.
///
/// # Security
/// Neither a request nor a response may be logged. Mark headers that contain secrets with
/// [`set_sensitive`](http::HeaderValue::set_sensitive).
pub trait Http: Debug + Send + Sync {
    /// Sends one request and returns the response.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the server cannot be reached, does not answer in
    /// time, or answers with something that is not HTTP or is too large;
    /// [`Invalid`](ErrorKind::Invalid) or [`Refused`](ErrorKind::Refused) for a URL that a client
    /// must not use.
    fn send(&self, request: Request<Secret>) -> Result<Response<Secret>>;
}

/// How long a request may take, and how large its response may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the name to be resolved and the connection to be made, each.
    pub connect: Duration,
    /// For the whole request, with the response.
    pub total: Duration,
    /// For the next bytes of the response, if that is less.
    pub idle: Option<Duration>,
    /// The largest body of a response, in bytes.
    pub body: usize,
    /// Whether a request may go to another machine without TLS.
    pub allows_plain: bool,
}

impl Default for Limits {
    /// 10 seconds to connect, 30 in total, a megabyte, and TLS.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
            idle: None,
            body: 1 << 20,
            allows_plain: false,
        }
    }
}

/// A certificate with which the client identifies itself, and its key, in PEM form.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, followed by those that lead from it to a trusted one.
    pub chain: Vec<u8>,
    /// Its private key.
    pub key: Secret,
}

/// The HTTP client of Keyward's programs, which uses `ureq` and `rustls`.
///
/// It trusts the certificates and uses the proxies of a [`Network`]. The certificates are read with
/// the first request that needs them.
///
/// # Examples
/// ```
/// use http::Request;
/// use keyward_core::{ErrorKind, Network, Secret};
/// use keyward_http::{Client, Http};
///
/// // A backend gets its network from its host, an application from the configuration.
/// let client = Client::new(Network::default());
/// let request = Request::get("http://example.org/").body(Secret::default()).unwrap();
/// assert_eq!(client.send(request).unwrap_err().kind(), ErrorKind::Refused);
/// ```
pub struct Client {
    network: Network,
    limits: Limits,
    certificate: Option<ClientCertificate>,
    agents: [OnceLock<Agent>; 2],
}

impl Client {
    /// Makes a client with the usual [`Limits`].
    pub fn new(network: Network) -> Self {
        Self { network, limits: Limits::default(), certificate: None, agents: Default::default() }
    }

    /// Returns the same client with these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, agents: Default::default(), ..self }
    }

    /// Returns the same client, which identifies itself to servers that ask for a certificate.
    #[must_use]
    pub fn with_certificate(self, certificate: ClientCertificate) -> Self {
        Self { certificate: Some(certificate), agents: Default::default(), ..self }
    }

    /// Returns another client with the same network and limits, and this certificate. It has its own
    /// connections.
    #[must_use]
    pub fn certified(&self, certificate: ClientCertificate) -> Self {
        Self::new(self.network.clone()).with_limits(self.limits).with_certificate(certificate)
    }

    /// Returns the agent for plain HTTP or for TLS, which keeps connections open.
    fn agent(&self, origin: &Origin) -> Result<&Agent> {
        let is_tls = origin.scheme == "https";
        let agent = &self.agents[usize::from(is_tls)];
        if let Some(agent) = agent.get() {
            return Ok(agent);
        }
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
        let tls = match is_tls {
            true => tls.root_certs(roots::read(&self.network)?).client_cert(self.identity()?),
            false => tls,
        };
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(self.limits.connect))
            .timeout_connect(Some(self.limits.connect))
            .timeout_global(Some(self.limits.total))
            .timeout_per_read(self.limits.idle)
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(agent.get_or_init(|| config.new_agent()))
    }

    fn identity(&self) -> Result<Option<ClientCert>> {
        let Some(ClientCertificate { chain, key }) = &self.certificate else { return Ok(None) };
        let wrong =
            |what| Error::invalid("network", format!("the client's {what} is not in PEM form"));
        let chain = roots::certificates(chain);
        if chain.is_empty() {
            return Err(wrong("certificate"));
        }
        let key = PrivateKey::from_pem(key.expose()).map_err(|_| wrong("key"))?;
        check_pair(&chain, &key)?;
        Ok(Some(ClientCert::new_with_certs(&chain, key)))
    }

    /// Returns the proxy for a server. This machine is never reached through one: what may go to it
    /// without TLS would leave it.
    fn proxy(&self, origin: &Origin) -> Result<Option<Proxy>> {
        if origin.is_loopback() {
            return Ok(None);
        }
        let url = self.network.proxy(&origin.scheme, &origin.host, origin.port);
        let Some(url) = url.and_then(Secret::expose_str) else { return Ok(None) };
        match Proxy::new(url) {
            Ok(proxy) => Ok(Some(proxy)),
            // The URL may contain a password, so it is not quoted.
            Err(_) => Err(Error::invalid("network", "the URL of the proxy cannot be used")
                .hint("See `network.proxy` and the variables https_proxy and all_proxy")),
        }
    }
}

/// Refuses a certificate that cannot be read, and a key that is not its own.
fn check_pair(chain: &[Certificate<'static>], key: &PrivateKey<'static>) -> Result<()> {
    let chain = chain.iter().map(|it| CertificateDer::from(it.der()).into_owned()).collect();
    let key = PrivateKeyDer::try_from(key.der()).map(|key| key.clone_key());
    let key = key.map_err(|why| Error::invalid("network", format!("the client's key: {why}")))?;
    let pair = CertifiedKey::from_der(chain, key, &ring::default_provider());
    pair.map(drop).map_err(|error| {
        let why = match error {
            rustls::Error::InconsistentKeys(_) => "the key does not belong to it".to_owned(),
            error => error.to_string(),
        };
        Error::invalid("network", format!("the client's certificate cannot be used: {why}"))
    })
}

/// The body of a response, which is read from the connection.
pub struct Body {
    reader: ureq::BodyReader<'static>,
    origin: Origin,
    limits: Limits,
    start: Secret,
    /// How much of `start` was returned.
    returned: usize,
}

impl Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Body {
    /// Reads some bytes into a buffer, and returns how many; 0 at the end.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the connection ends before the body does.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let start = &self.start.expose()[self.returned..];
        if !start.is_empty() && !buffer.is_empty() {
            let length = start.len().min(buffer.len());
            buffer[..length].copy_from_slice(&start[..length]);
            self.returned += length;
            return Ok(length);
        }
        self.reader.read(buffer).map_err(|error| failed(&self.origin, error.into(), self.limits))
    }
}

impl Body {
    /// Returns the first bytes of the body, at most `limit`. [`read`](Self::read) returns them too.
    /// Call it once, before `read`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn peek(&mut self, limit: usize) -> Result<&Secret> {
        let limited = (&mut self.reader).take(limit as u64);
        self.start = Secret::read_from(limited, limit)
            .map_err(|error| failed(&self.origin, error.into(), self.limits))?;
        Ok(&self.start)
    }
}

impl Client {
    /// Sends one request and returns the response, whose body is not read yet. The limit of the body
    /// does not apply.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub fn open(&self, request: Request<Secret>) -> Result<Response<Body>> {
        self.run_secret(request).map(|(origin, response)| self.unread(origin, response))
    }

    /// Does the same for a request whose body is read while it is sent. It must have this length.
    ///
    /// # Errors
    /// As [`Http::send`]; those of reading.
    pub fn open_with(
        &self,
        mut request: Request<()>,
        body: &mut dyn Read,
        length: u64,
    ) -> Result<Response<Body>> {
        request.headers_mut().insert(CONTENT_LENGTH, length.into());
        let (origin, response) = self.run(request.map(|()| SendBody::from_reader(body)))?;
        Ok(self.unread(origin, response))
    }

    fn unread(&self, origin: Origin, response: Response<ureq::Body>) -> Response<Body> {
        let (limits, start, returned) = (self.limits, Secret::default(), 0);
        response.map(|body| Body { reader: body.into_reader(), origin, limits, start, returned })
    }

    fn run_secret(&self, request: Request<Secret>) -> Result<(Origin, Response<ureq::Body>)> {
        // Only a method that sends something says that it sends nothing (RFC 9110 section 8.6).
        let sends = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
        if request.body().is_empty() && !sends {
            return self.run(request.map(|_| ()));
        }
        let (head, body) = request.into_parts();
        self.run(Request::from_parts(head, body.expose()))
    }

    fn run(&self, request: Request<impl AsSendBody>) -> Result<(Origin, Response<ureq::Body>)> {
        let origin = destination(request.uri(), self.limits.allows_plain)?;
        let agent = self.agent(&origin)?;
        let request = agent.configure_request(request).proxy(self.proxy(&origin)?).build();
        let response = agent.run(request).map_err(|error| failed(&origin, error, self.limits))?;
        Ok((origin, response))
    }
}

impl Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Http for Client {
    fn send(&self, request: Request<Secret>) -> Result<Response<Secret>> {
        let (origin, response) = self.run_secret(request)?;
        let (head, body) = response.into_parts();
        let body = Secret::read_from(body.into_reader(), self.limits.body)
            .map_err(|error| failed(&origin, error.into(), self.limits))?;
        Ok(Response::from_parts(head, body))
    }
}

/// Returns the error for a request that failed. It contains nothing of the request but the server.
fn failed(origin: &Origin, error: ureq::Error, limits: Limits) -> Error {
    let why = match error {
        ureq::Error::Timeout(_) => {
            let longest = limits.idle.unwrap_or(limits.total).min(limits.total);
            format!("no answer within {} s", longest.as_secs())
        }
        ureq::Error::HostNotFound => "the host is unknown".into(),
        ureq::Error::ConnectionFailed => "the connection failed".into(),
        ureq::Error::Io(error) => io_failure(&error, limits),
        ureq::Error::Rustls(error) => tls_failure(&error),
        ureq::Error::LargeResponseHeader(..) => "the head of the answer is too large".into(),
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => "the answer is not HTTP".into(),
        ureq::Error::ConnectProxyFailed(_) => "the proxy refused the connection".into(),
        _ => "the request failed".into(),
    };
    Error::new(ErrorKind::Unavailable, "request").because(format!("{origin}: {why}"))
}

fn io_failure(error: &io::Error, limits: Limits) -> String {
    match error.get_ref().and_then(|source| source.downcast_ref::<rustls::Error>()) {
        Some(error) => tls_failure(error),
        // This is how a secret says that it would be too large.
        None if error.kind() == io::ErrorKind::InvalidData => {
            format!("the answer is larger than {} bytes", limits.body)
        }
        // The standard library has no kind for this, and no other text.
        None if error.to_string().starts_with("failed to lookup address") => {
            "the host is unknown".into()
        }
        None => error.kind().to_string(),
    }
}

fn tls_failure(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(why) => format!("its certificate is not valid: {why:?}"),
        error => format!("TLS failed: {error}"),
    }
}
