//! GNU SASL as the client of a server on the portal.

use std::process::{Command, Stdio};

use keyward_portal::Chain;
use keyward_portal::mechanisms::digest::DigestHash;

use super::mail;
use super::users::{HASHES, PASSWORD, PASSWORDS, REALM, USER, chain, password, portal};
use crate::helpers::home::{Home, clean_environment};
use crate::helpers::tls;

/// A server, and the folder with its certificate.
struct Peer {
    home: Home,
    port: u16,
}

impl Peer {
    fn start((home, chain): (Home, Chain)) -> Self {
        tls::make(home.folder(), &["localhost"]);
        let portal = portal(chain, REALM, &[DigestHash::Sha256]);
        let port = mail::start(portal, Some(mail::tls(home.folder())));
        Self { home, port }
    }

    /// Lets gsasl log in; returns whether it could, and what it said and heard.
    fn gsasl(&self, mechanism: &str, options: &[&str]) -> (bool, String) {
        let mut command = Command::new("timeout");
        command.args(["60", "gsasl"]);
        clean_environment(&mut command, self.home.folder());
        command.args(["--smtp", "--x509-ca-file", "ca.pem"]);
        command.args(["--mechanism", mechanism]).args(options);
        command.arg(format!("--connect=localhost:{}", self.port));
        command.env("LC_ALL", "C.UTF-8").current_dir(self.home.folder()).stdin(Stdio::null());
        let output = command.output().expect("gsasl is installed");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Logs in with the right password, a wrong one, and as a user who does not exist.
    fn check(&self, mechanism: &str, options: &[&str]) {
        let login = |user: &str, password: &str| {
            let options = [&["-a", user, "-p", password], options].concat();
            let (is_in, said) = self.gsasl(mechanism, &options);
            assert_eq!(is_in, said.contains("235 hello ann"), "{said}");
            (is_in, said)
        };
        let (is_in, said) = login(USER, PASSWORD);
        assert!(is_in, "{mechanism}: {said}");
        let (wrong, unknown) = (login(USER, "wrong"), login("bob", PASSWORD));
        assert!(!wrong.0 && !unknown.0);
        assert!(wrong.1.contains("535 no") && unknown.1.contains("535 no"), "{}", wrong.1);
    }
}

/// Returns a line of the file of users with a verifier that gsasl makes.
fn made_by_gsasl(mechanism: &str, password: &str) -> String {
    let output = Command::new("gsasl")
        .args(["--mkpasswd", "--mechanism", mechanism, "--password", password])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("gsasl is installed");
    assert!(output.status.success());
    format!("{USER}|{}\n", String::from_utf8(output.stdout).unwrap().trim_end())
}

#[test]
fn scram_with_the_verifiers_of_gsasl() {
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-1"] {
        let peer = Peer::start(chain(&made_by_gsasl(mechanism, PASSWORD), &[HASHES]));
        // A client that could bind, and was not offered to, says so: without TLS it cannot.
        peer.check(mechanism, &["--no-starttls"]);
        peer.check(mechanism, &["--no-cb"]);
        peer.check(&format!("{mechanism}-PLUS"), &[]);
        peer.check("PLAIN", &[]);
    }
}

/// gsasl prepares passwords with SASLprep, and so must the server.
#[test]
fn both_sides_prepare_passwords() {
    let password = "\u{2168}\u{ad}e\u{301}\u{aa}\u{3000}x";
    let stored = made_by_gsasl("SCRAM-SHA-256", password);
    for (users, checker) in [(stored, HASHES), (format!("{USER}|{password}\n"), PASSWORDS)] {
        let peer = Peer::start(chain(&users, &[checker]));
        for mechanism in ["SCRAM-SHA-256-PLUS", "PLAIN"] {
            let (is_in, said) = peer.gsasl(mechanism, &["-a", USER, "-p", password]);
            assert!(is_in, "{mechanism} {checker}: {said}");
        }
    }
}

#[test]
fn mechanisms_with_the_password_itself() {
    let (home, chain) = chain(&password(), &[PASSWORDS]);
    let peer = Peer::start((home, chain.with_legacy()));
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256-PLUS"] {
        peer.check(mechanism, &[]);
    }
    for mechanism in ["CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-1"] {
        peer.check(mechanism, &["--no-starttls"]);
    }
}

#[test]
fn what_is_not_offered_is_not_accepted() {
    let peer = Peer::start(chain(&password(), &[PASSWORDS]));
    for (mechanism, options) in [
        ("PLAIN", &["--no-starttls"][..]),
        ("LOGIN", &["--no-starttls"]),
        ("CRAM-MD5", &[]),
        ("ANONYMOUS", &[]),
    ] {
        let login = ["-a", USER, "-p", PASSWORD, "-n", "guest"];
        let (is_in, said) = peer.gsasl(mechanism, &[&login[..], options].concat());
        assert!(!is_in && !said.contains("235"), "{mechanism}: {said}");
    }
}

#[test]
fn anonymous_clients_and_acting_as_another_user() {
    let peer = Peer::start(chain(&password(), &[PASSWORDS, "anonymous"]));
    let (is_in, said) = peer.gsasl("ANONYMOUS", &["-n", "guest@example.org"]);
    assert!(is_in && said.contains("235 hello guest"), "{said}");
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let login =
            |other| peer.gsasl(mechanism, &["-a", USER, "-p", PASSWORD, "-z", other, "--no-cb"]);
        let (is_in, said) = login(USER);
        assert!(is_in && said.contains("235 hello ann"), "{said}");
        let (is_in, said) = login("root");
        assert!(!is_in && said.contains("535 no"), "{said}");
    }
}
