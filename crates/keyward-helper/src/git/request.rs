use keyward_core::{Result, Secret, Timestamp};
use keyward_origin::{Location, Login};

use super::lines::{Attribute, attributes};

/// What git writes to a helper.
///
/// Most fields have the names of git's attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// What git understands beyond the first version of the protocol.
    pub capabilities: Capabilities,
    /// The location: `protocol`, `host`, `username` and `path`. It is `None` if one of the first
    /// two is missing or if they could be read in two ways; then no credential is given, stored or
    /// removed. An empty account differs from no account. For HTTP, git sends a path only if
    /// `credential.useHttpPath` is set.
    pub location: Option<Location>,
    /// Why the parts that git sent do not form a location, if it sent a host.
    pub refusal: Option<String>,
    /// The password or access token.
    pub password: Option<Secret>,
    /// When the password or the credential expires, if it does.
    pub password_expiry_utc: Option<Timestamp>,
    /// The token with which a new access token can be requested.
    pub oauth_refresh_token: Option<Secret>,
    /// The scheme of the `Authorization` header.
    pub authtype: Option<String>,
    /// What follows the scheme in the header.
    pub credential: Option<Secret>,
    /// Whether the credential must not be stored.
    pub ephemeral: bool,
    /// Whether the credential is for one stage of several (`continue`).
    pub multistage: bool,
    /// What helpers asked git to remember. It may contain their secrets.
    pub state: Vec<Secret>,
    /// The `WWW-Authenticate` headers of the answer that asked for a credential.
    pub wwwauth: Vec<Secret>,
}

/// What git understands beyond the first version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `authtype` and `credential`.
    pub authtype: bool,
    /// `state[]` and `continue`.
    pub state: bool,
}

impl Request {
    /// Reads what git wrote.
    ///
    /// If an attribute occurs several times, the last value counts. For an attribute that ends in
    /// `[]` all values count that come after its last empty value. As in git, `url` resets
    /// everything, even the capabilities. An expiry that is 0, too large or not a number is
    /// ignored, as in git.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if a line is too long, has no key, or contains
    /// a control character other than a tab in a secret or a header; if a URL could be read in two
    /// ways; if a boolean is not valid. The error never quotes the request.
    ///
    /// # Examples
    /// ```
    /// use keyward_helper::git::Request;
    ///
    /// let request = Request::parse(b"protocol=https\nhost=example.com\nusername=ann\n\n")?;
    /// assert_eq!(request.location.unwrap().to_string(), "https://ann@example.com");
    /// assert!(Request::parse(b"protocol=https\nhost=good.example\r\n\n").is_err());
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut draft = Draft::default();
        for attribute in attributes(bytes)? {
            draft.take(attribute)?;
        }
        Ok(draft.finish())
    }
}

/// A request whose location is not built yet, because each part of it may still change.
#[derive(Default)]
struct Draft {
    protocol: String,
    host: String,
    username: Option<String>,
    path: Option<String>,
    request: Request,
}

impl Draft {
    fn take(&mut self, line: Attribute<'_>) -> Result<()> {
        let request = &mut self.request;
        match line.key {
            b"url" => *self = Self::from_url(line.text()?)?,
            b"protocol" => self.protocol = line.text()?.to_owned(),
            b"host" => self.host = line.text()?.to_owned(),
            b"path" => self.path = Some(line.text()?.to_owned()),
            b"username" => self.username = Some(line.text()?.to_owned()),
            b"password" => request.password = Some(line.value.into()),
            b"password_expiry_utc" => request.password_expiry_utc = expiry(line.text()?),
            b"oauth_refresh_token" => request.oauth_refresh_token = Some(line.value.into()),
            b"authtype" => request.authtype = Some(line.text()?.to_owned()),
            b"credential" => request.credential = Some(line.value.into()),
            b"ephemeral" => request.ephemeral = line.boolean()?,
            b"continue" => request.multistage = line.boolean()?,
            b"capability[]" => match line.value {
                b"" => request.capabilities = Capabilities::default(),
                b"authtype" => request.capabilities.authtype = true,
                b"state" => request.capabilities.state = true,
                _ => {}
            },
            b"state[]" => add(&mut request.state, line.value),
            b"wwwauth[]" => add(&mut request.wwwauth, line.value),
            _ => {}
        }
        Ok(())
    }

    fn from_url(url: &str) -> Result<Self> {
        let Login { location, password } = Login::parse(url)?;
        let origin = location.origin();
        Ok(Self {
            protocol: origin.scheme.clone(),
            host: format!("{}:{}", origin.host, origin.port),
            username: location.account().map(str::to_owned),
            path: location.path().map(str::to_owned),
            request: Request { password, ..Request::default() },
        })
    }

    fn finish(self) -> Request {
        // Other helpers may support protocols without origins; this one has nothing for them.
        let location = keyward_origin::from_parts(&self.protocol, &self.host).and_then(|origin| {
            Location::new(origin, self.username.as_deref(), self.path.as_deref())
        });
        match location {
            Ok(location) => Request { location: Some(location), ..self.request },
            Err(error) => {
                let refusal = (!self.host.is_empty()).then(|| error.message().to_owned());
                Request { refusal, ..self.request }
            }
        }
    }
}

fn add(list: &mut Vec<Secret>, value: &[u8]) {
    match value {
        b"" => list.clear(),
        value => list.push(value.into()),
    }
}

/// Returns the number at the start of the text, as git reads it with C's `strtoumax`.
fn expiry(text: &str) -> Option<Timestamp> {
    let digits = text.trim_start_matches(' ');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let seconds = digits[..end].parse().ok().filter(|&seconds: &u64| seconds != 0)?;
    Some(Timestamp::from_unix(seconds))
}
