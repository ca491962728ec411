//! Storage `sample`: values on an HTTP service whose values have ETags, as object stores have them.
//!
//! The adapter `keyed` makes a storage of it. Change how a request is made, and what an answer means,
//! to what your service does.
//!
//! `ci.sh` checks the library with the variable `OPTIONS`: options for a service for tests, such as
//! `{"url": "http://127.0.0.1:8080", "prefix": "%scratch%/"}`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_plugin::keyed::{Condition, Item, KeyValue, Keyed, Service};
use keyward_plugin::{Backend, Error, ErrorKind, Host, Info, Loaded, Result, SecretRef, options};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

keyward_plugin::register!(storage: Keyed<Sample>);

/// The largest value that the service keeps, in bytes.
const LARGEST: usize = 8 << 20;

options! {
    /// Where the service is.
    pub struct Options {
        /// The URL of the service.
        pub url: String = "http://127.0.0.1:8080",
        /// The token of the user.
        pub token: Option<SecretRef>,
        /// What the keys of the store start with.
        pub prefix: String = "keyward/%id%/",
        /// How long to wait for the service.
        pub timeout: Duration = "10s",
    }
}

/// The service of the storage `sample`.
#[derive(Debug)]
pub struct Sample {
    options: Options,
    agent: Agent,
    /// The token, once it was needed.
    token: Mutex<Option<Loaded>>,
    host: Arc<dyn Host>,
}

impl Backend for Sample {
    const INFO: Info = Info::new("sample", "Values on an HTTP service");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        // For https, add ureq's feature `rustls`, and trust what `host.network()` returns.
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent = config.max_redirects_will_error(false).proxy(None).build().new_agent();
        Ok(Self { options, agent, token: Mutex::default(), host: Arc::clone(host) })
    }
}

impl KeyValue for Sample {
    fn service(&self) -> Service {
        Service::new(&*self.options.prefix, 1024).largest_value(LARGEST)
    }

    fn get(&self, key: &str) -> Result<Option<Item>> {
        let answer = match self.send("get", "GET", key, Condition::Any, &[]) {
            Err(error) if error.is_miss() => return Ok(None),
            answer => answer?,
        };
        let version = answer.headers().get("etag").and_then(|tag| tag.to_str().ok());
        let version = version.ok_or_else(|| Error::corrupt("get"))?.to_owned();
        Ok(Some(Item::new(read(answer)?, version)))
    }

    fn put_if(&self, key: &str, value: &[u8], condition: Condition<'_>) -> Result<()> {
        match self.send("put", "PUT", key, condition, value) {
            // The key is gone, and thus does not have the version.
            Err(error) if error.is_miss() && condition != Condition::Any => {
                Err(Error::new(ErrorKind::Conflict, "put"))
            }
            answer => answer.map(drop).map_err(Error::not_a_miss),
        }
    }

    fn delete_if(&self, key: &str, condition: Condition<'_>) -> Result<()> {
        match self.send("delete", "DELETE", key, condition, &[]) {
            Err(error) if error.is_miss() => Ok(()),
            answer => answer.map(drop),
        }
    }

    fn keys_after(&self, prefix: &str, after: Option<&str>, most: usize) -> Result<Vec<String>> {
        let query = format!("?prefix={prefix}&after={}&most={most}", after.unwrap_or_default());
        let answer = self.send("list", "GET", &query, Condition::Any, &[]);
        let keys = read(answer.map_err(Error::not_a_miss)?)?;
        let keys = String::from_utf8(keys).map_err(|_| Error::corrupt("list"))?;
        Ok(keys.lines().map(str::to_owned).collect())
    }
}

impl Sample {
    /// Sends a request. The error is `NotFound` if the service has no such key.
    fn send(
        &self,
        operation: &'static str,
        method: &str,
        path: &str,
        condition: Condition<'_>,
        body: &[u8],
    ) -> Result<Response<Body>> {
        let request = Request::builder().method(method).uri(format!("{}/{path}", self.options.url));
        let mut request = match condition {
            Condition::Any => request,
            Condition::Absent => request.header("if-none-match", "*"),
            Condition::Version(tag) => request.header("if-match", tag),
        };
        if let Some(token) = self.token()? {
            let token = [b"Bearer ", token.secret.expose()].concat();
            request = request.header("authorization", token);
        }
        let invalid = |_| Error::invalid(operation, "the URL or the token is not valid");
        let time = self.host.remaining().unwrap_or(self.options.timeout);
        let time = Some(time.clamp(Duration::from_millis(1), self.options.timeout));
        let agent = &self.agent;
        let answer = if method == "PUT" {
            let request = request.body(body).map_err(invalid)?;
            agent.run(agent.configure_request(request).timeout_global(time).build())
        } else {
            let request = request.body(()).map_err(invalid)?;
            agent.run(agent.configure_request(request).timeout_global(time).build())
        };
        let answer = answer.map_err(|error| {
            // An error of ureq may quote the URL, but no header.
            Error::new(ErrorKind::Unavailable, operation).because(format!("no answer: {error}"))
        })?;
        let status = answer.status().as_u16();
        let kind = match status {
            200..=299 => return Ok(answer),
            404 => ErrorKind::NotFound,
            401 => {
                self.forget_token()?;
                ErrorKind::Unauthorized
            }
            403 => ErrorKind::Refused,
            409 | 412 => ErrorKind::Conflict,
            413 | 507 => ErrorKind::Full,
            300..=399 | 405 | 501 => ErrorKind::Unsupported,
            _ => ErrorKind::Unavailable,
        };
        Err(Error::new(kind, operation).because(format!("the service answered {status}")))
    }

    fn token(&self) -> Result<Option<Loaded>> {
        let Some(reference) = &self.options.token else { return Ok(None) };
        let mut token = self.token.lock()?;
        let is_valid = |it: &Loaded| it.expires.is_none_or(|end| end > self.host.now());
        if !token.as_ref().is_some_and(is_valid) {
            *token = Some(self.host.secret(reference)?);
        }
        Ok(token.clone())
    }

    /// Forgets the token, which may have been replaced.
    fn forget_token(&self) -> Result<()> {
        *self.token.lock()? = None;
        Ok(())
    }
}

/// Reads what an answer contains. The connection may break in the middle of it.
fn read(answer: Response<Body>) -> Result<Vec<u8>> {
    let body = answer.into_body().into_with_config().limit(LARGEST as u64 + 1);
    body.read_to_vec().map_err(|error| {
        Error::new(ErrorKind::Unavailable, "get").because(format!("the answer broke off: {error}"))
    })
}

#[cfg(test)]
mod server;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::server::Server;

    /// The service of all cases in this process; each has a separate prefix.
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(Some("a made-up token")));

    keyward_testkit::storage_suite!(
        Keyed<Sample>,
        |scratch| {
            let token = SecretRef { from: "made-up".into(), options: Values::new() };
            Values::new()
                .with("url", Value::Text(SERVER.url()))
                .with("token", Value::Secret(token))
                .with("prefix", Value::Text(scratch.path("")))
        },
        host = |_| TestHost::new().secret("made-up", "a made-up token"),
    );
}
