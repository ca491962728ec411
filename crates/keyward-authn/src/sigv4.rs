use std::sync::Arc;

use keyward_kinds::{Kinds, fields, names};
use keyward_plugin::{
    Additions, Authenticator, Backend, Error, Event, HashKind, Host, Info, Record, RefusalCause,
    RequestHead, ResponseHead, Result, State, Step, options,
};

use crate::credential::{needed, unfit};
use crate::pages::accepted_unless_401;
use sign::{Key, Scope};

mod sign;

#[cfg(test)]
mod tests;

/// The name of the authenticator.
pub(crate) const NAME: &str = "aws-sigv4";

/// The region of a service that has none, and that of AWS's first one.
const DEFAULT_REGION: &str = "us-east-1";

/// The longest name of a region or a service, which is that of a part of a host.
const MAX_LABEL: usize = 63;

/// What AWS and services like it answer if a signature or its key is wrong. They answer many other
/// things with the same statuses.
const WRONG_KEY: [&str; 11] = [
    "ExpiredToken",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidSignature",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClient",
];

options! {
    /// What is signed for.
    pub struct AwsSigV4Options {
        /// The region; without it, that of the credential, or us-east-1.
        pub region: Option<String>,
        /// The name of the service.
        pub service: String = "s3",
        /// The URL of the service for s3:// URLs, without the bucket; without it, that of the credential, or AWS.
        pub endpoint: Option<String>,
    }
}

/// Signs each request with an access key (AWS Signature Version 4).
///
/// The signature covers the method, the path and the query, the headers, and the SHA-256 of the body.
/// It is made for one region and one service. For the service `s3`, the path is signed as it is sent.
/// For all others it is normalized and encoded once more, as they do themselves.
///
/// # Security
/// The secret key is not sent. A session token is, so a request without TLS gives it away. No older
/// form of signature is made, whatever a server asks for.
#[derive(Clone, Debug)]
pub struct AwsSigV4 {
    host: Arc<dyn Host>,
    region: Option<String>,
    service: String,
}

impl Backend for AwsSigV4 {
    const INFO: Info = Info::new(NAME, "A signature with an access key (AWS, S3)");
    type Options = AwsSigV4Options;

    fn open(options: AwsSigV4Options, host: &Arc<dyn Host>) -> Result<Self> {
        let is_wrong = |name: &&String| !is_label(name);
        if options.region.iter().find(is_wrong).is_some() {
            return Err(Error::invalid("provider", "`region` is not the name of a region"));
        }
        if is_wrong(&&options.service) {
            return Err(Error::invalid("provider", "`service` is not the name of a service"));
        }
        if let Some(endpoint) = &options.endpoint {
            keyward_origin::parse(endpoint)?;
        }
        Ok(Self { host: Arc::clone(host), region: options.region, service: options.service })
    }
}

impl Authenticator for AwsSigV4 {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        _: &mut State,
    ) -> Result<Step> {
        match event {
            // A server may redirect to such a URL; two signatures would be one too many.
            Event::Start if is_signed(&request.url) => Ok(Step::Send(Additions::default())),
            Event::Start | Event::Challenged(_) => {
                Ok(self.key(record).map_or_else(|step| step, |_| Step::HashBody(HashKind::Sha256)))
            }
            Event::BodyHash(hash) => match self.key(record) {
                Ok((key, region)) => {
                    let scope = Scope { region, service: &self.service, time: self.host.now() };
                    Ok(Step::Send(sign::sign(request, hash, &key, &scope)?))
                }
                Err(step) => Ok(step),
            },
            Event::Answered(answer) => Ok(judge(answer)),
            _ => Ok(Step::Accept),
        }
    }
}

impl AwsSigV4 {
    /// Returns the key and the region with which to sign.
    ///
    /// # Errors
    /// The step that says what is wrong with the record.
    fn key<'a>(&'a self, record: Option<&'a Record>) -> Result<(Key<'a>, &'a str), Step> {
        let record = record.ok_or_else(needed)?;
        let text = |name| record.field(name).and_then(|field| field.value.expose_str());
        let refuse = |why: &str| Step::refuse(RefusalCause::WrongCredential, why);
        if !matches!(record.kind.as_str(), names::AWS | names::S3) {
            return Err(unfit(record, "an access key"));
        }
        let (Some(id), Some(secret)) =
            (text(fields::ACCESS_KEY_ID), text(fields::SECRET_ACCESS_KEY))
        else {
            return Err(unfit(record, "an access key"));
        };
        // A comma or a slash would make another header of it.
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, ',' | '/');
        if id.is_empty() || secret.is_empty() || !id.chars().all(is_plain) {
            return Err(refuse("the access key contains characters that none has"));
        }
        if Kinds::linked().is_expired(record, self.host.now()) {
            return Err(refuse("the access key has expired"));
        }
        let region = self.region.as_deref().or_else(|| text(fields::REGION));
        let region = region.filter(|region| !region.is_empty()).unwrap_or(DEFAULT_REGION);
        if !is_label(region) {
            return Err(refuse("the region of the credential is not the name of a region"));
        }
        Ok((Key { id, secret, session: text(fields::SESSION_TOKEN) }, region))
    }
}

/// Whether a text can be a part of a host. A region often becomes one.
pub fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_short = (1..=MAX_LABEL).contains(&text.len());
    is_short && text.bytes().all(is_plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether a URL contains a signature already.
fn is_signed(url: &str) -> bool {
    let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let is_signature = |pair: &str| pair.to_ascii_lowercase().starts_with("x-amz-signature=");
    query.split('&').any(is_signature)
}

/// Finds out whether a service accepts the key. With 403 it also says that the key may not do this,
/// for which another one does not help.
fn judge(answer: &ResponseHead) -> Step {
    let start = String::from_utf8_lossy(answer.body_start.expose());
    let is_refused = matches!(answer.status, 400 | 401 | 403);
    if is_refused && start.contains("AuthorizationHeaderMalformed") {
        let expected = start.split_once("<Region>").and_then(|(_, rest)| rest.split('<').next());
        let why = match expected.filter(|region| is_label(region)) {
            Some(region) => format!("the service wants a signature for the region `{region}`"),
            None => "the service wants a signature for another region".into(),
        };
        return Step::refuse(RefusalCause::OtherScheme, why);
    }
    match WRONG_KEY.iter().find(|code| is_refused && start.contains(**code)) {
        Some(code) => Step::refuse(
            RefusalCause::WrongCredential,
            format!("the service does not accept the access key: {code}"),
        ),
        None => accepted_unless_401(answer),
    }
}
