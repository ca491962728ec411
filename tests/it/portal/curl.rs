//! curl as the client of a server on the portal.

use std::process::Command;

use keyward_portal::Chain;
use keyward_portal::http::Scheme;
use keyward_portal::mechanisms::digest::DigestHash;

use super::site::Site;
use super::users::{One, PASSWORD, PASSWORDS, REALM, TOKEN, USER, chain, password, portal};
use crate::helpers::home::{Home, clean_environment};

/// A user in a file of `htdigest`, which wrote it for `canary-password`.
const HTDIGEST: &str = "ann:a realm, with a comma:196a47ae524182c320a0853bb877b2dc\n";

/// Starts a site for the user with the password.
fn start(hashes: &[DigestHash], schemes: &'static [Scheme], is_private: bool) -> (Home, Site) {
    let (home, chain) = chain(&password(), &[PASSWORDS]);
    (home, Site::start(portal(chain, REALM, hashes), schemes, is_private))
}

/// Lets curl get a page; returns the last status, and the body of the response.
fn curl(site: &Site, arguments: &[&str]) -> (u16, String) {
    let home = Home::in_memory();
    let mut command = Command::new("curl");
    clean_environment(&mut command, home.folder());
    command
        .args(["--max-time", "60", "--silent", "--show-error", "--write-out", "%{http_code}"])
        .args(arguments);
    command.arg(format!("{}/dir/a%20page?x=1,2&y=%22", site.url));
    let output = command.output().expect("curl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.split_at(text.len() - 3);
    (status.parse().unwrap(), body.to_owned())
}

/// Gets a page with the right password, a wrong one, and as a user who does not exist.
#[track_caller]
fn check(site: &Site, right: &str, options: &[&str]) {
    let login = |user: &str, password: &str| {
        let login = format!("{user}:{password}");
        curl(site, &[&["--user", &login], options].concat())
    };
    assert_eq!(login(USER, right), (200, "hello ann\n".to_owned()), "{options:?}");
    let (wrong, unknown) = (login(USER, "wrong"), login("bob", right));
    assert_eq!(wrong, (401, "Unauthorized\n".to_owned()));
    assert_eq!(wrong, unknown);
}

#[test]
fn digest_with_each_hash_that_curl_knows() {
    use DigestHash::{Md5, Sha256};

    // Not SHA-512-256: this curl calculates SHA-256 for it.
    for hashes in [&[Md5][..], &[Sha256], &[Sha256, Md5], &[Md5, Sha256]] {
        let (_home, site) = start(hashes, &[Scheme::Digest], false);
        check(&site, PASSWORD, &["--digest"]);
        assert_eq!(site.statuses(), [401, 200, 401, 401, 401, 401]);
        check(&site, PASSWORD, &["--digest", "--request", "POST", "--data", "x=y"]);
    }
}

#[test]
fn digest_with_a_file_of_htdigest() {
    let (_home, chain) = chain(HTDIGEST, &["htdigest:%DIR%/users"]);
    let portal = portal(chain, "a realm, with a comma", &[DigestHash::Md5]);
    let site = Site::start(portal, &[Scheme::Digest, Scheme::Basic], true);
    check(&site, "canary-password", &["--digest"]);
    check(&site, "canary-password", &["--basic"]);
}

#[test]
fn basic_on_private_connections_only() {
    let schemes = &[Scheme::Digest, Scheme::Basic];
    let (_home, private) = start(&[DigestHash::Sha256], schemes, true);
    check(&private, PASSWORD, &["--basic"]);
    check(&private, PASSWORD, &["--anyauth"]);
    let (_home, public) = start(&[DigestHash::Sha256], schemes, false);
    let login = format!("{USER}:{PASSWORD}");
    assert_eq!(curl(&public, &["--basic", "--user", &login]).0, 401);
    check(&public, PASSWORD, &["--anyauth"]);
}

#[test]
fn bearer_tokens() {
    let chain = Chain::new().with("token", Box::new(One::token()));
    let portal = portal(chain, REALM, &[DigestHash::Sha256]);
    let site = Site::start(portal, &[Scheme::Bearer], true);
    assert_eq!(curl(&site, &["--oauth2-bearer", TOKEN]), (200, "hello ann\n".to_owned()));
    assert_eq!(curl(&site, &["--oauth2-bearer", "other"]).0, 401);
    let (status, headers) = curl(&site, &["--head"]);
    assert_eq!(status, 401);
    assert!(headers.contains("WWW-Authenticate: Bearer realm=\"a \\\"realm\\\", with a comma\""));
}

#[test]
fn anonymous_clients() {
    let (_home, chain) = chain(&password(), &[PASSWORDS, "anonymous"]);
    let portal = portal(chain, REALM, &[DigestHash::Sha256]);
    let site = Site::start(portal, &[Scheme::Basic], true);
    assert_eq!(curl(&site, &[]), (200, "hello guest\n".to_owned()));
    check(&site, PASSWORD, &["--basic"]);
}
