use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use http::{HeaderValue, Request};
use keyward_core::{ErrorKind, Network, Secret};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// A server for one connection. Returns its port, and what it received up to the end of the head.
fn serve(answer: impl FnOnce(&mut TcpStream, &str) + Send + 'static) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = read_head(&mut stream);
        answer(&mut stream, &head);
        head
    });
    (port, server)
}

/// Reads up to the empty line.
fn read_head(stream: &mut impl Read) -> String {
    let mut head = String::new();
    let mut reader = BufReader::with_capacity(1, stream);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
    head
}

fn get(url: &str) -> Request<Secret> {
    Request::get(url).body(Secret::default()).unwrap()
}

fn client() -> Client {
    Client::new(Network::default())
}

fn why(error: &keyward_core::Error) -> String {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    error.message().split_once(": ").unwrap().1.to_owned()
}

#[test]
fn a_request_arrives_and_its_response_comes_back_whatever_its_status() {
    for status in ["200 OK", "302 Found", "401 Unauthorized", "503 Service Unavailable"] {
        let (port, server) = serve(move |stream, _| {
            let mut body = [0; 7];
            stream.read_exact(&mut body).unwrap();
            assert_eq!(&body, b"grant=x");
            let answer = "Location: http://127.0.0.1:9/\r\nContent-Length: 4\r\n\r\nbody";
            write!(stream, "HTTP/1.1 {status}\r\n{answer}").unwrap();
        });
        let request = Request::post(format!("http://127.0.0.1:{port}/token?a=b"))
            .header("authorization", "Basic eA==")
            .body(Secret::from("grant=x"));
        let response = client().send(request.unwrap()).unwrap();
        assert_eq!(response.status().as_str(), &status[..3]);
        assert_eq!(response.body().expose(), b"body");
        let head = server.join().unwrap().to_lowercase();
        assert!(head.starts_with("post /token?a=b http/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: basic ea==\r\n"), "{head}");
        assert!(!head.contains("accept-encoding"), "{head}");
    }
}

#[test]
fn plain_http_goes_only_to_this_machine_unless_that_is_allowed() {
    for host in ["10.0.0.1", "example.org", "localhost.example.org", "[::2]", "128.0.0.1"] {
        let error = client().send(get(&format!("http://{host}/"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{host}");
    }
    let (port, server) = serve(|stream, _| write!(stream, "HTTP/1.1 204 No\r\n\r\n").unwrap());
    client().send(get(&format!("http://localhost:{port}/"))).unwrap();
    server.join().unwrap();
    // Nothing listens on the port of a listener that is gone.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut network = Network::default();
    network.http_proxy = Some(format!("http://127.0.0.1:{free}").into());
    let plain = Limits { allows_plain: true, ..Limits::default() };
    let error = Client::new(network).with_limits(plain).send(get("http://x.example/")).unwrap_err();
    assert_eq!(why(&error), "connection refused");
}

#[test]
fn this_machine_is_not_reached_through_a_proxy() {
    // Nothing listens on the port of a listener that is gone.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut network = Network::default();
    network.http_proxy = Some(format!("http://127.0.0.1:{free}").into());
    for host in ["127.0.0.1", "localhost"] {
        let (port, server) = serve(|stream, _| write!(stream, "HTTP/1.1 204 No\r\n\r\n").unwrap());
        Client::new(network.clone()).send(get(&format!("http://{host}:{port}/"))).unwrap();
        server.join().unwrap();
    }
}

#[test]
fn a_server_that_stalls_is_given_up() {
    let (port, _) = serve(|stream, _| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").unwrap();
        std::thread::sleep(Duration::from_secs(20));
    });
    let idle = Some(Duration::from_millis(200));
    let client = client().with_limits(Limits { idle, ..Limits::default() });
    let error = client.send(get(&format!("http://127.0.0.1:{port}/"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn urls_that_no_request_may_have_are_refused() {
    for url in ["/token", "ftp://x/", "https://ann:s3cret@x/", "http://127.0.0.1%2f.x/"] {
        let Ok(request) = Request::get(url).body(Secret::default()) else { continue };
        let error = client().send(request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url}: {error}");
        assert!(!error.report().contains("s3cret"));
    }
}

#[test]
fn a_server_that_never_ends_does_not_hold_up_the_caller() {
    let limits = Limits { total: Duration::from_millis(300), body: 1000, ..Limits::default() };
    for (answer, expected) in [
        ("", "no answer within 0 s"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbody", "no answer within 0 s"),
        ("nonsense\r\n\r\n", "the answer is not HTTP"),
    ] {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (port, server) = serve(move |stream, _| {
            stream.write_all(answer.as_bytes()).unwrap();
            let _ = wait.recv();
        });
        let started = Instant::now();
        let url = format!("http://127.0.0.1:{port}/");
        let error = client().with_limits(limits).send(get(&url)).unwrap_err();
        assert_eq!(why(&error), expected);
        assert!(started.elapsed() < Duration::from_secs(20));
        drop(done);
        server.join().unwrap();
    }
}

#[test]
fn a_body_ends_at_its_limit_however_it_is_sent() {
    let limits = Limits { body: 1000, ..Limits::default() };
    for (head, end) in [
        ("Content-Length: 1001", ""),
        ("Transfer-Encoding: chunked", ""),
        ("Connection: close", ""),
    ] {
        for length in [1000, 1001] {
            let (port, server) = serve(move |stream, _| {
                let head = head.replace("1001", &length.to_string());
                write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n").unwrap();
                let body = "x".repeat(length);
                let _ = match head.contains("chunked") {
                    true => write!(stream, "{length:x}\r\n{body}\r\n0\r\n\r\n"),
                    false => write!(stream, "{body}{end}"),
                };
            });
            let url = format!("http://127.0.0.1:{port}/");
            let result = client().with_limits(limits).send(get(&url));
            server.join().unwrap();
            match length {
                1000 => assert_eq!(result.unwrap().body().len(), 1000),
                _ => assert_eq!(why(&result.unwrap_err()), "the answer is larger than 1000 bytes"),
            }
        }
    }
}

#[test]
fn a_sensitive_header_is_not_in_what_debug_prints() {
    let mut value = HeaderValue::from_static("Bearer s3cret");
    value.set_sensitive(true);
    let request = Request::get("https://x/").header("authorization", value);
    let request = request.body(Secret::from("b0dy")).unwrap();
    let printed = format!("{request:?} {:?}", client());
    assert!(!printed.contains("s3cret") && !printed.contains("b0dy"), "{printed}");
}

/// A certificate authority, and a certificate of it for 127.0.0.1.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    root: tempfile::NamedTempFile,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut root = tempfile::NamedTempFile::new().unwrap();
        root.write_all(issuer.pem().as_bytes()).unwrap();
        Self { issuer, root }
    }

    fn issue(&self) -> (String, KeyPair) {
        let params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key)
    }

    fn network(&self) -> Network {
        let mut network = Network::default();
        network.root_files = vec![self.root.path().to_str().unwrap().to_owned()];
        network
    }

    /// Starts a TLS server for one connection. It asks for a certificate of this authority, if it
    /// should.
    fn serve(&self, asks: bool) -> (u16, JoinHandle<bool>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.issuer.der().to_vec())).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let config = match asks {
            true => config.with_client_cert_verifier(verifier.build().unwrap()),
            false => config.with_no_client_auth(),
        };
        let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut byte = [0];
            let arrived = stream.read(&mut byte).is_ok_and(|read| read > 0);
            if arrived {
                read_head(&mut stream);
                write!(stream, "HTTP/1.1 204 No Content\r\n\r\n").unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
            arrived
        });
        (port, server)
    }
}

#[test]
fn tls_trusts_a_private_authority_and_no_other() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let (port, server) = ours.serve(false);
    let url = format!("https://127.0.0.1:{port}/");
    assert_eq!(Client::new(ours.network()).send(get(&url)).unwrap().status(), 204);
    assert!(server.join().unwrap());
    for network in [other.network(), Network::default()] {
        let (port, server) = ours.serve(false);
        let url = format!("https://127.0.0.1:{port}/");
        let error = Client::new(network).send(get(&url)).unwrap_err();
        assert_eq!(why(&error), "its certificate is not valid: UnknownIssuer");
        assert!(!server.join().unwrap());
    }
}

#[test]
fn a_client_shows_its_certificate_to_a_server_that_asks() {
    let authority = Authority::new("client");
    let (chain, key) = authority.issue();
    let certificate =
        ClientCertificate { chain: chain.into_bytes(), key: key.serialize_pem().into() };
    for has_certificate in [true, false] {
        let (port, server) = authority.serve(true);
        let client = Client::new(authority.network());
        let client = match has_certificate {
            true => client.with_certificate(certificate.clone()),
            false => client,
        };
        let sent = client.send(get(&format!("https://127.0.0.1:{port}/")));
        assert_eq!((sent.is_ok(), server.join().unwrap()), (has_certificate, has_certificate));
    }
    let wrong = ClientCertificate { chain: Vec::new(), ..certificate };
    let error = Client::new(authority.network()).with_certificate(wrong).send(get("https://x/"));
    assert_eq!(error.unwrap_err().message(), "the client's certificate is not in PEM form");
    let (chain, _) = authority.issue();
    let unreadable = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (chain, why) in [(chain.as_str(), "the key does not belong to it"), (unreadable, "")] {
        let other = ClientCertificate { chain: chain.into(), key: key.serialize_pem().into() };
        let client = Client::new(authority.network()).with_certificate(other);
        let error = client.send(get("https://x/")).unwrap_err();
        let expected = format!("the client's certificate cannot be used: {why}");
        assert!(error.message().starts_with(&expected), "{}", error.message());
    }
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_unless_the_host_needs_none() {
    let (port, server) = serve(|stream, _| {
        write!(stream, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let mut network = Network::default();
    network.https_proxy = Some(format!("http://ann:s3cret@127.0.0.1:{port}").into());
    let error = Client::new(network.clone()).send(get("https://x.example/")).unwrap_err();
    assert!(!error.report().contains("s3cret"), "{error}");
    let head = server.join().unwrap();
    assert!(head.starts_with("CONNECT x.example:443 "), "{head}");
    assert!(head.to_lowercase().contains("proxy-authorization: basic "), "{head}");
    network.no_proxy = "127.0.0.1".into();
    let authority = Authority::new("proxy");
    network.root_files = authority.network().root_files;
    let (port, server) = authority.serve(false);
    let sent = Client::new(network).send(get(&format!("https://127.0.0.1:{port}/")));
    assert!(sent.is_ok() && server.join().unwrap());
}
