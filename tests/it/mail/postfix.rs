//! Postfix as the server of SMTP.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::process::{Command, Stdio};

use super::server::{Mail, PASSWORD, USER, block};
use crate::helpers::home::clean_environment;
use crate::helpers::nginx::{Server, free_ports};
use crate::helpers::tls;
use crate::helpers::waiting::wait_until;

/// The processes that a session with AUTH needs.
const MASTER: &str = "postlog unix-dgram n - n - 1 postlogd
127.0.0.1:%PORT% inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
";

struct Postfix {
    mail: Mail,
    port: u16,
    _server: Server,
}

impl Postfix {
    fn start() -> Self {
        let mail = Mail::start(|text| text);
        let home = &mail.home;
        tls::make(home.folder(), &["localhost"]);
        for folder in ["spool", "data", "etc"] {
            fs::create_dir(home.path(folder)).unwrap();
        }
        let (user, group) = postfix();
        chown(home.path("data"), Some(user), Some(group)).unwrap();
        let [port] = free_ports();
        let folder = home.folder().to_str().unwrap();
        let own = include_str!("postfix.conf").replace("%DIR%", folder);
        home.write("etc/main.cf", own + &block(home, "main.cf"));
        home.write("etc/master.cf", MASTER.replace("%PORT%", &port.to_string()));
        // Postfix makes its folders below the spool, and needs no one to start its master.
        let etc = home.path("etc");
        home.program("postfix").arg("-c").arg(&etc).arg("check").run().ends(0);
        let server = Server::start("/usr/lib/postfix/sbin/master", home.folder(), |command| {
            command.arg("-c").arg(&etc).arg("-d").current_dir(home.folder());
        });
        wait_until("postfix listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { mail, port, _server: server }
    }

    /// Lets swaks log in; returns what it said and heard.
    fn swaks(&self, options: &[&str], user: &str, password: &str) -> String {
        let mut swaks = Command::new("swaks");
        clean_environment(&mut swaks, self.mail.folder());
        swaks.args(["--server", &format!("127.0.0.1:{}", self.port), "--quit-after", "AUTH"]);
        swaks.args(["--timeout", "20", "--auth-user", user, "--auth-password", password]);
        let output = swaks.args(options).stdin(Stdio::null()).output();
        let output = output.expect("swaks is installed");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

/// The user and the group of Postfix.
fn postfix() -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line =
        passwd.lines().find(|line| line.starts_with("postfix:")).expect("postfix is installed");
    let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}

#[test]
fn users_of_smtp_log_in() {
    let postfix = Postfix::start();
    let log = || fs::read_to_string(postfix.mail.folder().join("maillog")).unwrap_or_default();
    for mechanism in ["PLAIN", "LOGIN"] {
        let options = ["--tls", "--auth", mechanism];
        let said = postfix.swaks(&options, USER, PASSWORD);
        assert!(said.contains("235 2.7.0"), "{mechanism}: {said} {}", log());
        for (user, password) in [(USER, "wrong"), ("bob", PASSWORD)] {
            let said = postfix.swaks(&options, user, password);
            assert!(said.contains("535 5.7.8"), "{mechanism}: {said}");
        }
    }
    // Without TLS, Postfix offers nothing.
    let said = postfix.swaks(&["--auth", "PLAIN"], USER, PASSWORD);
    assert!(!said.contains("235") && !said.contains("250-AUTH"), "{said}");
    let mut gsasl = Command::new("gsasl");
    clean_environment(&mut gsasl, postfix.mail.folder());
    gsasl.args(["--smtp", "--x509-ca-file", "ca.pem", "--no-cb", "--mechanism", "SCRAM-SHA-256"]);
    gsasl.args(["-a", USER, "-p", PASSWORD, &format!("--connect=localhost:{}", postfix.port)]);
    let output = gsasl.current_dir(postfix.mail.folder()).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
