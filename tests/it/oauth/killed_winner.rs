//! Twenty processes need a token, and the one that asks the server is killed. The others end.
//!
//! The test lets the first process go on in small steps, stops it where it should be killed, starts
//! the others, which wait for it, and kills it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{PipeReader, Write, pipe};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyward::{OpenStore, within};
use keyward_kinds::fields;
use keyward_oauth2::RefreshState;
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, Signal, kill_process};

use super::once::{expired, put};
use super::server::Rotating;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

const PROCESSES: usize = 20;

/// How far the refresh is. The order is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// It has the lock.
    Locked,
    /// The record is marked as in doubt.
    Marked,
    /// The server has the request.
    Asked,
    /// The server has answered.
    Answered,
    /// The new tokens are stored.
    Saved,
}

/// How many kills there are at each step: with `KEYWARD_TESTS_FULL=1` a hundred.
fn kills() -> usize {
    if std::env::var_os("KEYWARD_TESTS_FULL").is_some() { 100 } else { 10 }
}

/// The process that asks the server. It is stopped except in [`go_on`](Self::go_on).
struct Winner {
    process: Child,
    /// Its standard output, a pipe without space. So it waits when it has the token and wants to print
    /// it, and the step after the save lasts.
    _output: PipeReader,
    store: OpenStore,
    server: Rotating,
}

impl Winner {
    fn start(home: &Home, accepts_old: bool) -> Self {
        let server = Rotating::start_closed(accepts_old);
        put(home, &expired(&server));
        let (output, mut input) = pipe().unwrap();
        let space = fcntl_setpipe_size(&input, 1).unwrap();
        input.write_all(&vec![0; space]).unwrap();
        let process = start(home, input.into());
        let winner = Self { process, _output: output, store: home.store("s"), server };
        winner.stop();
        winner
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        stat.rsplit_once(") ")?.1.chars().next()
    }

    /// Stops it, unless it has ended.
    fn stop(&self) {
        kill_process(self.id(), Signal::STOP).unwrap();
        while !matches!(self.state(), Some('T' | 'Z')) {
            sleep(Duration::from_micros(20));
        }
    }

    /// Lets it run for a moment.
    fn go_on(&self) {
        kill_process(self.id(), Signal::CONT).unwrap();
        let started = Instant::now();
        while started.elapsed() < Duration::from_micros(50) {
            std::hint::spin_loop();
        }
        self.stop();
    }

    fn holds_the_lock(&self) -> bool {
        let lock = format!("FLOCK  ADVISORY  WRITE {} ", self.process.id());
        fs::read_to_string("/proc/locks").unwrap().contains(&lock)
    }

    /// How far it is. `None` before it has the lock, or while the store cannot be read.
    fn step(&self) -> Option<Step> {
        if self.state() != Some('Z') && self.server.requests() == 0 && !self.holds_the_lock() {
            return None;
        }
        // While it is connected and the server has no request, it may have sent one.
        if !self.server.is_idle() && self.server.requests() == 0 {
            return None;
        }
        let (token, in_doubt) = self.stored()?;
        Some(match (token.as_str(), in_doubt, self.server.requests(), self.server.answers()) {
            ("refresh-0", false, 0, 0) => Step::Locked,
            ("refresh-0", true, 0, 0) => Step::Marked,
            ("refresh-0", true, _, 0) => Step::Asked,
            ("refresh-0", true, ..) => Step::Answered,
            _ => Step::Saved,
        })
    }

    /// The refresh token that is stored, and whether it is in doubt.
    fn stored(&self) -> Option<(String, bool)> {
        let read = || -> keyward::Result<_> {
            let record = self.store.get(&self.store.entry(None, Some("api"))?)?;
            let token = record.field(fields::REFRESH_TOKEN).unwrap().value.expose_str().unwrap();
            Ok((token.to_owned(), RefreshState::read(&record) == RefreshState::InDoubt))
        };
        within(Duration::from_millis(200), read).ok()
    }

    /// Brings it to this step. Returns whether it is there; it may go past it.
    fn reaches(&self, step: Step) -> bool {
        let started = Instant::now();
        loop {
            match self.step() {
                found if found == Some(step) => return self.state() != Some('Z'),
                found if found > Some(step) => return false,
                Some(Step::Asked) if self.server.answers() == 0 => {
                    self.server.open();
                    while self.server.answers() == 0 {
                        assert!(started.elapsed() < Duration::from_secs(60), "no answer comes");
                        sleep(Duration::from_micros(100));
                    }
                }
                _ => self.go_on(),
            }
            assert!(started.elapsed() < Duration::from_secs(60), "it does not come to {step:?}");
        }
    }

    /// Kills it. Returns whether it had not ended before.
    fn kill(&mut self) -> bool {
        kill_process(self.id(), Signal::KILL).unwrap();
        self.server.open();
        self.process.wait().unwrap().signal() == Some(Signal::KILL.as_raw())
    }
}

fn start(home: &Home, output: Stdio) -> Child {
    let mut command = home.command(keyward());
    command.args(["oauth", "token", "s", "--name", "api"]);
    command.stdin(Stdio::null()).stdout(output).stderr(Stdio::piped()).spawn().unwrap()
}

/// Returns whether a process was killed at this step.
fn kill_once(home: &Home, step: Step, accepts_old: bool) -> bool {
    let mut winner = Winner::start(home, accepts_old);
    if !winner.reaches(step) {
        winner.kill();
        return false;
    }
    let others: Vec<_> = (1..PROCESSES).map(|_| start(home, Stdio::piped())).collect();
    sleep(Duration::from_millis(200));
    assert!(winner.kill());
    let server = winner.server;
    let end = |process: Child| {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let ends: BTreeSet<_> = others.into_iter().map(end).collect();
    server.settle();
    let good = |number| BTreeSet::from([(Some(0), format!("access-{number}\n"))]);
    let is_lost = matches!(step, Step::Asked | Step::Answered);
    let requests = server.requests();
    if !is_lost {
        assert_eq!((ends, requests), (good(1), 1), "{step:?}");
    } else if accepts_old {
        assert_eq!((ends, requests), (good(2), 2), "{step:?}");
    } else {
        // It is tried once more, by one process.
        assert_eq!(requests, 2, "{step:?}");
        for (code, text) in ends {
            assert_eq!(code, Some(9), "{step:?}: {text}");
            assert!(text.contains("Log in again"), "{step:?}: {text}");
        }
    }
    let record = home.keyward("get s --name api --json --reveal").run().ends(0).json().remove(0);
    let stored = &record["fields"][fields::REFRESH_TOKEN];
    let newest = server.newest().unwrap_or("refresh-0".into());
    assert!(stored.to_string().contains(&newest), "{step:?}: {stored}, but {newest}");
    true
}

fn the_others_end(storage: &str, step: Step) {
    let home = Home::in_memory();
    home.init("s", storage, "aes-gcm");
    let (mut hits, mut rounds) = (0, 0);
    while hits < kills() {
        rounds += 1;
        assert!(rounds < 20 * kills(), "only {hits} of {rounds} hit {step:?}");
        hits += usize::from(kill_once(&home, step, hits % 2 == 0));
    }
}

macro_rules! kills {
    ($($file:ident, $sqlite:ident: $step:ident;)*) => {$(
        #[test]
        fn $file() {
            the_others_end("file", Step::$step);
        }

        #[test]
        fn $sqlite() {
            the_others_end("sqlite", Step::$step);
        }
    )*};
}

kills! {
    killed_before_the_mark_with_files, killed_before_the_mark_with_sqlite: Locked;
    killed_before_the_request_with_files, killed_before_the_request_with_sqlite: Marked;
    killed_while_the_server_works_with_files, killed_while_the_server_works_with_sqlite: Asked;
    killed_before_the_save_with_files, killed_before_the_save_with_sqlite: Answered;
    killed_after_the_save_with_files, killed_after_the_save_with_sqlite: Saved;
}
