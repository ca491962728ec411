//! Many calls at the same time all get an answer, and nothing is lost.

use std::thread::scope;

use super::client::{Client, UNHEARD};
use super::server::{GitServer, MANY, PASSWORD};
use crate::helpers::home::{Home, STORAGES};
use crate::helpers::invocation::{Finished, Invocation};

#[test]
fn fifty_clone_and_fetch_at_once() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    client.has_helpers(&[UNHEARD]);
    client.write_program("askpass", &format!("#!/bin/sh\necho {PASSWORD}\n"));
    at_once(|n| {
        let url = git_server.http(&format!("user{n}@git.example/repo.git"));
        client.call(&["clone", "--quiet", "--bare", &url, &format!("{n}.git")])
    });
    client.write_program("askpass", "#!/bin/sh\nexit 1\n");
    git_server.heard();
    at_once(|n| client.call(&["-C", &format!("{n}.git"), "fetch", "--quiet"]));
    let fetches = git_server.heard();
    for n in 0..MANY {
        let known = Some(format!("Basic user{n}:{PASSWORD}"));
        assert!(fetches.iter().any(|request| request.authorization == known), "user{n}");
    }
    client.home.run_ok(&["store", "verify", "git"]);
}

/// At the same time, another password for it is rejected.
#[test]
fn fifty_use_one_password() {
    let git_server = GitServer::start();
    let client = Client::new(&git_server);
    client.has_helpers(&[UNHEARD]);
    let url = git_server.http("git.example/repo.git");
    let alice = format!("url={url}\nusername=alice\npassword=canary-alice\n");
    client.credential("approve", &alice).ends(0);
    let wrong = alice.replace("canary-alice", "canary-wrong");
    at_once(|n| match n {
        7 => client.call(&["credential", "reject"]).input(&wrong),
        _ => client.call(&["ls-remote", "--quiet", &url]),
    });
    client.home.run_ok(&["store", "verify", "git"]);
}

#[test]
fn fifty_accounts_are_stored_at_once() {
    for storage in STORAGES {
        let home = Home::in_memory();
        home.init("git", storage, "aes-gcm");
        let client = Client::in_home(home, None);
        client.has_helpers(&[UNHEARD]);
        let account = |n| format!("protocol=https\nhost=git.example\nusername=user{n}\n");
        let whole = |n| format!("{}password=canary-{n}\n", account(n));
        at_once(|n| client.call(&["credential", "approve"]).input(whole(n)));
        let given = at_once(|n| client.call(&["credential", "fill"]).input(account(n)));
        for (n, given) in given.iter().enumerate() {
            assert_eq!(given.text(), whole(n), "{storage}");
        }
        at_once(|n| client.call(&["credential", "reject"]).input(account(n)));
        assert_eq!(client.home.run_ok(&["list", "git"]), "", "{storage}");
    }
}

/// Runs `MANY` programs at the same time, all of which must succeed.
fn at_once(call: impl Fn(usize) -> Invocation) -> Vec<Finished> {
    let calls: Vec<_> = (0..MANY).map(call).collect();
    let ran: Vec<_> = scope(|scope| {
        let running: Vec<_> = calls.into_iter().map(|call| scope.spawn(|| call.run())).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    ran.into_iter().map(|ran: Finished| ran.ends(0).says_nothing()).collect()
}
