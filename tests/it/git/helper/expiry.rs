//! An expired credential is not used, and its refresh token is kept.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::client::Client;
use super::server::GitServer;

/// A time at which these tests will no longer be run.
pub(super) const FAR: u64 = 4_102_444_800;

#[test]
fn a_password_that_expires_is_used_until_then() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let alice = format!("url={url}\nusername=alice\npassword=canary-alice\n");
    client.credential("approve", &format!("{alice}password_expiry_utc={FAR}\n")).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.agrees_with("expires", "A password is used until it expires, and says when that is.");
}

#[test]
fn an_expired_password_is_asked_for_again() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    let url = git_server.http("git.example/repo.git");
    let soon = now() + 2;
    let alice = format!("url={url}\nusername=alice\npassword=canary-alice\n");
    client.credential("approve", &format!("{alice}password_expiry_utc={soon}\n")).ends(0);
    wait_until(soon);
    client.git(&["ls-remote", "--quiet", &url]).ends(128);
    client.will_answer(&["alice", "canary-alice"]);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.names(soon, "SOON");
    client.agrees_with("expired", "An expired password is not used, and asked for again.");
}

/// Gets a new password for a refresh token, as a helper for some host would.
const RENEWS: &str = r#"#!/bin/sh
[ "$1" = get ] || exit 0
grep -q '^oauth_refresh_token=canary-refresh$' || exit 0
printf '%s\n' username=alice password=canary-alice oauth_refresh_token=canary-next password_expiry_utc=4102444800
"#;

#[test]
fn a_refresh_token_outlives_its_password() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    client.write_program("renews", RENEWS);
    client.has_helpers(&[super::client::KEYWARD, "~/tap renews ~/renews"]);
    let url = git_server.http("git.example/repo.git");
    let soon = now() + 2;
    let old = format!(
        "url={url}\nusername=alice\npassword=canary-old\n\
         oauth_refresh_token=canary-refresh\npassword_expiry_utc={soon}\n"
    );
    client.credential("approve", &old).ends(0);
    wait_until(soon);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.git(&["ls-remote", "--quiet", &url]).ends(0);
    client.names(soon, "SOON");
    client
        .agrees_with("refresh", "A refresh token outlives its password, for a helper that renews.");
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(super) fn wait_until(second: u64) {
    while now() <= second {
        sleep(Duration::from_millis(20));
    }
}
