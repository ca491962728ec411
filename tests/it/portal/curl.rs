//! curl as the client of a server on the portal.

use std::process::Command;

use keyward_core::{Verifier, VerifierForm};
use keyward_portal::http::Scheme;
use keyward_portal::mechanisms::digest::DigestHash;

use super::site::Site;
use super::users::{PASSWORD, REALM, TOKEN, USER, chain, open_chain, password, portal, token};
use crate::helpers::home::{Home, clean_environment};

/// Lets curl get a page; returns the last status, and the body of the response.
fn curl(site: &Site, arguments: &[&str]) -> (u16, String) {
    let home = Home::in_memory();
    let mut command = Command::new("curl");
    clean_environment(&mut command, home.folder());
    command.args(["--silent", "--show-error", "--write-out", "%{http_code}"]).args(arguments);
    command.arg(format!("{}/dir/a%20page?x=1,2&y=%22", site.url));
    let output = command.output().expect("curl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.split_at(text.len() - 3);
    (status.parse().unwrap(), body.to_owned())
}

/// Gets a page with the right password, a wrong one, and as a user who does not exist.
#[track_caller]
fn check(site: &Site, options: &[&str]) {
    let login = |user: &str, password: &str| {
        let login = format!("{user}:{password}");
        curl(site, &[&["--user", &login], options].concat())
    };
    assert_eq!(login(USER, PASSWORD), (200, "hello ann\n".to_owned()), "{options:?}");
    let (wrong, unknown) = (login(USER, "wrong"), login("bob", PASSWORD));
    assert_eq!(wrong, (401, "Unauthorized\n".to_owned()));
    assert_eq!(wrong, unknown);
}

#[test]
fn digest_with_each_hash_that_curl_knows() {
    use DigestHash::{Md5, Sha256};

    // Not SHA-512-256: this curl calculates SHA-256 for it.
    for hashes in [&[Md5][..], &[Sha256], &[Sha256, Md5], &[Md5, Sha256]] {
        let site = Site::start(portal(chain(vec![password()]), hashes), &[Scheme::Digest], false);
        check(&site, &["--digest"]);
        assert_eq!(site.statuses(), [401, 200, 401, 401, 401, 401]);
        check(&site, &["--digest", "--request", "POST", "--data", "x=y"]);
    }
}

#[test]
fn digest_with_a_stored_hash() {
    let hash = DigestHash::Sha256;
    let ha1 = keyward_verifier::ha1::compute(hash, USER, REALM, &PASSWORD.into());
    let value = format!("SHA-256:{REALM}:{}", ha1.expose_str().unwrap());
    let verifier = Verifier::new(VerifierForm::Ha1, value.as_str());
    let site = Site::start(portal(chain(vec![verifier]), &[hash]), &[Scheme::Digest], false);
    check(&site, &["--digest"]);
}

#[test]
fn basic_on_private_connections_only() {
    let schemes = &[Scheme::Digest, Scheme::Basic];
    let site = |is_private| {
        Site::start(portal(chain(vec![password()]), &[DigestHash::Sha256]), schemes, is_private)
    };
    check(&site(true), &["--basic"]);
    check(&site(true), &["--anyauth"]);
    let public = site(false);
    let login = format!("{USER}:{PASSWORD}");
    assert_eq!(curl(&public, &["--basic", "--user", &login]).0, 401);
    check(&public, &["--anyauth"]);
}

#[test]
fn bearer_tokens() {
    let portal = portal(chain(vec![token()]), &[DigestHash::Sha256]);
    let site = Site::start(portal, &[Scheme::Bearer], true);
    assert_eq!(curl(&site, &["--oauth2-bearer", TOKEN]), (200, "hello ann\n".to_owned()));
    assert_eq!(curl(&site, &["--oauth2-bearer", "other"]).0, 401);
    let (status, headers) = curl(&site, &["--head"]);
    assert_eq!(status, 401);
    assert!(headers.contains("WWW-Authenticate: Bearer realm=\"a \\\"realm\\\", with a comma\""));
}

#[test]
fn anonymous_clients() {
    let portal = portal(open_chain(vec![password()]), &[DigestHash::Sha256]);
    let site = Site::start(portal, &[Scheme::Basic], true);
    assert_eq!(curl(&site, &[]), (200, "hello guest\n".to_owned()));
    check(&site, &["--basic"]);
}
