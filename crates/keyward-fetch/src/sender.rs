//! Sends what an authenticator says.

use keyward_authn::hash_body;
use keyward_core::{
    Additions, Error, ErrorKind, HashKind, MAX_BODY_START, Origin, Record, RequestHead,
    ResponseHead, Result, Secret, SubRequest, SubResponse,
};
use keyward_http::{Body, Client, ClientCertificate, Http};
use keyward_origin::Target;
use keyward_provider::Caller;

use crate::draft::Upload;
use crate::request;

/// Sends one request to one server with one credential.
pub(crate) struct Sender<'a, 'file> {
    pub(crate) client: &'a Client,
    pub(crate) origin: &'a Origin,
    pub(crate) request: &'a RequestHead,
    pub(crate) record: Option<&'a Record>,
    pub(crate) body: Option<&'a Upload<'file>>,
}

impl Caller for Sender<'_, '_> {
    type Body = Body;

    fn send(&mut self, additions: &Additions) -> Result<(ResponseHead, Body)> {
        let (mut head, mut body) = send(self.client, self.request, additions, self.body)?;
        // Some servers answer with a login page in place of the file.
        head.body_start = body.peek(MAX_BODY_START)?.clone();
        Ok((head, body))
    }

    fn ask(&mut self, sub: &SubRequest) -> Result<SubResponse> {
        let target = Target::parse(&sub.head.url)?;
        let is_bound = self.record.is_some_and(|record| record.origins.contains(target.origin()));
        if sub.carries_credential && !is_bound {
            return Err(Error::new(ErrorKind::Refused, "authenticate").because(format!(
                "{} asks for the credential at {}, to which it is not bound",
                self.origin,
                target.origin()
            )));
        }
        let request = request::with(&sub.head, &Additions::default(), sub.body.clone())?;
        let response = self.client.send(request)?;
        Ok(SubResponse { head: request::head(&response), body: response.into_body() })
    }

    fn hash_body(&mut self, kind: HashKind) -> Result<Vec<u8>> {
        match self.body {
            Some(file) => hash_body(kind, file.reader()?),
            None => hash_body(kind, std::io::empty()),
        }
    }
}

/// Sends a request with additions, and a file if there is one.
pub(crate) fn send(
    client: &Client,
    request: &RequestHead,
    additions: &Additions,
    body: Option<&Upload<'_>>,
) -> Result<(ResponseHead, Body)> {
    // A connection with a certificate is used for this request only.
    let certified = additions
        .certificate
        .clone()
        .map(|(chain, key)| client.certified(ClientCertificate { chain, key }));
    let client = certified.as_ref().unwrap_or(client);
    let response = match body {
        Some(file) => {
            let mut reader = file.reader()?.with_progress();
            client.open_with(request::with(request, additions, ())?, &mut reader, file.length)?
        }
        None => client.open(request::with(request, additions, Secret::default())?)?,
    };
    Ok((request::head(&response), response.into_body()))
}
