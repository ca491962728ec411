//! Mail programs send a message with a token that Keyward refreshes for them, with the settings in
//! `docs/clients/mail.md`.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keyward_core::{Expect, Field};
use keyward_kinds::fields;
use xtask::root;

use super::once::expired;
use super::server::Rotating;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// A mail server that knows one mechanism, and keeps the first message of SASL and the mail.
struct Smtp {
    port: u16,
    got: Arc<Mutex<(String, String)>>,
}

impl Smtp {
    fn start(mechanism: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), got: Arc::default() };
        let got = Arc::clone(&server.got);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, mechanism, &got);
            }
        });
        server
    }

    /// The first message of SASL and the mail.
    fn got(&self) -> (String, String) {
        self.got.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, mechanism: &str, got: &Mutex<(String, String)>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).ok();
    say("220 mail.example ESMTP")?;
    while let Some(Ok(line)) = lines.next() {
        let word = line.split(' ').next()?.to_uppercase();
        match word.as_str() {
            "EHLO" => say(&format!("250-mail.example\r\n250 AUTH {mechanism}"))?,
            "AUTH" if line.split(' ').nth(1) != Some(mechanism) => say("504 unknown mechanism")?,
            "AUTH" => {
                let initial = match line.split(' ').nth(2) {
                    Some(initial) => initial.to_owned(),
                    None => {
                        say("334 ")?;
                        lines.next()?.ok()?
                    }
                };
                let initial = BASE64_STANDARD.decode(initial).ok()?;
                got.lock().unwrap().0 = String::from_utf8(initial).ok()?;
                say("235 welcome")?;
            }
            "DATA" => {
                say("354 go on")?;
                let mail = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".");
                got.lock().unwrap().1 = mail.collect::<Vec<_>>().join("\n");
                say("250 kept")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 ok")?,
        }
    }
    Some(())
}

/// The settings on the page below this heading, for a server without TLS on this port.
fn settings(program: &str, port: u16) -> String {
    let page = fs::read_to_string(root().join("docs/clients/mail.md")).unwrap();
    let (_, section) = page.split_once(&format!("\n## {program}\n")).unwrap();
    let block = section.split("```").nth(1).unwrap().strip_prefix("text\n").unwrap();
    let changes = [
        ("tls on", "tls off".to_owned()),
        ("port 587", format!("port {port}")),
        ("smtp.example.com:587", format!("127.0.0.1:{port}")),
        ("smtp.example.com", "127.0.0.1".to_owned()),
        ("imaps://imap.example.com/", "/nonexistent".to_owned()),
        ("keyward oauth", format!("{} oauth", keyward().display())),
    ];
    changes.iter().fold(block.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// A home with a token that is due.
fn home(tokens: &Rotating) -> Home {
    let home = Home::in_memory();
    home.init("work", "file", "aes-gcm");
    let record = expired(tokens).with(fields::USERNAME, Field::open("ann@example.com"));
    let store = home.store("work");
    let id = store.entry(None, Some("mail")).unwrap();
    store.put(&id, &record, Expect::Any).unwrap();
    home
}

/// What a server gets with this mechanism.
fn expected(mechanism: &str, port: u16) -> String {
    match mechanism {
        "XOAUTH2" => "user=ann@example.com\x01auth=Bearer access-1\x01\x01".to_owned(),
        _ => format!(
            "n,a=ann@example.com,\x01host=127.0.0.1\x01port={port}\x01auth=Bearer access-1\x01\x01"
        ),
    }
}

#[test]
fn msmtp_sends_a_message() {
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        let (tokens, smtp) = (Rotating::start(Duration::ZERO), Smtp::start(mechanism));
        let home = home(&tokens);
        let settings = settings("msmtp", smtp.port);
        let auth = format!("auth {}", mechanism.to_lowercase());
        let file = home.write(".msmtprc", settings.replace("auth oauthbearer", &auth));
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        for _ in 0..2 {
            let send = home.program("msmtp").args(["-a", "work", "bob@example.com"]);
            send.input("Subject: hello\n\nHello, Bob.\n").run().ends(0).says_nothing();
            let (sasl, mail) = smtp.got();
            assert_eq!(sasl, expected(mechanism, smtp.port));
            assert!(mail.contains("Hello, Bob."), "{mail}");
        }
        assert_eq!(tokens.requests(), 1, "the second message needs no new token");
    }
}

#[test]
fn msmtp_says_that_a_login_is_needed() {
    let (tokens, smtp) = (Rotating::start(Duration::ZERO), Smtp::start("OAUTHBEARER"));
    let home = home(&tokens);
    let used = expired(&tokens).with(fields::REFRESH_TOKEN, Field::secret("refresh-7"));
    let store = home.store("work");
    let id = store.entry(None, Some("mail")).unwrap();
    store.put(&id, &used, Expect::Any).unwrap();
    let file = home.write(".msmtprc", settings("msmtp", smtp.port));
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    let send = home.program("msmtp").args(["-a", "work", "bob@example.com"]);
    let ran = send.input("Subject: hello\n\nHello.\n").run().says("Log in again");
    assert_ne!(ran.code, 0);
    assert_eq!(smtp.got(), Default::default());
}

#[test]
fn mutt_sends_a_message() {
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        let (tokens, smtp) = (Rotating::start(Duration::ZERO), Smtp::start(mechanism));
        let home = home(&tokens);
        let plain = "set ssl_starttls = no\nset ssl_force_tls = no\nset from = ann@example.com\n";
        home.write(".muttrc", settings("mutt and neomutt", smtp.port) + plain);
        let send = home.program("mutt").args(["-s", "hello", "bob@example.com"]);
        send.input("Hello, Bob.\n").run().ends(0);
        let (sasl, mail) = smtp.got();
        assert_eq!(sasl, expected(mechanism, smtp.port));
        assert!(mail.contains("Hello, Bob."), "{mail}");
    }
}
