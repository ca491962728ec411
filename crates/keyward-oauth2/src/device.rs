use std::time::Duration;

use keyward_core::{Error, ErrorKind, Record, Result, Secret};
use keyward_kinds::fields;
use serde::Deserialize;

use crate::client::{parameters, text, url};
use crate::grant::Grant;
use crate::identity::Identity;
use crate::request;
use crate::response::{self, Answer, Item};
use crate::save::with_tokens;
use crate::tokens::Tokens;

/// How long to wait between two questions if the server does not say, and how much longer if it asks
/// for that (RFC 8628 sections 3.2 and 3.5).
const INTERVAL: Duration = Duration::from_secs(5);

/// The longest time between two questions at first. A server that wants more says `slow_down`.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// How long a code is good if the server does not say, and at most.
const LIFE: Duration = Duration::from_secs(15 * 60);
const MAX_LIFE: Duration = Duration::from_secs(60 * 60);

/// A code that a user types on another device, to allow a client on this one to act for them
/// (RFC 8628).
#[derive(Debug)]
pub struct DeviceCode {
    /// What the user types. It is text of the server: escape it before it is shown.
    pub user_code: String,
    /// The page on which the user types it.
    pub verification_uri: String,
    /// The same page with the code in its URL, if the server offers that.
    pub verification_uri_complete: Option<String>,
    /// For how long the code is good.
    pub life: Duration,
    interval: Duration,
    code: Secret,
}

impl Tokens {
    /// Asks the server of a record for a device code.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn device_code(&self, record: &Record) -> Result<DeviceCode> {
        let mut sent = vec![];
        sent.extend(text(record, fields::SCOPE).map(|scope| ("scope", scope.into())));
        let more = parameters(record);
        sent.extend(more.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let endpoint = url(record, fields::DEVICE_URL)?;
        let request = request::to_endpoint(record, &endpoint, sent, self.clock.server_now())?;
        let secrets = request.extensions().get().cloned().unwrap_or_default();
        let response = self.send(request)?;
        let body: Option<CodeBody> = response::parse(response.body().expose());
        if let Some(code) = body.and_then(CodeBody::code) {
            return Ok(code);
        }
        match response::read(&response, &secrets) {
            Answer::Failed(failure) => Err(failure.error),
            _ => Err(Error::new(ErrorKind::Unavailable, "login")
                .because("the server sent no device code")),
        }
    }

    /// Asks the server until the user has agreed, and returns the record with the tokens. Nothing is
    /// stored. `sleep` waits.
    ///
    /// # Errors
    /// [`Unauthorized`](ErrorKind::Unauthorized) if the user refused or the code has expired; else as
    /// [`request`](Self::request). While the server cannot be reached, it is asked again.
    pub fn await_device(
        &self,
        record: Record,
        device: &DeviceCode,
        mut sleep: impl FnMut(Duration),
    ) -> Result<Record> {
        let grant = Grant::DeviceCode(device.code.clone());
        let asked_for = Identity::wanted(&record);
        let (mut interval, mut waited) = (device.interval, Duration::ZERO);
        loop {
            let pause = interval.min(device.life.saturating_sub(waited));
            sleep(pause);
            waited += pause;
            match self.ask(&record, &grant)? {
                Answer::Issued(issued) => {
                    let record = with_tokens(record, &issued, &asked_for, self.now());
                    return issued.access.map(|_| record);
                }
                Answer::GrantRefused(why) => return Err(refused(why)),
                Answer::Failed(failure) => match failure.code.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval += INTERVAL,
                    "expired_token" => return Err(expired()),
                    // A page of a proxy, or no answer: that may pass.
                    "" if failure.error.kind() == ErrorKind::Unavailable => {}
                    _ => return Err(failure.error),
                },
            }
            if waited >= device.life {
                return Err(expired());
            }
        }
    }
}

/// The answer with a device code.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CodeBody {
    device_code: Item,
    user_code: Item,
    verification_uri: Item,
    /// What Google called it before there was a standard.
    verification_url: Item,
    verification_uri_complete: Item,
    expires_in: Item,
    interval: Item,
}

impl CodeBody {
    fn code(self) -> Option<DeviceCode> {
        let shown = |item: Item| Some(item.text()?.expose_str()?.to_owned());
        let seconds = |item: &Item| match item {
            Item::Number(seconds) if (0.0..1e6).contains(seconds) => {
                Some(Duration::from_secs(*seconds as u64))
            }
            _ => None,
        };
        let verification_uri =
            shown(self.verification_uri).or_else(|| shown(self.verification_url))?;
        // The user is told to open it.
        if !is_page(&verification_uri) {
            return None;
        }
        Some(DeviceCode {
            code: self.device_code.text()?,
            user_code: shown(self.user_code)?,
            verification_uri,
            verification_uri_complete: shown(self.verification_uri_complete)
                .filter(|uri| is_page(uri)),
            life: seconds(&self.expires_in).unwrap_or(LIFE).min(MAX_LIFE),
            interval: seconds(&self.interval)
                .unwrap_or(INTERVAL)
                .clamp(Duration::from_secs(1), MAX_INTERVAL),
        })
    }
}

fn is_page(uri: &str) -> bool {
    uri.starts_with("https://") || uri.starts_with("http://")
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::Unauthorized, "login").because(why)
}

fn expired() -> Error {
    refused("the code has expired".into()).hint("Start the login again")
}
