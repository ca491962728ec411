use std::sync::Arc;

use keyward_kinds::{fields, names};
use keyward_origin::Target;
use keyward_plugin::{
    Authenticator, Backend, Error, ErrorKind, Event, Field, Header, Host, Info, Record,
    RefusalCause, RequestHead, Result, Secret, State, Step, SubRequest, SubResponse, Timestamp,
    options, printable,
};
use sha1::{Digest, Sha1};

use crate::credential::{joined, user_and_password};
use crate::pages::Pages;
use crate::service::{Exchanged, Service};
use crate::session;
use crate::sigv4::{AwsSigV4, AwsSigV4Options};

mod answer;

options! {
    /// The login of [`Nda`].
    pub struct NdaOptions {
        /// The URL of the service that gives keys.
        pub login: String = "https://nda.nih.gov/DataManager/dataManager",
        /// The region of the archive's storage.
        pub region: String = "us-east-1",
    }
}

/// A temporary key of AWS from the NIMH Data Archive, for a username and a password, with which each
/// request is signed.
#[derive(Clone, Debug)]
pub struct Nda {
    service: NdaKeys,
    signer: AwsSigV4,
    host: Arc<dyn Host>,
}

impl Backend for Nda {
    const INFO: Info =
        Info::new("nda", "A signature with a key of the NIMH Data Archive, for a password");
    type Options = NdaOptions;

    fn open(options: NdaOptions, host: &Arc<dyn Host>) -> Result<Self> {
        let service = NdaKeys { login: Target::parse(&options.login)? };
        let region = Some(options.region);
        let signing = AwsSigV4Options { region, service: "s3".into(), endpoint: None };
        Ok(Self { service, signer: AwsSigV4::open(signing, host)?, host: Arc::clone(host) })
    }
}

impl Authenticator for Nda {
    fn step(
        &self,
        request: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        state: &mut State,
    ) -> Result<Step> {
        let exchanged = Exchanged {
            service: &self.service,
            kind: names::AWS,
            then: &self.signer,
            pages: &Pages::default(),
            host: &self.host,
        };
        exchanged.step(request, record, event, state)
    }
}

/// The service of the NIMH Data Archive that gives keys of AWS (SOAP, `generateToken`).
#[derive(Clone, Debug)]
pub struct NdaKeys {
    /// The URL of the service.
    pub login: Target,
}

impl NdaKeys {
    /// The URL of the archive's service.
    pub const URL: &str = "https://nda.nih.gov/DataManager/dataManager";
}

impl Service for NdaKeys {
    fn request(&self, user: Option<&Record>) -> Result<SubRequest, Step> {
        let (username, password) = user_and_password(user)?;
        // The service takes the hash in place of the password, so it is as secret.
        let hash = Secret::from(base16ct::lower::encode_string(&Sha1::digest(password.expose())));
        let username = escaped(username).ok_or_else(|| {
            let why = "NDA takes a username that is text (UTF-8) only";
            Step::refuse(RefusalCause::WrongCredential, why)
        })?;
        let mut sub = session::request("POST", &self.login);
        sub.head.headers.push(Header::new("SOAPAction", "\"generateToken\""));
        sub.head.headers.push(Header::new("Content-Type", "text/xml; charset=utf-8"));
        sub.body = joined(&[
            b"<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
              <data:UserElement xmlns:data=\"http://gov/nih/ndar/ws/datamanager/server/bean/jaxb\">\
              <user><id>0</id><name>",
            username.expose(),
            b"</name><password>",
            hash.expose(),
            b"</password><threshold>0</threshold></user></data:UserElement></soap:Body></soap:Envelope>",
        ]);
        sub.carries_credential = true;
        Ok(sub)
    }

    fn record(&self, answer: &SubResponse) -> Result<Result<Record, Step>> {
        let origin = self.login.origin();
        let failed = |why: String| {
            Err(Error::new(ErrorKind::Unavailable, "log in").because(format!("{origin}: {why}")))
        };
        match answer::read(&answer.body) {
            Some(answer::Answer::Error(why)) => {
                let lower = why.to_lowercase();
                let is_wrong = lower.contains("invalid")
                    && (lower.contains("user") || lower.contains("password"));
                match is_wrong {
                    true => Ok(Err(Step::refuse(
                        RefusalCause::WrongCredential,
                        format!("{origin}: {}", printable(&why)),
                    ))),
                    false => failed(printable(&why).to_string()),
                }
            }
            // A fault of SOAP has the status 500, and says nothing about the user.
            _ if answer.head.status != 200 => {
                failed(format!("it answers with status {}", answer.head.status))
            }
            Some(answer::Answer::Keys(keys)) => Ok(Ok(record(*keys))),
            None => failed("it answers without keys".into()),
        }
    }
}

fn record(keys: answer::Keys) -> Record {
    Record::new(names::AWS)
        .with(fields::ACCESS_KEY_ID, Field::open(keys.id))
        .with(fields::SECRET_ACCESS_KEY, Field::secret(keys.secret))
        .with(fields::SESSION_TOKEN, Field::secret(keys.session))
        .with_expires(Some(Timestamp::from_unix(keys.expires)))
}

/// Returns a text as XML contains it.
fn escaped(text: &Secret) -> Option<Secret> {
    let text = text.expose_str().filter(|text| !text.contains(char::is_control))?;
    let parts = text.chars().map(|c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c => c.to_string(),
    });
    Some(Secret::from(parts.collect::<String>()))
}
