//! A small server for SMTP that only logs clients in.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Attempt, Secret};
use keyward_portal::sasl::{Sasl, Step};
use keyward_portal::{IdentityRealm, Portal, VISITOR};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// What the server needs of TLS. Clients may have a certificate of the same authority.
pub(super) fn tls(folder: &Path) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_file(folder.join("site.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("site.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut authority = RootCertStore::empty();
    authority.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authority), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap();
    Arc::new(config.with_client_cert_verifier(clients).with_single_cert(chain, key).unwrap())
}

/// Starts the server on a free port of loopback. It ends with the process of the test.
pub(super) fn start(portal: Portal<IdentityRealm>, tls: Option<Arc<ServerConfig>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let portal = Arc::new(portal);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (portal, tls) = (Arc::clone(&portal), tls.clone());
            thread::spawn(move || Session { portal: &portal, tls }.serve(stream.unwrap()));
        }
    });
    port
}

struct Session<'a> {
    portal: &'a Portal<IdentityRealm>,
    tls: Option<Arc<ServerConfig>>,
}

impl Session<'_> {
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let address = stream.peer_addr().unwrap().ip().to_string();
        let attempt = Attempt::from_address(address).to("smtp");
        say(&mut stream, "220 localhost ESMTP");
        let sasl = Sasl::new(self.portal, &[VISITOR], attempt.clone());
        self.talk(&mut stream, &sasl, self.tls.is_some())?;
        // The client said STARTTLS.
        let mut connection = ServerConnection::new(self.tls.clone()?).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).ok()?;
        }
        let exported =
            connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).unwrap();
        let mut sasl = Sasl::new(self.portal, &[VISITOR], attempt.private())
            .with_channel_binding(Secret::from(exported.as_slice()));
        if let Some([certificate, ..]) = connection.peer_certificates() {
            sasl = sasl.with_certificate(Secret::from(&certificate[..]));
        }
        self.talk(&mut StreamOwned::new(connection, stream), &sasl, false)
    }

    /// Answers the client until it says STARTTLS; returns nothing if it says QUIT or is gone.
    fn talk(
        &self,
        stream: &mut (impl Read + Write),
        sasl: &Sasl<'_, IdentityRealm>,
        offers_tls: bool,
    ) -> Option<()> {
        loop {
            let line = line(stream)?;
            let mut words = line.split(' ');
            match words.next()?.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    if offers_tls {
                        say(stream, "250-STARTTLS");
                    }
                    let names: Vec<_> = sasl.mechanisms().map(|it| it.name()).collect();
                    say(stream, &format!("250 AUTH {}", names.join(" ")));
                }
                "STARTTLS" if offers_tls => {
                    say(stream, "220 go ahead");
                    return Some(());
                }
                "AUTH" => {
                    let (mechanism, initial) = (words.next()?, words.next());
                    // An empty message is written so (RFC 4954 section 4).
                    let initial = match initial {
                        None => None,
                        Some("=") => Some(Secret::default()),
                        Some(text) => Some(decode(text)?),
                    };
                    let step = sasl.start(mechanism, initial.as_ref(), ()).unwrap();
                    let answer = go_on(stream, step)?;
                    say(stream, &answer);
                }
                "QUIT" => {
                    say(stream, "221 bye");
                    return None;
                }
                _ => say(stream, "250 ok"),
            }
        }
    }
}

fn go_on(stream: &mut (impl Read + Write), mut step: Step<'_, IdentityRealm>) -> Option<String> {
    loop {
        match step {
            Step::Challenge { message, exchange } => {
                say(stream, &format!("334 {}", STANDARD.encode(message.expose())));
                let line = line(stream)?;
                if line == "*" {
                    return Some("501 cancelled".into());
                }
                step = exchange.answer(&decode(&line)?, ()).unwrap();
            }
            Step::Success { login, .. } => {
                let identity = login.visitor().identity.as_ref();
                return Some(format!("235 hello {}", identity.map_or("guest", |it| it.as_str())));
            }
            Step::Refused(_) => return Some("535 no".into()),
        }
    }
}

fn decode(text: &str) -> Option<Secret> {
    STANDARD.decode(text).ok().map(Secret::new)
}

fn say(stream: &mut impl Write, line: &str) {
    // In one piece: the client's TCP would wait before it confirms the first of two.
    let _ = stream.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| stream.flush());
}

fn line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        match byte[0] {
            b'\n' => return String::from_utf8(line).ok(),
            b'\r' => {}
            byte => line.push(byte),
        }
    }
}
