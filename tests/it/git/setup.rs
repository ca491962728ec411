//! How git finds Keyward.

use std::fs;
use std::os::unix::fs::symlink;

use super::client::Client;
use super::forge::Forge;
use crate::program::keyward;

#[test]
fn git_finds_the_program_by_name() {
    let forge = Forge::start();
    let client = Client::new(&forge);
    fs::create_dir(client.path("bin")).unwrap();
    symlink(keyward(), client.path("bin/git-credential-keyward")).unwrap();
    client.has_helpers(&[]);
    client.prepare(&["config", "--global", "credential.helper", "keyward --store git"]);
    asks_once(&forge, &client);
}

fn asks_once(forge: &Forge, client: &Client) {
    let url = forge.http("git.example/repo.git");
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["clone", "--quiet", &url, "one"]).ends(0).says_nothing();
    client.git(&["-C", "one", "fetch", "--quiet"]).ends(0).says_nothing();
}
