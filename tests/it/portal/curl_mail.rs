//! curl as the client of a server for mail on the portal.

use std::process::Command;

use keyward_portal::Chain;
use keyward_portal::mechanisms::digest::DigestHash;

use super::mail;
use super::users::{One, PASSWORD, PASSWORDS, REALM, TOKEN, USER, chain, password, portal};
use crate::helpers::home::{Home, clean_environment};
use crate::helpers::tls;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// curl's exit code for a login that was refused.
const DENIED: i32 = 67;

/// Starts the server; returns its port.
fn start(home: &Home, chain: Chain) -> u16 {
    tls::make(home.folder(), &["localhost"]);
    let portal = portal(chain, REALM, &[DigestHash::Sha256]);
    mail::start(portal, Some(mail::tls(home.folder())))
}

/// Lets curl log in; returns its exit code.
fn curl(home: &Home, port: u16, mechanism: &str, arguments: &[&str]) -> i32 {
    let mut command = Command::new("curl");
    clean_environment(&mut command, home.folder());
    command.args([
        "--max-time",
        "60",
        "--silent",
        "--cacert",
        "ca.pem",
        "--login-options",
        &format!("AUTH={mechanism}"),
    ]);
    command.args(arguments).arg(format!("smtp://localhost:{port}"));
    let output = command.current_dir(home.folder()).output().expect("curl is installed");
    output.status.code().unwrap()
}

#[test]
fn passwords() {
    let (home, chain) = chain(&password(), &[PASSWORDS]);
    let port = start(&home, chain.with_legacy());
    let private = &["--ssl-reqd"][..];
    for (mechanism, options) in
        [("PLAIN", private), ("LOGIN", private), ("CRAM-MD5", private), ("CRAM-MD5", &[])]
    {
        let login = |user: &str, password: &str| {
            let login = format!("{user}:{password}");
            curl(&home, port, mechanism, &[options, &["--user", &login]].concat())
        };
        assert_eq!(login(USER, PASSWORD), 0, "{mechanism}");
        assert_eq!([login(USER, "wrong"), login("bob", PASSWORD)], [DENIED; 2], "{mechanism}");
    }
    // Without TLS, curl is not offered to send a password.
    let login = format!("{USER}:{PASSWORD}");
    assert_eq!(curl(&home, port, "PLAIN", &["--user", &login]), DENIED);
}

#[test]
fn bearer_tokens() {
    let home = Home::in_memory();
    let port = start(&home, Chain::new().with("token", Box::new(One::token())));
    let login = |token: &str| {
        let arguments = ["--ssl-reqd", "--user", USER, "--oauth2-bearer", token];
        curl(&home, port, "OAUTHBEARER", &arguments)
    };
    assert_eq!((login(TOKEN), login("other")), (0, DENIED));
}

#[test]
fn certificates_of_clients() {
    let home = Home::in_memory();
    tls::make(home.folder(), &["localhost"]);
    for name in ["known", "other"] {
        tls::make_client(home.folder(), name);
    }
    let known = CertificateDer::from_pem_file(home.path("known.pem")).unwrap();
    let chain = Chain::new().with("certificate", Box::new(One::certificate(&known)));
    let portal = portal(chain, REALM, &[DigestHash::Sha256]);
    let port = mail::start(portal, Some(mail::tls(home.folder())));
    let login = |user: &str, arguments: &[&str]| {
        let user = format!("{user}:");
        let arguments = [&["--ssl-reqd", "--user", &user], arguments].concat();
        curl(&home, port, "EXTERNAL", &arguments)
    };
    let (right, wrong) = (
        ["--cert", "known.pem", "--key", "known.key"],
        ["--cert", "other.pem", "--key", "other.key"],
    );
    assert_eq!(login(USER, &right), 0);
    assert_eq!([login(USER, &wrong), login(USER, &[]), login("root", &right)], [DENIED; 3]);
}
