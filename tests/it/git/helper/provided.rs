//! Credentials that a provider names, and that git gets if there is no account.

use keyward_core::{Expect, Field, Origin, Record};
use keyward_kinds::{fields, names};
use keyward_origin::Location;

use super::client::Client;
use super::server::GitServer;

/// Makes a provider for a server, which names the credential `hosting`.
fn provider(client: &Client<'_>, origin: &Origin) {
    let text = format!("version = 1\norigins = ['{origin}']\ncredentials = ['hosting']\n");
    client.home.write(".config/keyward/providers/hosting.toml", text);
}

/// Stores the credential `hosting`, bound to these servers.
fn put(client: &Client<'_>, origins: Vec<Origin>) {
    let record = Record::new(names::USER_PASSWORD)
        .with(fields::USERNAME, Field::open("alice"))
        .with(fields::PASSWORD, Field::secret("canary-alice"))
        .with_origins(origins);
    let store = client.home.store("git");
    let id = store.entry(None, Some("hosting")).unwrap();
    store.put(&id, &record, Expect::Any).unwrap();
}

fn entries(client: &Client<'_>) -> usize {
    client.home.store("git").entries(None).count()
}

#[test]
fn a_clone_uses_the_credential_that_a_provider_names_and_stores_no_copy() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let location = Location::parse(&url).unwrap();
    provider(&client, location.origin());
    put(&client, vec![location.origin().clone()]);
    client.git(&["clone", "--quiet", &url, "repo"]).ends(0);
    client.git(&["-C", "repo", "fetch", "--quiet"]).ends(0);
    assert_eq!(entries(&client), 1);
    // An account of the store comes first.
    let account = format!("url={url}\nusername=alice\npassword=canary-wrong\n");
    client.credential("approve", &account).ends(0);
    client.git(&["-C", "repo", "fetch", "--quiet"]).ends(128);
    // git rejected it, so it is gone, and the provider counts again.
    client.git(&["-C", "repo", "fetch", "--quiet"]).ends(0);
}

#[test]
fn git_gets_no_credential_that_is_bound_to_another_server() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let location = Location::parse(&url).unwrap();
    provider(&client, location.origin());
    put(&client, vec![Location::parse("https://other.example").unwrap().origin().clone()]);
    let run = client.git(&["ls-remote", &url]).ends(128);
    run.says("may not be given to");
    // Without a provider, and for another user, git gets nothing either.
    put(&client, vec![location.origin().clone()]);
    client.git(&["ls-remote", &url.replace("http://", "http://bob@")]).ends(128);
    // git itself first tries the user of the URL without a password.
    assert_eq!(client.given_to(&url), ["Basic bob:"]);
    std::fs::remove_file(client.home.path(".config/keyward/providers/hosting.toml")).unwrap();
    client.git(&["ls-remote", &url]).ends(128);
    assert_eq!(client.given_to(&url), ["Basic bob:"]);
}

#[test]
fn git_gets_no_password_that_a_provider_keeps_from_the_server() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let origin = Location::parse(&url).unwrap().origin().clone();
    put(&client, vec![origin.clone()]);
    for (authenticator, code) in [("digest", 128), ("basic", 0)] {
        provider(&client, &origin);
        let path = client.home.path(".config/keyward/providers/hosting.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = format!("{text}[[authenticators]]\nname = '{authenticator}'\n");
        std::fs::write(path, text).unwrap();
        client.git(&["ls-remote", "--quiet", &url]).ends(code);
    }
    assert!(client.given_to(&url).iter().all(|header| header == "Basic alice:canary-alice"));
}

#[test]
fn what_a_clone_brings_along_names_no_credential_for_git() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let location = Location::parse(&url).unwrap();
    put(&client, vec![location.origin().clone()]);
    client.home.write(".keyward.toml", "version = 1\n");
    let text =
        format!("version = 1\norigins = ['{}']\ncredentials = ['hosting']\n", location.origin());
    client.home.write(".keyward/providers/hosting.toml", text);
    client.git(&["ls-remote", &url]).ends(128);
    client.home.keyward("trust --yes").run().ends(0);
    client.git(&["ls-remote", &url]).ends(0);
}

#[test]
fn a_helper_that_may_not_ask_stores_nothing_that_must_be_confirmed() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let account = format!("url={url}\nusername=alice\npassword=canary-alice\n");
    for (options, stored) in
        [("--confirm", 0), ("--confirm --non-interactive", 0), ("--non-interactive", 2)]
    {
        client.has_helpers(&[&format!("KEYWARD helper git --store git {options}")]);
        client.credential("approve", &account).ends(0);
        assert_eq!(entries(&client), stored, "{options}");
    }
    client.git(&["ls-remote", &url]).ends(0);
}
