//! However many processes need a token, one of them asks the server.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use keyward_core::{Expect, Field, Record, Timestamp};
use keyward_kinds::{fields, names};

use super::server::Rotating;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;
use crate::helpers::secret_service::Session;

/// A record whose access token has expired.
pub(super) fn expired(server: &Rotating) -> Record {
    let past = Some(Timestamp::from_unix(1));
    Record::new(names::OAUTH2)
        .with(fields::TOKEN_URL, Field::open(server.url.as_str()))
        .with(fields::CLIENT_ID, Field::open("cli"))
        .with(fields::REFRESH_TOKEN, Field::secret("refresh-0"))
        .with(fields::ACCESS_TOKEN, Field::secret("access-0").with_expires(past))
}

/// A home with such a record in a store of this storage.
pub(super) fn home(server: &Rotating, storage: &str) -> Home {
    let home = Home::in_memory();
    home.init("s", storage, "aes-gcm");
    put(&home, &expired(server));
    home
}

/// Stores a record as the entry `api`.
pub(super) fn put(home: &Home, record: &Record) {
    let store = home.store("s");
    let id = store.entry(None, Some("api")).unwrap();
    store.put(&id, record, Expect::Any).unwrap();
}

/// Runs `oauth token` in this many processes at once. Returns what they print.
fn all_print(home: &Home, processes: usize) -> BTreeSet<String> {
    let start = |_| {
        let mut command = home.command(keyward());
        command.args(["oauth", "token", "s", "--name", "api"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let started: Vec<_> = (0..processes).map(start).collect();
    let ended = started.into_iter().map(|child| child.wait_with_output().unwrap());
    ended
        .map(|output| {
            let err = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && err.is_empty(), "{err}");
            String::from_utf8(output.stdout).unwrap()
        })
        .collect()
}

/// Runs that many processes, which make one request, and get its token.
fn make_one_request(home: &Home, server: &Rotating, processes: usize) {
    assert_eq!(all_print(home, processes), BTreeSet::from(["access-1\n".to_owned()]));
    assert_eq!(server.requests(), 1);
}

macro_rules! a_thousand_processes {
    ($($name:ident, $slow:ident: $storage:literal;)*) => {$(
        #[test]
        fn $name() {
            let server = Rotating::start(Duration::from_millis(300));
            make_one_request(&home(&server, $storage), &server, 1000);
        }

        #[test]
        fn $slow() {
            let server = Rotating::start(Duration::from_secs(10));
            make_one_request(&home(&server, $storage), &server, 1000);
        }
    )*};
}

a_thousand_processes! {
    a_thousand_processes_make_one_request_with_files,
    a_thousand_processes_ask_a_slow_server_once_with_files: "file";
    a_thousand_processes_make_one_request_with_sqlite,
    a_thousand_processes_ask_a_slow_server_once_with_sqlite: "sqlite";
    a_thousand_processes_make_one_request_with_redb,
    a_thousand_processes_ask_a_slow_server_once_with_redb: "redb";
}

#[test]
fn a_hundred_processes_make_one_request_with_the_keyring() {
    let session = Session::unlocked();
    let server = Rotating::start(Duration::from_millis(300));
    let home = Home::in_memory().with("DBUS_SESSION_BUS_ADDRESS", &session.bus);
    home.init("s", "keyring", "aes-gcm");
    put(&home, &expired(&server));
    make_one_request(&home, &server, 100);
}

#[test]
fn whatever_hands_out_a_token_refreshes_it_first() {
    let server = Rotating::start(Duration::ZERO);
    let home = home(&server, "file");
    let lines = [
        "get s --name api -p",
        "get s --name api --field access_token",
        "read keyward://s/api",
        "resolve api",
        "run --no-mask --env T=keyward://s/api -- printenv T",
        "oauth token s --name api",
    ];
    for (at, line) in lines.iter().enumerate() {
        let token = format!("refresh-{at}");
        put(&home, &expired(&server).with(fields::REFRESH_TOKEN, Field::secret(token.as_str())));
        home.keyward(line).run().ends(0).prints(format!("access-{}\n", at + 1));
        assert_eq!(server.requests(), at + 1, "{line}");
    }
    // Who does not need the token does not refresh it.
    put(&home, &expired(&server));
    for line in [
        "get s --name api --field client_id",
        "get s --name api --json",
        "get s --name api",
        "read keyward://s/api/client_id",
        "resolve api --field client_id",
    ] {
        home.keyward(line).run().ends(0);
        assert_eq!(server.requests(), lines.len(), "{line}");
    }
    // Its refresh token was used before.
    home.keyward("explain api").run().ends(9).says("Log in again");
}
