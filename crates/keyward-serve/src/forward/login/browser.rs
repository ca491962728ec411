//! The browser behind the web server.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use keyward_core::Attempt;

use super::super::dialect::Dialect;
use super::super::original::Original;
use super::super::{host, path};
use crate::web::{From, Request};

/// Where a browser is, and how it got here.
#[derive(Debug)]
pub(super) struct Browser {
    /// In lower case, without its port.
    pub(super) host: String,
    /// As the browser sent it.
    authority: String,
    /// Whether the browser used TLS.
    pub(super) secure: bool,
    address: IpAddr,
    /// Whether only the browser and this server can read what it sends.
    pub(super) private: bool,
}

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Browser {
    /// Reads `Host`, and the headers of the dialect for the scheme and the address.
    pub(super) fn read(dialect: &Dialect, request: &Request, from: From) -> Result<Self, String> {
        let headers = request.headers();
        let authority = super::super::original::only(headers, HOST.as_str())?;
        let (secure, address) = super::super::original::connection(dialect, headers)?;
        Ok(Self {
            host: host::parse(authority).ok_or("the host is not clear")?,
            authority: authority.to_ascii_lowercase(),
            secure,
            address,
            private: from.private && (secure || address.is_loopback()),
        })
    }

    /// Whether a page of this site sent the request, as far as the browser says. All browsers of today
    /// say `Origin` when they send a form.
    pub(super) fn sent_by_this_site(&self, headers: &HeaderMap) -> bool {
        let scheme = if self.secure { "https" } else { "http" };
        let own = format!("{scheme}://{}", self.authority);
        match (headers.get(ORIGIN), headers.get(FETCH_SITE)) {
            (Some(origin), site) => {
                let is_own = origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
                is_own && site.is_none_or(|site| site == "same-origin")
            }
            (None, site) => site.is_some_and(|site| site == "same-origin"),
        }
    }

    /// The circumstances of a login that leads to `to`.
    pub(super) fn attempt(&self, to: &str) -> Attempt {
        let mut attempt = Attempt::from_address(self.address.to_string())
            .to("http")
            .with_detail("host", &self.host)
            .with_detail("method", "GET");
        if let Some(path) = path::parse(to) {
            attempt = attempt.with_detail("path", path);
        }
        if self.private { attempt.private() } else { attempt }
    }

    /// The request that the browser will send after its login; `None` if it cannot be one.
    pub(super) fn original(&self, to: &str) -> Option<Original> {
        Some(Original {
            method: "GET".into(),
            host: self.host.clone(),
            authority: self.authority.clone(),
            target: to.to_owned(),
            path: path::parse(to)?,
            secure: self.secure,
            address: self.address,
        })
    }
}
