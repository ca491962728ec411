//! The example of the documentation, with the server oidc-provider and an API that asks it about
//! each token.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use http::Request;
use keyward::{Keyward, Secret};
use keyward_core::{Field, Record};
use keyward_kinds::{fields, names};

use super::example;
use crate::oauth::server::Oidc;

/// An API on loopback. It takes the tokens that the server says are active, but not one that it was told
/// to refuse.
struct Api {
    origin: String,
    refused: Arc<Mutex<Option<Secret>>>,
    requests: Arc<AtomicUsize>,
}

impl Api {
    fn start(keyward: Keyward, client: Record) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let refused = Arc::new(Mutex::new(None));
        let refuses = Arc::clone(&refused);
        let count = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map(Result::unwrap);
                let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                let token =
                    head.iter().find_map(|line| line.strip_prefix("authorization: Bearer "));
                count.fetch_add(1, Ordering::SeqCst);
                let token = Secret::from(token.expect("each request has a token"));
                let asked = client.clone().with(fields::ACCESS_TOKEN, Field::secret(token.clone()));
                let answer = keyward.tokens().unwrap().introspect(&asked).unwrap();
                let is_active = answer.expose_str().unwrap().contains(r#""active":true"#);
                let status = match is_active && *refuses.lock().unwrap() != Some(token) {
                    true => "200 OK",
                    false => "401 Unauthorized",
                };
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { origin, refused, requests }
    }
}

#[test]
fn the_example_of_the_documentation_works_with_a_real_server() {
    let server = Oidc::start();
    let home = server.home();
    let field = |value: String| Field::open(value.as_str());
    let resource_server = Record::new(names::OAUTH2)
        .with(fields::CLIENT_ID, field("job".into()))
        .with(fields::CLIENT_SECRET, Field::secret("j0b:s3cret/+%&"))
        .with(fields::TOKEN_URL, field(format!("{}/token", server.issuer())))
        .with(fields::INTROSPECTION_URL, field(format!("{}/token/introspection", server.issuer())));
    let api = Api::start(home.library(), resource_server);
    let login = server.lasting_login("api", &format!("--origin {}", api.origin));
    home.keyward(&login).run().ends(0);
    let keyward = home.library();
    let first = example::token(&keyward).unwrap();
    let ask = || {
        let request = Request::get(format!("{}/me", api.origin)).body(Secret::default()).unwrap();
        example::ask(&keyward, request).unwrap().status().as_u16()
    };
    assert_eq!((ask(), api.requests.load(Ordering::SeqCst)), (200, 1));
    *api.refused.lock().unwrap() = Some(first.clone());
    assert_eq!((ask(), api.requests.load(Ordering::SeqCst)), (200, 3));
    let second = example::token(&keyward).unwrap();
    assert_ne!(first, second);
    assert_eq!((ask(), api.requests.load(Ordering::SeqCst)), (200, 4));
    assert_eq!(example::token(&keyward).unwrap(), second);
}

#[test]
fn the_example_is_the_one_in_the_documentation() {
    let page = std::fs::read_to_string(xtask::root().join("docs/oauth.md")).unwrap();
    let example = include_str!("example.rs");
    assert!(
        page.contains(&format!("```rust\n{example}```\n")),
        "docs/oauth.md has another example"
    );
}
