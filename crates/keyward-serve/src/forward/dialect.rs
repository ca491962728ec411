use keyward_core::{Error, Result};

/// How a web server tells what its client sent. Only the headers of the dialect are read: others
/// come from the client.
#[derive(Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Where the client's request line and host are.
    pub(super) request: Place,
    /// The header with `http` or `https`.
    pub(super) scheme: &'static str,
    /// The header with the client's address.
    pub(super) address: &'static str,
    /// Whether the web server appends the address to those that the client sent.
    pub(super) appends_address: bool,
    /// The header with the client's certificate.
    pub(super) certificate: &'static str,
    /// Whether the web server hands the client any answer that is not 2xx. nginx makes 500 of all
    /// except 401 and 403.
    pub(super) passes_answers: bool,
}

/// Where the client's method, host and target are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In these headers.
    Headers { method: &'static str, host: &'static str, target: &'static str },
    /// Where they are in any request: the web server sends the client's request without its body.
    Request,
}

/// The headers that the snippets in `docs/serve.md` set.
const ORIGINAL: Place = Place::Headers {
    method: "x-original-method",
    host: "x-original-host",
    target: "x-original-uri",
};

/// The headers that Caddy and Traefik set.
const FORWARDED: Place = Place::Headers {
    method: "x-forwarded-method",
    host: "x-forwarded-host",
    target: "x-forwarded-uri",
};

const fn set_by_snippet(name: &'static str, passes_answers: bool) -> Dialect {
    Dialect {
        name,
        request: ORIGINAL,
        scheme: "x-original-proto",
        address: "x-original-address",
        appends_address: false,
        certificate: "x-original-certificate",
        passes_answers,
    }
}

const fn set_by_server(name: &'static str, certificate: &'static str) -> Dialect {
    Dialect {
        name,
        request: FORWARDED,
        scheme: "x-forwarded-proto",
        address: "x-forwarded-for",
        appends_address: false,
        certificate,
        passes_answers: true,
    }
}

impl Dialect {
    /// The dialects.
    pub const ALL: &[Self] = &[
        set_by_snippet("nginx", false),
        set_by_server("caddy", "x-original-certificate"),
        set_by_server("traefik", "x-forwarded-tls-client-cert"),
        set_by_snippet("apache", true),
        set_by_snippet("haproxy", true),
        Self {
            name: "envoy",
            request: Place::Request,
            scheme: "x-forwarded-proto",
            address: "x-forwarded-for",
            appends_address: true,
            certificate: "x-original-certificate",
            passes_answers: true,
        },
    ];

    /// Finds a dialect by its name.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none of this name.
    pub fn find(name: &str) -> Result<&'static Self> {
        Self::ALL.iter().find(|dialect| dialect.name == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|dialect| dialect.name).collect();
            let error = Error::invalid("forward", "there is no such dialect");
            error.hint(format!("The dialects are {}", names.join(", ")))
        })
    }

    /// Returns the headers that are read, in lower case.
    pub(super) fn headers(&self) -> impl Iterator<Item = &'static str> {
        let request = match self.request {
            Place::Headers { method, host, target } => vec![method, host, target],
            Place::Request => Vec::new(),
        };
        request.into_iter().chain([self.scheme, self.address, self.certificate])
    }
}
