//! A second helper for what Keyward does not know.

use super::client::{Client, KEYWARD};
use super::server::GitServer;

/// Answers a host that authenticates in two stages. Its last answer is ephemeral.
const STAGES: &str = r#"#!/bin/sh
request=$(cat)
[ "$1" = get ] || exit 0
case $request in
*first*) echo authtype=Custom credential=first-answer continue=1 state[]=stages:1 ;;
*second*) echo authtype=Bearer credential=second-answer ephemeral=1 state[]=stages:2 ;;
*) exit 0 ;;
esac | tr ' ' '\n' | sed '1i capability[]=authtype\ncapability[]=state'
"#;

#[test]
fn another_helper_answers_in_stages_and_keyward_keeps_out_of_it() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    client.write_program("stages", STAGES);
    let url = git_server.http("stages.example/repo.git");
    for helpers in [[KEYWARD, "~/tap stages ~/stages"], ["~/tap stages ~/stages", KEYWARD]] {
        client.has_helpers(&helpers);
        client.git(&["ls-remote", "--quiet", &url]).ends(0);
    }
    client.has_helpers(&[KEYWARD]);
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    client.agrees_with("stages", "Another helper's answers in stages, with Keyward beside it.");
}
