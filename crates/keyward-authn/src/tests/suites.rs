//! The built-in authenticators keep the contract of their role.

use keyward_plugin::{Field, Record};
use keyward_testkit::{Answer, Sent, Server};

const DATA: &str = "https://x.example/data";

fn user() -> Record {
    let password = Field::secret("canary-password");
    Record::new("user-password").with("username", Field::open("ann")).with("password", password)
}

fn token() -> Record {
    Record::new("token").with("token", Field::secret("canary-token"))
}

/// A server that wants this header.
fn wants(record: Record, challenge: &'static str, header: &'static str) -> Server {
    Server::new(record, DATA, move |sent| given(sent, header, challenge))
}

fn given(sent: &Sent, header: &str, challenge: &str) -> Answer {
    match sent.header("authorization") {
        Some(found) if found == header.as_bytes() => Answer::new(200).body("data"),
        _ => Answer::new(401).header("www-authenticate", challenge),
    }
}

/// `ann:canary-password`.
const BASIC: &str = "Basic YW5uOmNhbmFyeS1wYXNzd29yZA==";

mod basic {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Basic,
        |_| Values::new(),
        host = |_| TestHost::new().server(wants(user(), "Basic", BASIC)),
    );
}

/// A server that gives a session to who logs in, and data to who has a session.
fn session(record: Record, logs_in: fn(&Sent) -> bool) -> Server {
    Server::new(record, DATA, move |sent| match sent.url() {
        DATA if sent.header("cookie") == Some(b"s=canary-session") => Answer::new(200).body("data"),
        DATA => Answer::new(401).header("www-authenticate", "Basic"),
        _ if logs_in(sent) => Answer::new(204).header("set-cookie", "s=canary-session; Path=/"),
        _ => Answer::new(401),
    })
}

mod basic_with_login {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Basic,
        |_| Values::new().with("login", Value::Text("https://x.example/login".into())),
        host = |_| TestHost::new().server(session(user(), |sent| {
            sent.header("authorization") == Some(BASIC.as_bytes())
        })),
    );
}

mod bearer {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Bearer,
        |_| Values::new(),
        host = |_| { TestHost::new().server(wants(token(), "Bearer", "Bearer canary-token")) },
    );
}

mod token {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Token,
        |_| Values::new().with("prefix", Value::Text("Key".into())),
        host = |_| TestHost::new().server(wants(token(), "Key", "Key canary-token")),
    );
}

mod auto {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Auto,
        |_| Values::new(),
        host = |_| { TestHost::new().server(wants(token(), "Bearer", "Bearer canary-token")) },
    );
}

/// A server that accepts any answer to its challenge: other tests check the answer itself.
fn digest() -> Server {
    Server::new(user(), DATA, |sent| match sent.header("authorization") {
        Some(found) if found.starts_with(b"Digest ") => Answer::new(200).body("data"),
        _ => Answer::new(401).header(
            "www-authenticate",
            "Digest realm=\"x\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256",
        ),
    })
}

mod digest {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Digest,
        |_| Values::new(),
        host = |_| TestHost::new().server(digest()),
    );
}

mod html_form {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::HtmlForm,
        |_| {
            let fields = ["user={username}", "pass={password}"].map(str::to_owned);
            Values::new()
                .with("url", Value::Text("https://x.example/login".into()))
                .with("fields", Value::List(fields.into()))
        },
        host = |_| TestHost::new().server(session(user(), |sent| {
            sent.body.expose() == b"user=ann&pass=canary-password"
        })),
    );
}

/// A registry with the server that gives its tokens.
fn registry() -> Server {
    Server::new(user(), DATA, |sent| match sent.url() {
        DATA => given(
            sent,
            "Bearer canary-token",
            "Bearer realm=\"https://x.example/token\",service=\"x\"",
        ),
        _ if sent.header("authorization") == Some(BASIC.as_bytes()) => {
            Answer::new(200).body("{\"token\": \"canary-token\"}")
        }
        _ => Answer::new(401),
    })
}

mod registry_token {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::RegistryToken,
        |_| Values::new(),
        host = |_| TestHost::new().server(registry()),
    );
}

/// A server that wants a certificate.
fn certified() -> Server {
    let record = Record::new("client-certificate")
        .with("certificate", Field::open("-----BEGIN CERTIFICATE-----\nAA==\n"))
        .with("private_key", Field::secret("-----BEGIN PRIVATE KEY-----\ncanary==\n"));
    Server::new(record, DATA, |sent| match sent.certificate {
        Some(_) => Answer::new(200).body("data"),
        None => Answer::new(400),
    })
}

mod client_certificate {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::ClientCertificate,
        |_| Values::new(),
        host = |_| TestHost::new().server(certified()),
    );
}

/// A server that wants a signature, whatever it is: other tests check the signature itself.
fn signed() -> Server {
    let record = Record::new("aws")
        .with("access_key_id", Field::open("AKIDEXAMPLE"))
        .with("secret_access_key", Field::secret("canary-secret-key"));
    Server::new(record, "https://bucket.s3.amazonaws.com/key", |sent| {
        match sent.header("authorization") {
            Some(found) if found.starts_with(b"AWS4-HMAC-SHA256 ") => Answer::new(200).body("data"),
            _ => Answer::new(403),
        }
    })
}

mod aws_sigv4 {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::AwsSigV4,
        |_| Values::new(),
        host = |_| TestHost::new().server(signed()),
    );
}

/// LORIS: it gives a token for a username and a password.
fn loris_server() -> Server {
    Server::new(user(), DATA, |sent| match sent.url() {
        DATA => given(sent, "Bearer canary-token", "Bearer"),
        _ if sent.body.expose().windows(15).any(|part| part == b"canary-password") => {
            Answer::new(200).body("{\"token\": \"canary-token\"}")
        }
        _ => Answer::new(401),
    })
}

mod loris {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Loris,
        |_| Values::new().with("login", Value::Text("https://x.example/login".into())),
        host = |_| TestHost::new().server(loris_server()),
    );
}

/// XNAT: it gives a session for a username and a password.
fn xnat_server() -> Server {
    Server::new(user(), DATA, |sent| match sent.url() {
        DATA if sent.header("cookie") == Some(b"JSESSIONID=canary") => {
            Answer::new(200).body("data")
        }
        DATA => Answer::new(401),
        _ if sent.header("authorization") == Some(BASIC.as_bytes()) => {
            Answer::new(200).header("set-cookie", "JSESSIONID=canary; Path=/").body("canary")
        }
        _ => Answer::new(401),
    })
}

mod xnat {
    use super::*;

    keyward_testkit::authenticator_suite!(
        crate::Xnat,
        |_| Values::new(),
        host = |_| TestHost::new().server(xnat_server()),
    );
}
