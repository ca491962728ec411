//! GNU SASL as the client of a server on the portal.

use std::process::{Command, Stdio};

use keyward_core::{Verifier, VerifierForm};
use keyward_portal::Chain;

use super::mail;
use super::users::{PASSWORD, USER, chain, open_chain, password, portal};
use crate::helpers::home::{Home, clean_environment};
use crate::helpers::tls;

/// A server, and the folder with its certificate.
struct Peer {
    home: Home,
    port: u16,
}

impl Peer {
    fn start(chain: Chain) -> Self {
        let home = Home::in_memory();
        tls::make(home.folder(), &["localhost"]);
        let portal = portal(chain, &[keyward_portal::mechanisms::digest::DigestHash::Sha256]);
        let port = mail::start(portal, Some(mail::tls(home.folder())));
        Self { home, port }
    }

    /// Lets gsasl log in; returns whether it could, and what it said and heard.
    fn gsasl(&self, mechanism: &str, options: &[&str]) -> (bool, String) {
        let mut command = Command::new("gsasl");
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

/// Makes a verifier with gsasl.
fn made_by_gsasl(mechanism: &str, form: VerifierForm) -> Verifier {
    let output = Command::new("gsasl")
        .args(["--mkpasswd", "--mechanism", mechanism, "--password", PASSWORD])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("gsasl is installed");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    Verifier::new(form, text.trim_end())
}

#[test]
fn scram_with_the_verifiers_of_gsasl() {
    let peer = Peer::start(chain(vec![
        made_by_gsasl("SCRAM-SHA-256", VerifierForm::ScramSha256),
        made_by_gsasl("SCRAM-SHA-1", VerifierForm::ScramSha1),
    ]));
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-1"] {
        // A client that could bind, and was not offered to, says so: without TLS it cannot.
        peer.check(mechanism, &["--no-starttls"]);
        peer.check(mechanism, &["--no-cb"]);
    }
    for mechanism in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"] {
        peer.check(mechanism, &[]);
    }
}

#[test]
fn mechanisms_with_the_password_itself() {
    let peer = Peer::start(chain(vec![password()]).with_legacy());
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256-PLUS"] {
        peer.check(mechanism, &[]);
    }
    for mechanism in ["CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-1"] {
        peer.check(mechanism, &["--no-starttls"]);
    }
}

#[test]
fn what_is_not_offered_is_not_accepted() {
    let peer = Peer::start(chain(vec![password()]));
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
    let peer = Peer::start(open_chain(vec![password()]));
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
