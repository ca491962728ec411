//! Keyward itself as the client of a server on the portal.

use keyward_portal::http::Scheme;
use keyward_portal::mechanisms::digest::DigestHash;

use super::site::Site;
use super::users::{One, PASSWORD, PASSWORDS, REALM, chain, password, portal};
use crate::fetch::site::{home_for, store_password};

#[test]
fn digest_with_each_hash() {
    for hash in DigestHash::ALL.iter().copied() {
        let (_users, chain) = chain(&password(), &[PASSWORDS]);
        let site = Site::start(portal(chain, REALM, &[hash]), &[Scheme::Digest], false);
        let home = home_for(&site.url, "credentials = ['site']\n");
        let url = format!("{}/a?b=%22c,d%22", site.url);
        store_password(&home, &site.url, PASSWORD);
        home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("hello ann\n");
        assert_eq!(site.statuses(), [401, 200]);
        store_password(&home, &site.url, "wrong");
        home.keyward(&format!("fetch {url} --output -")).run().ends(9).says("does not accept");
    }
}

#[test]
fn the_best_scheme_of_several_is_used() {
    let hashes = [DigestHash::Md5, DigestHash::Sha512_256, DigestHash::Sha256];
    let schemes = &[Scheme::Bearer, Scheme::Digest, Scheme::Basic];
    let (_users, chain) = chain(&password(), &[PASSWORDS]);
    let chain = chain.with("token", Box::new(One::token()));
    let site = Site::start(portal(chain, REALM, &hashes), schemes, true);
    let home = home_for(&site.url, "credentials = ['site']\n");
    store_password(&home, &site.url, PASSWORD);
    let url = format!("{}/a", site.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("hello ann\n");
    assert_eq!(site.statuses(), [401, 200]);
}

#[test]
fn one_challenge_serves_several_requests() {
    let (_users, chain) = chain(&password(), &[PASSWORDS]);
    let portal = portal(chain, REALM, &[DigestHash::Sha256]);
    let site = Site::start(portal, &[Scheme::Digest], false);
    let home = home_for(&site.url, "auth = 'required'\ncredentials = ['site']\n");
    store_password(&home, &site.url, PASSWORD);
    let keyward = home.library();
    let mut fetcher = keyward_fetch::Fetcher::new(&keyward).unwrap();
    let url = format!("{}/a", site.url);
    for _ in 0..3 {
        assert_eq!(fetcher.open(&url).unwrap().head.status, 200);
    }
    assert_eq!(site.statuses(), [401, 200, 200, 200]);
}
