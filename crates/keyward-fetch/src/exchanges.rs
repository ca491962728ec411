//! The exchanges that ask a service: a token of LORIS and keys of NDA, for a username and a password.

use keyward_authn::{LorisTokens, NdaKeys, Service};
use keyward_core::{
    Additions, Error, ErrorKind, Network, Record, RefusalCause, Result, Step, SubResponse,
};
use keyward_http::{Client, Http};
use keyward_kinds::labels::LOGIN;
use keyward_kinds::{Exchange, names};
use keyward_origin::Target;

use crate::request;

keyward_kinds::register_exchange!(Loris, Nda);

/// A token of LORIS. The record's label `login` has the URL that gives it.
#[derive(Debug)]
struct Loris;

/// Keys of AWS, from the NIMH Data Archive.
#[derive(Debug)]
struct Nda;

impl Exchange for Loris {
    fn name(&self) -> &str {
        "loris"
    }

    fn source_kind(&self) -> &str {
        names::USER_PASSWORD
    }

    fn kind(&self) -> &str {
        names::TOKEN
    }

    fn exchange(&self, source: &Record, network: &Network) -> Result<Record> {
        let login = source.labels.get(LOGIN).ok_or_else(|| {
            Error::invalid("derive", "the source does not say where LORIS gives tokens")
                .hint("Say it with --label login=https://loris.example.org/api/v0.0.3/login")
        })?;
        let login = Target::parse(login)?;
        make(&LorisTokens { login: login.clone() }, &login, source, network)
    }
}

impl Exchange for Nda {
    fn name(&self) -> &str {
        "nda"
    }

    fn source_kind(&self) -> &str {
        names::USER_PASSWORD
    }

    fn kind(&self) -> &str {
        names::AWS
    }

    fn exchange(&self, source: &Record, network: &Network) -> Result<Record> {
        let login = Target::parse(source.labels.get(LOGIN).map_or(NdaKeys::URL, String::as_str))?;
        make(&NdaKeys { login: login.clone() }, &login, source, network)
    }
}

/// Asks a service for a record. It may go to the servers to which its source may go.
fn make(
    service: &dyn Service,
    login: &Target,
    source: &Record,
    network: &Network,
) -> Result<Record> {
    let origin = login.origin();
    if !source.origins.contains(origin) {
        return Err(Error::new(ErrorKind::Refused, "derive")
            .because(format!("the source is not bound to {origin}, which is asked"))
            .hint(format!("If that server may get it: keyward set … --bind {origin}")));
    }
    let sub = service.request(Some(source)).map_err(|step| refused(&step))?;
    let request = request::with(&sub.head, &Additions::default(), sub.body)?;
    let response = Client::new(network.clone()).send(request)?;
    let answer = SubResponse { head: request::head(&response), body: response.into_body() };
    let mut made = service.record(&answer)?.map_err(|step| refused(&step))?;
    made.origins.clone_from(&source.origins);
    Ok(made)
}

fn refused(step: &Step) -> Error {
    let Step::Refuse(refusal) = step else { return Error::new(ErrorKind::Other, "derive") };
    let kind = match refusal.cause {
        RefusalCause::OtherScheme => ErrorKind::Unavailable,
        _ => ErrorKind::Unauthorized,
    };
    Error::new(kind, "derive").because(refusal.why.clone())
}
