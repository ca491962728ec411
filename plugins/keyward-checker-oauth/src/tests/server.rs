//! A server that signs tokens, in this process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// The time of the test's host.
pub(super) const NOW: u64 = 1_767_225_600;

/// A key that signs tokens.
pub(super) struct Signer {
    pair: Ed25519KeyPair,
    id: String,
}

impl Signer {
    pub(super) fn new(seed: u8, id: &str) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        Self { pair, id: id.to_owned() }
    }

    pub(super) fn jwk(&self) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.id, "x": x})
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({"alg": "EdDSA", "kid": self.id}), claims)
    }

    pub(super) fn sign_as(&self, head: &Value, claims: &Value) -> String {
        join(head, claims, |signed| self.pair.sign(signed).as_ref().to_vec())
    }

    /// As if the public key were a shared secret.
    pub(super) fn sign_with_hmac(&self, head: &Value, claims: &Value) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.pair.public_key().as_ref());
        join(head, claims, |signed| hmac::sign(&key, signed).as_ref().to_vec())
    }
}

fn join(head: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(head), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A server on loopback, whose answers a test decides.
pub(super) struct Server {
    pub(super) url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    answers: BTreeMap<String, (u16, String)>,
    requests: Vec<String>,
}

impl Server {
    pub(super) fn start(signers: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Mutex<Shared>>::default();
        let server = Self { url, shared: Arc::clone(&shared) };
        server.publish(signers);
        thread::spawn(move || {
            listener.incoming().for_each(|stream| serve(&stream.unwrap(), &shared));
        });
        server
    }

    /// Publishes these keys, and no others.
    pub(super) fn publish(&self, signers: &[&Signer]) {
        let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
        let metadata = json!({"issuer": self.url, "jwks_uri": format!("{}/keys", self.url)});
        self.answer("/.well-known/openid-configuration", 200, &metadata.to_string());
        // Keys that cannot be used are left out.
        let others =
            [json!({"kty": "oct", "k": "AAAA", "kid": "one"}), json!(7), json!({"kty": "RSA"})];
        let all = [&others[..], &keys].concat();
        self.answer("/keys", 200, &json!({"keys": all}).to_string());
    }

    pub(super) fn answer(&self, path: &str, status: u16, body: &str) {
        let answer = (status, body.to_owned());
        self.shared.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    /// Answers nothing until what it returns is dropped.
    pub(super) fn hold(&self) -> impl Sized {
        self.shared.lock().unwrap()
    }

    /// How often something was requested.
    pub(super) fn requests(&self) -> usize {
        self.shared.lock().unwrap().requests.len()
    }

    pub(super) fn last_request(&self) -> String {
        self.shared.lock().unwrap().requests.last().unwrap().clone()
    }

    /// The claims of a token of this server, with these changes.
    pub(super) fn claims(&self, change: &Value) -> Value {
        let mut claims = json!({"iss": self.url, "aud": "api", "sub": "ann", "exp": NOW + 600});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }
}

fn serve(mut stream: &TcpStream, shared: &Mutex<Shared>) {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") && reader.read_line(&mut request).unwrap() > 0 {}
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    request.push_str(&String::from_utf8(body).unwrap());
    let mut shared = shared.lock().unwrap();
    shared.requests.push(request);
    let (status, body) = shared.answers.get(&path).cloned().unwrap_or((404, String::new()));
    let answer = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nLocation: /keys\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // A client that has read enough may be gone.
    drop(stream.write_all(answer.as_bytes()));
}
