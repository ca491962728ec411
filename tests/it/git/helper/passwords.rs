//! Usernames and passwords: asked for once, kept, and forgotten when they are wrong.

use super::client::{Client, UNHEARD};
use super::server::GitServer;
use crate::helpers::home::files;

#[test]
fn a_password_is_asked_for_once() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["clone", "--quiet", &url, "one"]).ends(0);
    client.git(&["-C", "one", "fetch", "--quiet"]).ends(0);
    client.prepare(&["-C", "one", "commit", "--quiet", "--allow-empty", "--message", "second"]);
    client.git(&["-C", "one", "push", "--quiet"]).ends(0);
    client.git(&["clone", "--quiet", &url, "two"]).ends(0);
    client.git(&["-C", "two", "log", "--format=%s"]).ends(0).prints("second\nfirst\n");
    client.agrees_with("password", "A password is asked for once; clone, fetch and push use it.");
}

/// After every success, git passes back what it used. If the store has it already, nothing is
/// written.
#[test]
fn what_was_just_given_is_not_written_again() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    client.has_helpers(&[UNHEARD]);
    let url = git_server.http("git.example/repo.git");
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    let before = files(&client.home.store_folder());
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    assert_eq!(files(&client.home.store_folder()), before);
}

#[test]
fn a_wrong_password_is_forgotten() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    client.will_answer(&["alice", "canary-wrong"]);
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.agrees_with("wrong", "A wrong password is not kept; the right one is.");
}

#[test]
fn a_password_that_is_wrong_by_now_is_forgotten() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let stale = format!("url={url}\nusername=alice\npassword=canary-stale\n");
    client.credential("approve", &stale).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.agrees_with("changed", "A password that was changed on the host is forgotten here.");
}

#[test]
fn two_accounts_of_one_host_are_distinguished_by_name() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    for name in ["alice", "bob"] {
        let url = git_server.http(&format!("{name}@git.example/repo.git"));
        client.will_answer(&[&format!("canary-{name}")]);
        client.git(&["ls-remote", "--quiet", &url]).ends(0);
    }
    for name in ["alice", "bob"] {
        let url = git_server.http(&format!("{name}@git.example/repo.git"));
        client.git(&["ls-remote", "--quiet", &url]).ends(0);
    }
    client.agrees_with("accounts", "Two accounts of one host, told apart by the URL's username.");
}

#[test]
fn where_no_account_is_named_it_is_the_chosen_one() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    for name in ["alice", "bob"] {
        let known = format!("url={url}\nusername={name}\npassword=canary-{name}\n");
        client.credential("approve", &known).ends(0);
    }
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    let bob = git_server.http("bob@git.example/");
    client.keyward(&["account", "default", "git", &bob]);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.agrees_with(
        "default",
        "Where no account is named, the oldest is meant, or the chosen one.",
    );
}

#[test]
fn two_accounts_of_one_host_are_distinguished_by_path() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    client.prepare(&["config", "--global", "credential.useHttpPath", "true"]);
    for name in ["alice", "bob"] {
        let url = git_server.http(&format!("git.example/{name}/repo.git"));
        client.will_answer(&[name, &format!("canary-{name}")]);
        client.git(&["ls-remote", "--quiet", &url]).ends(0);
    }
    for name in ["alice", "bob"] {
        let url = git_server.http(&format!("git.example/{name}/repo.git"));
        client.git(&["ls-remote", "--quiet", &url]).ends(0);
    }
    client.agrees_with("paths", "Two accounts of one host, told apart by path.");
}
