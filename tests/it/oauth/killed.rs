//! A process that is killed while it refreshes a token costs no token, except where no client could
//! save it: after the server has replaced the refresh token, and before the new one is stored.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use keyward_kinds::fields;
use keyward_oauth2::RefreshState;

use super::once::{expired, put};
use super::server::Rotating;
use crate::helpers::home::Home;
use crate::helpers::prng::Prng;
use crate::helpers::program::keyward;
use crate::helpers::waiting::wait_until;

const KILLS: u64 = 50;

/// When a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// At any time after its start.
    Any,
    /// While the server has its request.
    Asked,
    /// Right after the server has answered.
    Answered,
}

fn start(home: &Home) -> std::process::Child {
    let mut command = home.command(keyward());
    command.args(["oauth", "token", "s", "--name", "api"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills a process at this moment, and checks what the next one finds. Returns whether the newest
/// token was saved.
fn kill_once(home: &Home, moment: Moment, prng: &mut Prng) -> bool {
    let delay = if moment == Moment::Answered { 0 } else { 20 };
    let server = Rotating::start(Duration::from_millis(delay));
    put(home, &expired(&server));
    let mut killed = start(home);
    if moment != Moment::Any {
        wait_until("a request", || server.requests() > 0);
    }
    let wait = match moment {
        Moment::Any => prng.below(40_000),
        Moment::Asked => prng.below(20_000),
        Moment::Answered => prng.below(5_000),
    };
    sleep(Duration::from_micros(wait));
    killed.kill().unwrap();
    killed.wait().unwrap();
    server.settle();
    let store = home.store("s");
    let record = store.get(&store.entry(None, Some("api")).unwrap()).unwrap();
    let stored =
        record.field(fields::REFRESH_TOKEN).unwrap().value.expose_str().unwrap().to_owned();
    let is_newest = Some(&stored) == server.newest().as_ref();
    if !is_newest {
        assert_eq!(RefreshState::read(&record), RefreshState::InDoubt, "{moment:?}");
    }
    let next = home.keyward("oauth token s --name api").run();
    match is_newest {
        true => drop(next.ends(0).prints(format!("access-{}\n", server.requests()))),
        false => drop(next.ends(9).says("Log in again")),
    }
    is_newest
}

fn a_killed_process_loses_what_it_must(storage: &str) {
    let mut prng = Prng(17);
    let home = Home::in_memory();
    home.init("s", storage, "aes-gcm");
    for moment in [Moment::Any, Moment::Asked, Moment::Answered] {
        let saved = (0..KILLS).filter(|_| kill_once(&home, moment, &mut prng)).count() as u64;
        // The moments are what they are called.
        match moment {
            Moment::Any | Moment::Answered => assert!(saved > 0, "{moment:?}: {saved}"),
            Moment::Asked => assert!(saved < KILLS, "{moment:?}: {saved}"),
        }
    }
}

#[test]
fn a_killed_process_loses_what_it_must_with_files() {
    a_killed_process_loses_what_it_must("file");
}

#[test]
fn a_killed_process_loses_what_it_must_with_sqlite() {
    a_killed_process_loses_what_it_must("sqlite");
}
