//! The signature, which AWS's own crate makes.
//!
//! `aws-sigv4` is the part of AWS's SDK that signs. It is used because it is what AWS maintains, does
//! no I/O, needs no asynchronous runtime, and uses the same hash functions as Keyward. `reqsign` can
//! only be used with a runtime and reads the credentials of the environment, `rusty-s3` only signs
//! URLs.

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign as signature,
};
use aws_sigv4::sign::v4::SigningParams;
use keyward_plugin::{Additions, Error, Header, RequestHead, Result, Timestamp};
use std::time::{Duration, SystemTime};

/// An access key.
pub(super) struct Key<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    pub(super) session: Option<&'a str>,
}

/// What a signature is good for.
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) time: Timestamp,
}

/// Returns the headers that sign a request.
pub(super) fn sign(
    request: &RequestHead,
    body_hash: &[u8],
    key: &Key<'_>,
    scope: &Scope<'_>,
) -> Result<Additions> {
    let session = key.session.map(str::to_owned);
    let identity = Credentials::new(key.id, key.secret, session, None, "keyward").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(scope.time.as_unix()))
        .settings(settings(scope.service == "s3"))
        .build()
        .map_err(|_| cannot("a part of the signature is missing"))?;
    let body = SignableBody::Precomputed(base16ct::lower::encode_string(body_hash));
    let headers = signed_headers(request)?;
    let signable = SignableRequest::new(&request.method, &request.url, headers.into_iter(), body)
        .map_err(|_| cannot("its URL cannot be signed"))?;
    let signed = signature(signable, &params.into())
        .map_err(|_| cannot("a header cannot be signed"))?
        .into_parts();
    let headers = signed.0.headers().map(|(name, value)| Header::new(name, value));
    Ok(Additions { headers: headers.collect(), ..Additions::default() })
}

fn settings(is_s3: bool) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if is_s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

/// The headers of the request that are signed: all but one that proxies change.
fn signed_headers(request: &RequestHead) -> Result<Vec<(&str, &str)>> {
    let is_kept = |header: &&Header| !header.name.eq_ignore_ascii_case("accept-encoding");
    let pairs = request.headers.iter().filter(is_kept).map(|header| {
        let value = header.value.expose_str();
        value
            .map(|value| (header.name.as_str(), value))
            .ok_or_else(|| cannot("a header is not text"))
    });
    pairs.collect()
}

fn cannot(why: &str) -> Error {
    Error::invalid("authenticate", format!("the request cannot be signed: {why}"))
}
