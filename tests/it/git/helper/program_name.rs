//! `setup git`, and the program under the name by which git finds helpers.

use std::fs;
use std::os::unix::fs::symlink;

use super::client::Client;
use super::server::GitServer;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// The program's path contains characters that are special to a shell and in git's configuration.
#[test]
fn after_one_command_passwords_are_kept() {
    let git_server = GitServer::start();
    let client = Client::in_home(Home::in_memory(), Some(&git_server));
    let folder = client.path(r#"Ann's "$(touch oops)" \ #1;"#);
    fs::create_dir(&folder).unwrap();
    fs::copy(keyward(), folder.join("keyward")).unwrap();
    let runs = |arguments: &[&str]| client.run(&folder.join("keyward"), arguments);

    let before =
        format!("# Mine.\n{}[credential]\n\tuseHttpPath = false ; so", git_server.git_config());
    fs::write(client.path(".gitconfig"), &before).unwrap();
    runs(&["setup", "git"]).ends(0);
    asks_once(&git_server, &client);
    runs(&["setup", "git", "--check"]).ends(0);
    let after = client.read(".gitconfig");
    runs(&["setup", "git"]).ends(0);
    assert_eq!(client.read(".gitconfig"), after);
    runs(&["setup", "git", "--undo"]).ends(0);
    assert_eq!(client.read(".gitconfig"), before);
    runs(&["setup", "git", "--check"]).ends(3);
    assert!(!client.path("oops").exists());
}

#[test]
fn git_finds_the_program_by_name() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    fs::create_dir(client.path("bin")).unwrap();
    symlink(keyward(), client.path("bin/git-credential-keyward")).unwrap();
    client.has_helpers(&[]);
    client.prepare(&["config", "--global", "credential.helper", "keyward --store git"]);
    asks_once(&git_server, &client);
}

fn asks_once(git_server: &GitServer, client: &Client) {
    let url = git_server.http("git.example/repo.git");
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["clone", "--quiet", &url, "one"]).ends(0).says_nothing();
    client.git(&["-C", "one", "fetch", "--quiet"]).ends(0).says_nothing();
}
