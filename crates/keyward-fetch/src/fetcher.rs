use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use keyward::Keyward;
use keyward_authn::challenges;
use keyward_core::{
    Additions, Authenticator, Error, ErrorKind, Origin, Record, Refusal, RefusalCause,
    ResponseHead, Result, State, printable,
};
use keyward_http::{Client, Limits};
use keyward_origin::Target;
use keyward_provider::{Auth, MAX_REDIRECTS, Outcome, Provider, Providers, converse};

use crate::body::Body;
use crate::draft::Draft;
use crate::s3::{self, Object, Place};
use crate::sender::{Sender, send};
use crate::{curl, file};
use typed::Tried;

mod typed;

/// How long one download may take.
const TOTAL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a server may send nothing.
const IDLE: Duration = Duration::from_secs(60);

/// Sends requests with the credentials that their URLs need.
///
/// It remembers what its servers want, so a second request to one of them is quicker.
#[derive(Debug)]
pub struct Fetcher<'a> {
    keyward: &'a Keyward,
    providers: Providers,
    client: Client,
    credential: Option<String>,
    states: BTreeMap<(String, String, Origin), State>,
    /// How long to wait before the first repetition of a download.
    pub(crate) pause: Duration,
}

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The URL that gave it, after all redirects.
    pub target: Target,
    /// Its status and headers.
    pub head: ResponseHead,
    /// Its body.
    pub body: Body,
    /// The name of the credential that was sent, if there was one.
    pub credential: Option<String>,
}

impl<'a> Fetcher<'a> {
    /// Makes one with the providers, the certificates and the proxies of the configuration.
    ///
    /// # Errors
    /// Those of [`Keyward::providers`] and of the configuration of the network.
    pub fn new(keyward: &'a Keyward) -> Result<Self> {
        let idle = Some(IDLE);
        let limits = Limits { total: TOTAL, idle, allows_plain: true, ..Limits::default() };
        let client = Client::new(keyward.config().network()?).with_limits(limits);
        let providers = keyward.providers()?;
        let (credential, states, pause) = (None, BTreeMap::new(), Duration::from_millis(500));
        Ok(Self { keyward, providers, client, credential, states, pause })
    }

    /// Returns the same, which also uses the providers of the project that contains a folder, if the
    /// user trusts it.
    ///
    /// # Errors
    /// Those of [`Keyward::providers_in`].
    pub fn in_folder(self, folder: &Path) -> Result<Self> {
        Ok(Self { providers: self.keyward.providers_in(folder)?, ..self })
    }

    /// Returns the same, which uses this credential instead of those that providers name. It is sent
    /// only to origins to which it is bound.
    #[must_use]
    pub fn with_credential(self, name: impl Into<String>) -> Self {
        Self { credential: Some(name.into()), ..self }
    }

    /// What is wrong with files of providers that cannot be used, such as those of a project that the
    /// user does not trust.
    pub fn broken(&self) -> &[Error] {
        self.providers.broken()
    }

    /// Requests a URL, follows redirects, and returns the answer, whatever its status is.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid) for a URL that cannot be used.
    /// - [`NotFound`](ErrorKind::NotFound) if a credential is needed and there is none.
    /// - [`Unauthorized`](ErrorKind::Unauthorized) if the server accepts none.
    /// - [`Refused`](ErrorKind::Refused) if the credential is not bound to the server.
    /// - [`Unavailable`](ErrorKind::Unavailable) if the server cannot be reached.
    pub fn open(&mut self, url: &str) -> Result<Answer> {
        self.request(url, &Draft::new("GET"))
    }

    /// Does the same for any request.
    pub(crate) fn request(&mut self, url: &str, draft: &Draft<'_>) -> Result<Answer> {
        let (mut target, mut provider) = match Object::parse(url)? {
            Some(object) => self.place(&object)?,
            None => (Target::parse(url)?, None),
        };
        for _ in 0..=MAX_REDIRECTS {
            let answer = match target.origin().scheme.as_str() {
                "ftp" | "ftps" | "sftp" => self.open_by_curl(target, draft)?,
                "file" => {
                    let (head, body) = file::open(&target, draft)?;
                    Answer { target, head, body, credential: None }
                }
                _ => self.open_once(target, draft, provider.take())?,
            };
            let location = answer.head.values("location").next();
            match location.filter(|_| draft.follows(answer.head.status)) {
                // Nothing of this request is sent to the next URL, which has its own provider.
                Some(location) => {
                    let next = answer.target.join(location).map_err(|error| {
                        let why = format!("{} redirects to no URL", answer.target.origin());
                        let why = format!("{why} that can be used: {}", error.message());
                        Error::new(ErrorKind::Unavailable, "fetch").because(why)
                    })?;
                    draft.check_redirect(&answer.target, &next)?;
                    target = next;
                }
                None => return Ok(answer),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "fetch").because("the server redirects without end"))
    }

    /// Requests a target without following a redirect.
    fn open_once(
        &mut self,
        target: Target,
        draft: &Draft<'_>,
        provider: Option<Provider>,
    ) -> Result<Answer> {
        let provider = provider.or_else(|| self.provider_of(&target));
        let provider = match (provider, &self.credential) {
            (Some(provider), _) => provider,
            (None, Some(_)) => Provider::for_origin(target.origin()),
            (None, None) => return self.open_unknown(target, draft),
        };
        let challenge = match provider.auth {
            Auth::Never => return self.open_without(target, draft),
            Auth::Required => None,
            Auth::Optional => {
                let answer = self.ask_without(&target, draft, &provider)?;
                if !provider.is_asked(answer.head.status) {
                    return Ok(answer);
                }
                Some(answer.head)
            }
        };
        self.open_with(target, draft, &provider, challenge)
    }

    /// Requests a target of a server that asks for nothing: it gets the first credential that there is,
    /// or none.
    fn open_by_curl(&self, target: Target, draft: &Draft<'_>) -> Result<Answer> {
        let bound = match &self.credential {
            Some(name) => Some(self.keyward.bound(&target, name)?),
            // Everyone may get some files.
            None => match self.keyward.provided(&self.providers, &target) {
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                found => found?,
            },
        };
        if let Some(bound) = &bound {
            bound.give_out()?;
        }
        let record = bound.as_ref().map(|bound| &bound.record);
        let (head, body) = curl::open(&target, record, self.keyward.config(), draft)?;
        let credential = bound.map(|bound| bound.name);
        Ok(Answer { target, head, body: body.into(), credential })
    }

    /// Requests a target that no provider knows: without a credential, and then with one that is bound
    /// to its server and stored for the realm that it names.
    fn open_unknown(&mut self, target: Target, draft: &Draft<'_>) -> Result<Answer> {
        let answer = self.open_without(target.clone(), draft)?;
        // What is uploaded is not sent twice for a credential that may not be there.
        if answer.head.status != 401 || draft.body.is_some() {
            return Ok(answer);
        }
        let offered = challenges(&answer.head).0;
        let mut realms = offered.iter().filter_map(|challenge| challenge.parameter("realm"));
        let found = realms
            .find_map(|realm| self.keyward.name_for_realm(target.origin(), realm).transpose());
        let Some(name) = found.transpose()? else { return Ok(answer) };
        let provider = Provider::for_origin(target.origin());
        let provider = Provider { credentials: vec![name], ..provider };
        self.open_with(target, draft, &provider, Some(answer.head))
    }

    fn provider_of(&self, target: &Target) -> Option<Provider> {
        self.providers.matching(target).first().map(|(_, provider)| (*provider).clone())
    }

    /// Returns where requests for an object of S3 go, and its provider. The provider, then the
    /// credential, says where the bucket is.
    fn place(&self, object: &Object) -> Result<(Target, Option<Provider>)> {
        let anywhere = Place::default();
        // Such an object has the provider of the URL at AWS.
        let Some(target) = object.target() else { return Ok((object.url_at(&anywhere)?, None)) };
        let provider = match (self.provider_of(&target), &self.credential) {
            (Some(provider), _) => provider,
            (None, Some(_)) => Provider::for_origin(target.origin()),
            (None, None) => return Ok((object.url_at(&anywhere)?, None)),
        };
        let provider = s3::provider(provider, &target);
        let mut place = s3::place(&provider);
        if provider.auth != Auth::Never {
            for name in self.credential.iter().chain(&provider.credentials).take(1) {
                let (endpoint, region) = self.keyward.service_of(name)?;
                place.endpoint = place.endpoint.or(endpoint);
                place.region = place.region.or(region);
            }
        }
        Ok((object.url_at(&place)?, Some(provider)))
    }

    fn open_without(&self, target: Target, draft: &Draft<'_>) -> Result<Answer> {
        let request = draft.head(&target);
        let (head, body) = send(&self.client, &request, &Additions::default(), draft.body)?;
        Ok(Answer { target, head, body: body.into(), credential: None })
    }

    /// Does the same for a server that may ask for a credential. It does not get a file for nothing:
    /// first it is asked about the URL. (`Expect: 100-continue` would be shorter, but ureq 3.5 does not
    /// read another answer to it than 100 before the server closes the connection.)
    fn ask_without(
        &self,
        target: &Target,
        draft: &Draft<'_>,
        provider: &Provider,
    ) -> Result<Answer> {
        if draft.body.is_some() {
            let answer = self.open_without(target.clone(), &Draft::new("HEAD"))?;
            if provider.is_asked(answer.head.status) {
                return Ok(answer);
            }
        }
        self.open_without(target.clone(), draft)
    }

    /// Requests a target with the credentials of a provider, one after the other.
    fn open_with(
        &mut self,
        target: Target,
        draft: &Draft<'_>,
        provider: &Provider,
        challenge: Option<ResponseHead>,
    ) -> Result<Answer> {
        let names = match &self.credential {
            Some(name) => vec![name.clone()],
            None => provider.credentials_for(&target),
        };
        let (mut credentials, mut missing) = (Vec::new(), None);
        for name in &names {
            match self.keyward.bound(&target, name) {
                Ok(found) => {
                    found.give_out()?;
                    credentials.push((name.as_str(), Some(found.record)));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        if credentials.is_empty() {
            // Some servers give everyone a token.
            credentials.push(("", None));
        }
        let mut refusal = None;
        let first = credentials.first().and_then(|(_, record)| record.clone());
        for (name, record) in credentials {
            for used in &provider.authenticators {
                let authenticator = self.keyward.authenticator(used)?;
                let outcome = self.converse(
                    &*authenticator,
                    (&provider.name, name),
                    &target,
                    draft,
                    record.as_ref(),
                    challenge.as_ref(),
                )?;
                match outcome {
                    Outcome::Answered(head, body) => {
                        let credential = record.map(|_| name.to_owned());
                        let body = body.into();
                        return Ok(Answer { target, head, body, credential });
                    }
                    Outcome::Refused(why) => refusal = Some((name.to_owned(), why)),
                }
            }
        }
        let tried = Tried {
            target: &target,
            draft,
            provider,
            challenge: challenge.as_ref(),
            name: names.first().map_or("", String::as_str),
            record: first.as_ref(),
        };
        if !tried.name.is_empty()
            && helps(refusal.as_ref())
            && let Some(answer) = self.ask_user(&tried)?
        {
            return Ok(answer);
        }
        Err(refused(&target, provider, &names, refusal, missing))
    }

    /// Forgets what a server answered to a credential.
    fn forget(&mut self, provider: &str, credential: &str, origin: &Origin) {
        self.states.remove(&(provider.to_owned(), credential.to_owned(), origin.clone()));
    }

    fn converse(
        &mut self,
        authenticator: &dyn Authenticator,
        (provider, credential): (&str, &str),
        target: &Target,
        draft: &Draft<'_>,
        record: Option<&Record>,
        challenge: Option<&ResponseHead>,
    ) -> Result<Outcome<keyward_http::Body>> {
        let key = (provider.to_owned(), credential.to_owned(), target.origin().clone());
        let state = self.states.entry(key).or_default();
        let request = &draft.head(target);
        let (client, origin, body) = (&self.client, target.origin(), draft.body);
        let mut caller = Sender { client, origin, request, record, body };
        converse(authenticator, request, record, challenge, state, &mut caller)
    }
}

/// Whether another credential of the same kind may help.
fn helps(refusal: Option<&(String, Refusal)>) -> bool {
    refusal.is_some_and(|(_, refusal)| refusal.cause != RefusalCause::OtherScheme)
}

/// Returns why a target is not given out. `missing` says why there is no credential.
fn refused(
    target: &Target,
    provider: &Provider,
    names: &[String],
    refusal: Option<(String, Refusal)>,
    missing: Option<Error>,
) -> Error {
    let origin = target.origin();
    let Some((name, refusal)) = refusal else {
        return Error::new(ErrorKind::NotFound, "fetch")
            .because(format!("{origin} wants a credential, and its provider names none"));
    };
    let kind = match refusal.cause {
        RefusalCause::NeedsCredential => ErrorKind::NotFound,
        _ => ErrorKind::Unauthorized,
    };
    let error = match name.as_str() {
        "" => Error::new(kind, "fetch").because(format!("{origin}: {}", refusal.why)),
        name => Error::new(kind, "fetch").because(format!(
            "{origin}: {} (`{}`)",
            refusal.why,
            printable(name)
        )),
    };
    let (RefusalCause::NeedsCredential, Some(name)) = (refusal.cause, names.first()) else {
        return error;
    };
    let what = match provider.authenticators.first().map_or("", |used| used.name.as_str()) {
        "basic" | "digest" | "html-form" | "xnat" | "loris" | "nda" => " USERNAME",
        "bearer" | "token" => " --kind token",
        "aws-sigv4" => " --kind aws",
        _ => "",
    };
    let name = printable(name);
    let error =
        error.hint(format!("Store one: keyward set STORE{what} --name {name} --bind {origin}"));
    match missing {
        Some(missing) => {
            let reasons: Vec<_> = missing.causes().collect();
            let why = if reasons.is_empty() { missing.summary() } else { reasons.join("; ") };
            error.caused_by(why)
        }
        None => error,
    }
}
