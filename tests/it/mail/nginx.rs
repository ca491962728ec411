//! nginx as the proxy of IMAP, POP3 and SMTP.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::server::{Mail, PASSWORD, USER, block};
use crate::helpers::home::clean_environment;
use crate::helpers::nginx::{Server, free_ports};
use crate::helpers::tls;
use crate::helpers::waiting::wait_until;

/// The protocols, with the ports in the page: those of nginx and of the back ends.
const PROTOCOLS: [(&str, u16, u16); 3] =
    [("imap", 143, 1143), ("pop3", 110, 1110), ("smtp", 587, 1025)];

struct Proxy {
    mail: Mail,
    /// What nginx said to the back ends.
    heard: Receiver<String>,
    ports: [u16; 3],
    _server: Server,
}

impl Proxy {
    /// Starts the back ends and nginx. `configure` changes the configurations of the page.
    fn start(configure: impl Fn(String) -> String) -> Self {
        let (say, heard) = channel();
        let back_ends = PROTOCOLS.map(|(protocol, ..)| back_end(protocol, say.clone()));
        let mail = Mail::start(|mut text| {
            for ((protocol, _, old), new) in PROTOCOLS.iter().zip(back_ends) {
                let line = format!("{protocol} = \"127.0.0.1:{old}\"");
                assert!(text.contains(&line), "{text}");
                text = text.replace(&line, &format!("{protocol} = \"127.0.0.1:{new}\""));
            }
            configure(text)
        });
        let home = &mail.home;
        tls::make(home.folder(), &["localhost"]);
        let ports = free_ports();
        let mut text = configure(block(home, "nginx.conf"));
        for ((protocol, old, _), new) in PROTOCOLS.iter().zip(ports) {
            let old = format!("listen {old}; protocol {protocol};");
            assert!(text.contains(&old), "{text}");
            text = text.replace(&old, &format!("listen 127.0.0.1:{new}; protocol {protocol};"));
        }
        let head = "load_module /usr/lib/nginx/modules/ngx_mail_module.so;\ndaemon off;\npid pid;\n\
                    error_log error.log info;\nevents {}\n";
        home.write("nginx.conf", format!("{head}{text}"));
        let server = Server::start("nginx", home.folder(), |command| {
            command.args(["-p", ".", "-c", "nginx.conf"]).current_dir(home.folder());
        });
        wait_until("nginx listens", || TcpStream::connect(("127.0.0.1", ports[2])).is_ok());
        Self { mail, heard, ports, _server: server }
    }

    /// Lets curl log in; returns its exit code.
    fn curl(&self, protocol: &str, login: &str, options: &[&str]) -> Option<i32> {
        let position = PROTOCOLS.iter().position(|(it, ..)| *it == protocol).unwrap();
        let mut curl = Command::new("curl");
        clean_environment(&mut curl, self.mail.folder());
        curl.args(["--silent", "--max-time", "60", "--cacert", "ca.pem", "--user", login]);
        let url = format!("{protocol}://localhost:{}/", self.ports[position]);
        curl.args(options).arg(url).current_dir(self.mail.folder());
        curl.output().unwrap().status.code()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.mail.folder().join("error.log")).unwrap()
    }
}

/// Starts a server that lets nginx in with anything, and passes on what it hears. Returns its port.
fn back_end(protocol: &'static str, say: Sender<String>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let say = say.clone();
            thread::spawn(move || talk(protocol, &stream.unwrap(), &say));
        }
    });
    port
}

fn talk(protocol: &str, stream: &TcpStream, say: &Sender<String>) -> Option<()> {
    let mut to = stream;
    let mut send = |text: &str| to.write_all(format!("{text}\r\n").as_bytes()).ok();
    send(match protocol {
        "imap" => "* OK ready",
        "pop3" => "+OK ready",
        _ => "220 ready",
    })?;
    let mut tag = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?;
        // The test may be over.
        let _ = say.send(line.clone());
        let words: Vec<_> = line.split(' ').collect();
        match protocol {
            // The parts of a login come as literals.
            "imap" if line.ends_with('}') => {
                if words.get(1) == Some(&"LOGIN") {
                    tag = words[0].to_owned();
                }
                send("+ go on")?;
            }
            "imap" if !tag.is_empty() => send(&format!("{} OK in", std::mem::take(&mut tag)))?,
            "imap" => send(&format!("{} OK done", words[0]))?,
            "pop3" if words[0] == "LIST" => send("+OK\r\n.")?,
            "pop3" => send("+OK")?,
            _ => send("250 ok")?,
        }
    }
    Some(())
}

#[test]
fn clients_of_three_protocols_are_sent_to_back_ends() {
    let proxy = Proxy::start(|text| text);
    let tls = ["--ssl-reqd"];
    for (protocol, ..) in PROTOCOLS {
        let right = format!("{USER}:{PASSWORD}");
        let code = proxy.curl(protocol, &right, &tls);
        assert_eq!(code, Some(0), "{protocol}: {}", proxy.log());
        let mut heard = Vec::new();
        while let Ok(line) = proxy.heard.recv_timeout(Duration::from_millis(200)) {
            heard.push(line);
        }
        assert!(!heard.is_empty(), "{protocol}: the back end hears nothing");
        if protocol != "smtp" {
            let has = |text: &str| heard.iter().any(|line| line.contains(text));
            assert!(has(USER) && has(PASSWORD), "{protocol}: {heard:?}");
        }
        for login in [format!("{USER}:wrong"), format!("bob:{PASSWORD}")] {
            assert_eq!(proxy.curl(protocol, &login, &tls), Some(67), "{protocol}: {}", proxy.log());
        }
        assert_ne!(proxy.curl(protocol, &right, &[]), Some(0), "{protocol} without TLS");
        assert!(proxy.heard.recv_timeout(Duration::from_millis(200)).is_err());
    }
}

/// Without TLS, as far as nginx goes; but then the password itself is refused.
#[test]
fn a_challenge_of_nginx_can_be_answered() {
    let proxy = Proxy::start(|text| {
        let legacy = "auth = [\"file:%/plain:delim=|\"]\nlegacy = true\n";
        let (before, after) = text.split_once("auth = [").map_or((&*text, ""), |it| it);
        let text = match after.split_once('\n') {
            Some((line, after)) => {
                let folder = line.split_once("file:").unwrap().1.split_once("/users").unwrap().0;
                format!("{before}{}{after}", legacy.replace('%', folder))
            }
            None => text,
        };
        text.replace(
            "smtp_auth plain login; starttls only",
            "smtp_auth plain login cram-md5; starttls on",
        )
    });
    let login = |password: &str, mechanism: &str| {
        let login = format!("{USER}:{password}");
        let mechanism = format!("AUTH={mechanism}");
        proxy.curl("smtp", &login, &["--login-options", &mechanism])
    };
    assert_eq!(login(PASSWORD, "CRAM-MD5"), Some(0), "{}", proxy.log());
    assert_eq!(login("wrong", "CRAM-MD5"), Some(67), "{}", proxy.log());
    assert_eq!(login(PASSWORD, "PLAIN"), Some(67), "{}", proxy.log());
}
