//! Dovecot as the server of IMAP.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::process::{Command, Stdio};

use super::server::{Mail, PASSWORD, USER, block};
use crate::helpers::home::clean_environment;
use crate::helpers::nginx::{Server, free_ports};
use crate::helpers::tls;
use crate::helpers::waiting::wait_until;

/// A user of the system without rights, for the mail.
const VMAIL: u32 = 65534;

struct Dovecot {
    mail: Mail,
    port: u16,
    _server: Server,
}

impl Dovecot {
    fn start() -> Self {
        let mail = Mail::start(|text| text);
        let home = &mail.home;
        tls::make(home.folder(), &["localhost"]);
        chown(home.path("srv"), Some(VMAIL), Some(VMAIL)).unwrap();
        let [port] = free_ports();
        let folder = home.folder().display();
        let page = block(home, "dovecot.conf").replace("= vmail", &format!("= {VMAIL}"));
        let text = format!(
            "base_dir = {folder}/base\nstate_dir = {folder}/base\nlog_path = {folder}/dovecot.log\n\
             protocols = imap\nlisten = 127.0.0.1\n\
             ssl = yes\nssl_cert = <{folder}/site.pem\nssl_key = <{folder}/site.key\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {port}\n  }}\n\
             inet_listener imaps {{\n    port = 0\n  }}\n}}\n{page}"
        );
        let config = home.write("dovecot.conf", text);
        let server = Server::start("dovecot", home.folder(), |command| {
            command.arg("-F").arg("-c").arg(config);
        });
        wait_until("dovecot listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { mail, port, _server: server }
    }

    fn curl(&self, login: &str) -> (Option<i32>, String) {
        let mut curl = Command::new("curl");
        clean_environment(&mut curl, self.mail.folder());
        curl.args([
            "--silent",
            "--max-time",
            "60",
            "--ssl-reqd",
            "--cacert",
            "ca.pem",
            "--user",
            login,
        ]);
        let url = format!("imap://localhost:{}/", self.port);
        let output = curl.arg(url).current_dir(self.mail.folder()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    fn gsasl(&self, mechanism: &str, user: &str, password: &str) -> (bool, String) {
        let mut command = Command::new("gsasl");
        clean_environment(&mut command, self.mail.folder());
        command.args(["--imap", "--x509-ca-file", "ca.pem", "--no-cb", "--mechanism", mechanism]);
        command.args(["-a", user, "-p", password, &format!("--connect=localhost:{}", self.port)]);
        command.current_dir(self.mail.folder()).stdin(Stdio::null());
        let output = command.output().expect("gsasl is installed");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

#[test]
fn users_of_imap_log_in_with_scram_and_with_passwords() {
    let dovecot = Dovecot::start();
    let log = || fs::read_to_string(dovecot.mail.folder().join("dovecot.log")).unwrap();
    // The mail process gets the name of the user, and opens the user's mail.
    let (code, text) = dovecot.curl(&format!("{USER}:{PASSWORD}"));
    assert!(code == Some(0) && text.contains("INBOX"), "{text} {}", log());
    assert!(dovecot.mail.folder().join("srv/ann/Maildir").exists());
    for login in [format!("{USER}:wrong"), format!("bob:{PASSWORD}")] {
        assert_eq!(dovecot.curl(&login).0, Some(67), "{}", log());
    }
    for mechanism in ["SCRAM-SHA-256", "PLAIN", "LOGIN"] {
        let (is_in, said) = dovecot.gsasl(mechanism, USER, PASSWORD);
        assert!(is_in && said.contains("OK"), "{mechanism}: {said} {}", log());
        for (user, password) in [(USER, "wrong"), ("bob", PASSWORD)] {
            let (is_in, said) = dovecot.gsasl(mechanism, user, password);
            assert!(!is_in, "{mechanism}: {said}");
        }
    }
    assert!(log().contains("Login: user=<ann>, method=SCRAM-SHA-256"), "{}", log());
    let audit = fs::read_to_string(dovecot.mail.folder().join("audit.log")).unwrap();
    assert!(
        audit.contains(r#""address":"127.0.0.1""#) && audit.contains(r#""wanted":"imap""#),
        "{audit}"
    );
}
