//! The storage on a real server.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod faults;
mod proxy;
mod server;

use std::sync::OnceLock;

use keyward_plugin::{SecretRef, Value, Values};
use keyward_storage_redis::Redis;
use keyward_testkit::{Scratch, TestHost};

use server::{PASSWORD, Server, USER};

/// The server of the suite's cases in this process.
fn shared() -> &'static Server {
    static SERVER: OnceLock<(Server, Scratch)> = OnceLock::new();
    let (server, _) = SERVER.get_or_init(|| {
        let folder = Scratch::new();
        (Server::start(folder.folder(), ""), folder)
    });
    server
}

/// The options for a storage on a server, whose keys start with this.
fn values(url: &str, prefix: &str) -> Values {
    let password = SecretRef { from: "made-up".into(), options: Values::new() };
    Values::new()
        .with("url", Value::Text(url.to_owned()))
        .with("prefix", Value::Text(format!("keyward:{prefix}:")))
        .with("user", Value::Text(USER.to_owned()))
        .with("password", Value::Secret(password))
}

fn host() -> TestHost {
    TestHost::new().on_system_time().secret("made-up", PASSWORD)
}

keyward_testkit::storage_suite!(
    Redis,
    |scratch| values(&shared().url(), &scratch.path("")),
    host = |_| host(),
);

keyward_testkit::processes_suite!(
    Redis,
    |scratch| values(&url(scratch), &scratch.path("")),
    host = |_| host(),
);

/// The URL of a server that all processes with this folder share. The first one starts it.
fn url(scratch: &Scratch) -> String {
    let file = scratch.path("url");
    std::fs::read_to_string(&file).unwrap_or_else(|_| {
        let url = shared().url();
        scratch.file("url", url.as_bytes());
        url
    })
}
