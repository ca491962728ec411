//! However many ask at once, everybody is answered and nothing is lost.

use std::thread::scope;

use super::client::{Client, UNHEARD};
use super::forge::{Forge, MANY, PASSWORD};
use crate::sandbox::{Call, Ran};

#[test]
fn fifty_clone_and_fetch_at_once() {
    let forge = Forge::start();
    let client = Client::new(&forge);
    client.has_helpers(&[UNHEARD]);
    client.write_program("askpass", &format!("#!/bin/sh\necho {PASSWORD}\n"));
    at_once(|n| {
        let url = forge.http("git.example/repo.git").replace("//", &format!("//user{n}@"));
        client.call(&["clone", "--quiet", "--bare", &url, &format!("{n}.git")])
    });
    client.write_program("askpass", "#!/bin/sh\nexit 1\n");
    let before = forge.heard().len();
    at_once(|n| client.call(&["-C", &format!("{n}.git"), "fetch", "--quiet"]));
    let fetches = forge.heard();
    assert!(before >= 3 * MANY && fetches.len() >= 3 * MANY, "{before}, {}", fetches.len());
    for n in 0..MANY {
        let known = format!("Basic user{n}:{PASSWORD}");
        let is_known = |header: &Option<String>| header.as_ref() == Some(&known);
        assert!(fetches.iter().any(|request| is_known(&request.authorization)), "user{n}");
    }
    client.home.keyward(&["store", "verify", "git"]);
}

/// Everybody asks for the same credential, which one of them finds to be wrong at the same time.
#[test]
fn fifty_use_one_password() {
    let forge = Forge::start();
    let client = Client::new(&forge);
    client.has_helpers(&[UNHEARD]);
    let url = forge.http("git.example/repo.git");
    let alice = format!("url={url}\nusername=alice\npassword=canary-alice\n");
    client.credential("approve", &alice).ends(0);
    let wrong = alice.replace("canary-alice", "canary-wrong");
    at_once(|n| match n {
        7 => client.call(&["credential", "reject"]).input(&wrong),
        _ => client.call(&["ls-remote", "--quiet", &url]),
    });
    client.home.keyward(&["store", "verify", "git"]);
}

/// Runs as many as there are, all of which must succeed.
fn at_once(call: impl Fn(usize) -> Call) {
    let calls: Vec<_> = (0..MANY).map(call).collect();
    let ran: Vec<Ran> = scope(|scope| {
        let running: Vec<_> = calls.into_iter().map(|call| scope.spawn(|| call.run())).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for ran in ran {
        ran.ends(0).says_nothing();
    }
}
