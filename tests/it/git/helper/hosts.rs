//! Keyward gives a credential only to the host for which it was stored.

use super::client::Client;
use super::server::GitServer;

/// A client with Alice's password for `git.example` over HTTP, and without answers to prompts.
fn known(git_server: &GitServer) -> Client<'_> {
    let client = Client::new(git_server);
    client.will_answer(&["alice", "canary-alice"]);
    client.prepare(&["clone", "--quiet", &git_server.http("git.example/repo.git"), "repo"]);
    client
}

/// One submodule is on a host that asks for a password, one is on a host that does not, and the
/// address of the third looks as if it were on the known host.
#[test]
fn submodules_of_other_hosts_get_nothing() {
    let git_server = GitServer::start();
    let client = known(&git_server);
    let closed = git_server.http("other.example/repo.git");
    let open = git_server.http("open.example/repo.git");
    let disguised = git_server.http("git.example@other.example/repo.git");
    let modules = [("closed", &closed), ("open", &open), ("disguised", &disguised)];
    let mut names = String::new();
    for (name, url) in modules {
        names += &format!("[submodule \"{name}\"]\n\tpath = {name}\n\turl = {url}\n");
        let commit = client.call(&["-C", "repo", "rev-parse", "HEAD"]).run().ends(0);
        let link = format!("160000,{},{name}", commit.text().trim());
        client.prepare(&["-C", "repo", "update-index", "--add", "--cacheinfo", &link]);
    }
    std::fs::write(client.path("repo/.gitmodules"), names).unwrap();
    client.prepare(&["-C", "repo", "add", ".gitmodules"]);
    client.prepare(&["-C", "repo", "commit", "--quiet", "--message", "submodules"]);
    client.prepare(&["-C", "repo", "push", "--quiet"]);

    let url = git_server.http("git.example/repo.git");
    client.git(&["clone", "--quiet", &url, "super"]).ends(0);
    for ((name, _), code) in modules.into_iter().zip([1, 0, 1]) {
        client.git(&["-C", "super", "submodule", "--quiet", "update", "--init", name]).ends(code);
    }
    // Git itself tries the username in an address, with no password.
    assert_eq!(client.given_to(&closed), ["Basic git.example:"; 2]);
    assert_eq!(client.given_to(&open), [""; 0]);
    client.agrees_with("submodules", "Submodules of other hosts get nothing.");
}

#[test]
fn the_target_of_a_redirection_gets_no_credential() {
    let git_server = GitServer::start();
    let client = known(&git_server);
    for place in ["moved", "next-door", "members/moved", "members/next-door"] {
        // Git itself forgets a password when the host that it was sent on to refuses it.
        let url = git_server.http("git.example/repo.git");
        let known = format!("url={url}\nusername=alice\npassword=canary-alice\n");
        client.credential("approve", &known).ends(0);
        let url = git_server.http(&format!("git.example/{place}/repo.git"));
        client.git(&["ls-remote", "--quiet", &url]).ends(128);
    }
    assert_eq!(client.given_to(&git_server.http("other.example/")), [""; 0]);
    assert_eq!(client.given_to(&git_server.next_door("")), [""; 0]);
    client.agrees_with("redirects", "Hosts and ports that git is sent on to get nothing.");
}

#[test]
fn a_password_for_https_is_none_for_http() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.https("git.example/repo.git");
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["clone", "--quiet", &url, "repo"]).ends(0);
    client.git(&["-C", "repo", "fetch", "--quiet"]).ends(0);
    let url = git_server.downgraded("git.example/repo.git");
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    assert_eq!(client.given_to(&url), [""; 0]);
    client.agrees_with("downgrade", "A password for https is none for http at the same port.");
}

#[test]
fn a_host_without_a_trusted_certificate_gets_no_credential() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.https("git.example/repo.git");
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    let nobody = "http.sslCAInfo=/dev/null";
    client.git(&["-c", nobody, "ls-remote", "--quiet", &url]).ends(128);
    client.agrees_with("certificate", "A private authority counts where git is told so.");
}
