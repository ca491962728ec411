//! Objects of S3: `s3://BUCKET/KEY`, with `?versionId=VERSION` for an old version.

use std::borrow::Cow;

use keyward_authn::is_label;
use keyward_core::{Error, Result, Value};
use keyward_kinds::fields;
use keyward_origin::Target;
use keyward_provider::{Provider, Use};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The authenticator of S3.
const SIGNS: &str = "aws-sigv4";

/// What is escaped in a key: everything but what AWS's signature leaves as it is, and slashes.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// An object in a bucket.
#[derive(Debug)]
pub(crate) struct Object {
    bucket: String,
    /// The key after a slash, and the version, as they are sent.
    rest: String,
}

/// Where a bucket is.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
}

impl Object {
    /// Reads a URL; `None` if it is of another scheme.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it does not name an object, or if a segment of
    /// the key is `.` or `..`: it is not changed, and much between here and the bucket would.
    pub(crate) fn parse(url: &str) -> Result<Option<Self>> {
        let wrong = |why: &str| Error::invalid("url", why);
        if !url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://")) {
            return Ok(None);
        }
        let (bucket, key) = url[5..].split_once('/').unwrap_or((&url[5..], ""));
        if !is_bucket(bucket) {
            return Err(wrong("it does not contain the name of a bucket"));
        }
        if key.contains('#') {
            return Err(wrong("a `#` in a key must be written as %23"));
        }
        Target::parse(&format!("s3://bucket/{key}"))?;
        let (key, query) = key.split_once('?').map_or((key, None), |(key, it)| (key, Some(it)));
        let key = canonical(key)?;
        let rest = match query {
            None => format!("/{key}"),
            Some(query) => format!("/{key}?{}", version(query)?),
        };
        if key.is_empty() {
            return Err(wrong("it names a bucket, but no object in it"));
        }
        Ok(Some(Self { bucket: bucket.to_owned(), rest }))
    }

    /// Returns the URL that the origins and paths of providers are compared with; `None` for an old bucket
    /// with capital letters, which is no host.
    pub(crate) fn target(&self) -> Option<Target> {
        Target::parse(&format!("s3://{}{}", self.bucket, self.rest)).ok()
    }

    /// The path: the key after a slash, with escapes.
    pub(crate) fn path(&self) -> &str {
        self.rest.split('?').next().unwrap_or_default()
    }

    /// Returns the URL to which requests for the object are sent.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the region or the endpoint is none.
    pub(crate) fn url_at(&self, place: &Place) -> Result<Target> {
        let Self { bucket, rest } = self;
        if let Some(endpoint) = &place.endpoint {
            let origin = keyward_origin::parse(endpoint)?;
            if !matches!(origin.scheme.as_str(), "https" | "http") {
                return Err(Error::invalid("url", "the endpoint must begin with https"));
            }
            return Target::parse(&format!("{origin}/{bucket}{rest}"));
        }
        let host = match place.region.as_deref() {
            None => "s3.amazonaws.com".to_owned(),
            Some(region) if !is_label(region) => {
                return Err(Error::invalid("url", "the region is not the name of a region"));
            }
            Some(region) if region.starts_with("cn-") => format!("s3.{region}.amazonaws.com.cn"),
            Some(region) => format!("s3.{region}.amazonaws.com"),
        };
        // A bucket with a dot would not be in the certificate, and one with another character in no host.
        match is_label(bucket) {
            true => Target::parse(&format!("https://{bucket}.{host}{rest}")),
            false => Target::parse(&format!("https://{host}/{bucket}{rest}")),
        }
    }
}

/// Whether a text is the name of a bucket, also of an old one. What looks like one and contains
/// anything else could become another host.
fn is_bucket(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_plain(*byte))
        && ends(bytes.first())
        && ends(bytes.last())
        && !text.contains("..")
}

/// Returns a key with the escapes with which it is signed and sent. The key itself stays the same.
fn canonical(key: &str) -> Result<String> {
    let is_escape = |after: &str| {
        after.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    if !key.split('%').skip(1).all(is_escape) {
        return Err(Error::invalid("url", "a `%` in a key must be written as %25"));
    }
    let plain: Cow<'_, str> = percent_decode_str(key)
        .decode_utf8()
        .map_err(|_| Error::invalid("url", "the key is not UTF-8, as all keys of S3 are"))?;
    Ok(utf8_percent_encode(&plain, ESCAPED).to_string())
}

/// Checks the query, which can only name a version.
fn version(query: &str) -> Result<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match query.strip_prefix("versionId=") {
        Some(version) if !version.is_empty() && version.bytes().all(is_plain) => Ok(query),
        _ => {
            Err(Error::invalid("url", "after `?`, an s3:// URL can only have `versionId=VERSION`")
                .hint("A `?` in a key must be written as %3F"))
        }
    }
}

/// Returns the provider of an object as that of the URL to which its requests are sent.
pub(crate) fn provider(mut provider: Provider, target: &Target) -> Provider {
    provider.credentials = provider.credentials_for(target);
    provider.path = None;
    if !provider.authenticators.iter().any(|used| used.name == SIGNS) {
        provider.authenticators = vec![Use { name: SIGNS.into(), options: Default::default() }];
    }
    provider
}

/// Returns what a provider says about the place of a bucket.
pub(crate) fn place(provider: &Provider) -> Place {
    let signs = provider.authenticators.iter().find(|used| used.name == SIGNS);
    let option = |name| match signs.and_then(|used| used.options.get(name)) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    Place { endpoint: option(fields::ENDPOINT), region: option(fields::REGION) }
}

#[cfg(test)]
mod tests;
