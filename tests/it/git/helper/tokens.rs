//! Tokens instead of passwords.

use super::client::Client;
use super::server::GitServer;

#[test]
fn a_token_reaches_the_wire() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("token.example/repo.git");
    client.credential("approve", &token(&url, "canary-token")).ends(0);
    client.git(&["clone", "--quiet", &url, "repo"]).ends(0);
    client.git(&["-C", "repo", "fetch", "--quiet"]).ends(0);
    assert!(client.given_to(&url).iter().all(|header| header == "Bearer canary-token"));
    client.agrees_with("token", "A bearer token instead of a password.");
}

#[test]
fn a_token_that_is_refused_is_forgotten() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("token.example/repo.git");
    client.credential("approve", &token(&url, "canary-revoked")).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    assert_eq!(client.given_to(&url), ["Bearer canary-revoked"]);
    client.agrees_with("token-revoked", "A bearer token that is refused is forgotten.");
}

/// The capability comes after the URL, because `url` resets the capabilities.
fn token(url: &str, token: &str) -> String {
    format!("url={url}\ncapability[]=authtype\nauthtype=Bearer\ncredential={token}\n")
}
