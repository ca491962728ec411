//! The questions of nginx's mail proxy (`auth_http`): who a client is, and to which server it goes.
//!
//! # Security
//! nginx is trusted to say where a client is and whether its connection is private. So this service
//! listens on Unix sockets only.

mod question;

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::header::HeaderValue;
use hyper::{Method, StatusCode};
use keyward_core::{Attempt, Error, ErrorKind, Presented, PresentedKind, Secret};
use keyward_portal::VISITOR;
use keyward_portal::sasl::{Sasl, Step};

pub use question::{Proof, Question};

use super::login::{Decider, Verdict};
use crate::listen::{Connection, Service, Stop};
use crate::server::Server;
use crate::web::{self, Request, Response};

/// How long a client waits until it may try again, in seconds.
const WAIT: u64 = 3;

/// After so many attempts on a connection, nginx closes it.
const MAX_ATTEMPTS: u32 = 5;

/// Serves nginx until the connection ends.
pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, stop: Stop) {
    web::serve(server, connection, stop, |request, _| {
        let server = Arc::clone(server);
        async move { answer(&server, &request).await }
    })
    .await;
}

async fn answer(server: &Arc<Server>, request: &Request) -> Response {
    if *request.method() != Method::GET {
        return web::text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
    }
    let config = server.state().config.mail.auth_http.clone();
    let decider = config.as_ref().map(|it| Decider::new(server, Service::AuthHttp, &it.bouncer));
    let (Some(config), Some(Ok(decider))) = (config, decider) else { return failed("") };
    let Some(question) = Question::parse(request.headers()) else { return refused(0, None) };
    let (protocol, attempts) = (question.protocol.clone(), question.attempts);
    let Some(back_end) = config.back_end(&protocol) else {
        let fields: [(&str, &dyn Display); 1] = [("protocol", &protocol)];
        server.log.error("no back end is configured for a protocol of mail", &fields);
        return failed(&protocol);
    };
    let verdict = server.pool.run(move || Ok(decide(&decider, question))).await;
    match verdict {
        Ok(Verdict::Accepted(identity)) => accepted(identity.as_str(), back_end),
        Ok(Verdict::Refused(wait)) => refused(attempts, wait.map(|wait| wait.as_secs())),
        Ok(Verdict::Failed) | Err(_) => failed(&protocol),
    }
}

fn decide(decider: &Decider, question: Question) -> Verdict {
    let mut attempt = Attempt::default().to(&question.protocol);
    attempt.address = question.address.map(|address| address.to_canonical().to_string());
    attempt.private = question.is_private;
    let portal = decider.bouncer().portal();
    let sasl = Sasl::new(portal, &[VISITOR], attempt.clone());
    let step = match question.proof {
        Proof::Password(password) => {
            let parts = [b"\0", question.user.as_bytes(), b"\0", password.expose()];
            sasl.start("PLAIN", Some(&Secret::new(parts.concat())), ())
        }
        Proof::Certificate(certificate) => {
            let sasl = sasl.with_certificate(certificate);
            return conclude(
                decider,
                sasl.start("EXTERNAL", Some(&question.user.into()), ()),
                &attempt,
            );
        }
        Proof::Answer { kind, challenge, response } => {
            let said = match portal.chain().suffices(std::slice::from_ref(&kind)) {
                true => {
                    let answer = [question.user.as_bytes(), b" ", response.expose()].concat();
                    let answer = Secret::new(answer);
                    portal.check_answer(&kind, &challenge, &answer, &attempt, &[VISITOR], ())
                }
                // It is refused as what is not offered.
                false => portal.login(&Presented::new(kind), &attempt, &[VISITOR], ()),
            };
            return decider.judge(said, &attempt);
        }
    };
    conclude(decider, step, &attempt)
}

type Realm = keyward_portal::IdentityRealm;

fn conclude(
    decider: &Decider,
    step: keyward_core::Result<Step<'_, Realm>>,
    attempt: &Attempt,
) -> Verdict {
    match step {
        Ok(Step::Success { login, .. }) => decider.accept(&login, attempt),
        Ok(Step::Refused(refusal)) => decider.refuse(&refusal, attempt),
        Ok(Step::Challenge { .. }) => {
            let why = "nginx cannot pass on another challenge";
            decider.fail(&Error::new(ErrorKind::Unsupported, "login").because(why), attempt)
        }
        Err(error) => decider.fail(&error, attempt),
    }
}

fn accepted(user: &str, back_end: SocketAddr) -> Response {
    let ip = back_end.ip().to_string();
    with(&[
        ("Auth-Status", "OK"),
        ("Auth-User", user),
        ("Auth-Server", &ip),
        ("Auth-Port", &back_end.port().to_string()),
    ])
}

fn refused(attempts: u32, wait: Option<u64>) -> Response {
    let status = ("Auth-Status", "Invalid login or password");
    // Without a time to wait, nginx closes the connection.
    match wait.is_none() && attempts < MAX_ATTEMPTS {
        true => with(&[status, ("Auth-Wait", &WAIT.to_string())]),
        false => with(&[status]),
    }
}

fn failed(protocol: &str) -> Response {
    let status = ("Auth-Status", "Temporary server problem, try again later");
    match protocol {
        "smtp" => with(&[status, ("Auth-Error-Code", "454 4.7.0")]),
        _ => with(&[status]),
    }
}

fn with(headers: &[(&'static str, &str)]) -> Response {
    let mut response = web::with_body(StatusCode::OK, "");
    for (name, value) in headers {
        match HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(value.as_bytes())) {
            Ok(value) => response.headers_mut().append(*name, value),
            // Without the name of the user, nginx would use the one that the client gave.
            Err(_) => return failed(""),
        };
    }
    response
}

impl Proof {
    /// The kind of credential of a method in which the server speaks first.
    fn kind(method: &str) -> Option<PresentedKind> {
        match method {
            "apop" => Some(PresentedKind::APOP),
            "cram-md5" => Some(PresentedKind::CRAM_MD5),
            _ => None,
        }
    }
}
