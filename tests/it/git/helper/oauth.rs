//! Accounts that log in by OAuth.

use keyward_accounts::Accounts;
use keyward_core::{Expect, Field, Record, Timestamp};
use keyward_kinds::{fields, names};
use keyward_origin::Location;

use super::client::Client;
use super::server::GitServer;
use crate::oauth::server::Rotating;

/// A login whose access token ends at this time.
fn login(issuer: &Rotating, token: &str, expires: u64) -> Record {
    let token = Field::secret(token).with_expires(Some(Timestamp::from_unix(expires)));
    Record::new(names::OAUTH2)
        .with(fields::TOKEN_URL, Field::open(issuer.url.as_str()))
        .with(fields::CLIENT_ID, Field::open("cli"))
        .with(fields::REFRESH_TOKEN, Field::secret("refresh-0"))
        .with(fields::ACCESS_TOKEN, token)
}

/// Stores a login for the account that a URL names.
fn put(client: &Client<'_>, url: &str, record: Record) {
    let location = Location::parse(url).unwrap();
    let location = Location::new(location.origin().clone(), location.account(), None).unwrap();
    let store = client.home.store("git");
    let id = store.entry(None, Some(&location.to_string())).unwrap();
    let record = record.with_origins(vec![location.origin().clone()]);
    store.put(&id, &record, Expect::Any).unwrap();
    if location.account().is_some() {
        let accounts = Accounts::new(&*store, id.user());
        accounts.enlist(&location, names::OAUTH2, store.now()).unwrap();
    }
}

const PAST: u64 = 1;
const FUTURE: u64 = 4_000_000_000;

#[test]
fn a_clone_with_a_token_that_has_expired_refreshes_it_once() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let issuer = Rotating::issuing(&["canary-alice"]);
    let url = git_server.http("git.example/repo.git");
    let named = url.replace("http://", "http://alice@");
    put(&client, &named, login(&issuer, "canary-old", PAST));
    for (at, url) in [&named, &url].into_iter().enumerate() {
        client.git(&["clone", "--quiet", url, &format!("repo{at}")]).ends(0);
    }
    client.git(&["-C", "repo0", "fetch", "--quiet"]).ends(0);
    assert_eq!(issuer.requests(), 1);
    // git stored nothing, and the login is still there.
    let store = client.home.store("git");
    let kinds: Vec<_> =
        store.entries(None).map(|id| store.get(&id.unwrap()).unwrap().kind).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert!(kinds.contains(&names::OAUTH2.to_owned()), "{kinds:?}");
}

#[test]
fn a_token_that_the_host_rejects_is_refreshed_for_the_next_call() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let issuer = Rotating::issuing(&["canary-token"]);
    let url = git_server.http("token.example/repo.git");
    let record = login(&issuer, "canary-revoked", FUTURE);
    put(&client, &url, record.with(fields::GIT_SCHEME, Field::open("bearer")));
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    assert_eq!(issuer.requests(), 0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    assert_eq!(issuer.requests(), 1);
    let given = client.given_to(&url);
    assert_eq!(given.first().unwrap(), "Bearer canary-revoked");
    assert_eq!(given.last().unwrap(), "Bearer canary-token");
}

#[test]
fn git_stops_if_a_new_login_is_needed() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    client.will_answer(&["alice", "canary-alice"]);
    let issuer = Rotating::start(std::time::Duration::ZERO);
    let url = git_server.http("git.example/repo.git");
    let mut record = login(&issuer, "canary-old", PAST);
    record.fields.remove(fields::REFRESH_TOKEN);
    put(&client, &url.replace("http://", "http://alice@"), record);
    let ran = client.git(&["ls-remote", "--quiet", &url]).ends(128);
    assert!(ran.err.contains("Log in again"), "{}", ran.err);
    assert!(client.given_to(&url).is_empty());
}
