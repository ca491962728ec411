//! What copies of a server share: a code that was used at one cannot be used at another, whatever
//! storage keeps the memory.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use keyward_core::{Attempt, Host, Presented, PresentedKind, Secret, Stores};
use keyward_portal::{
    AuthSpec, Chain, Expression, IdentityRealm, Portal, Progress, SharedMemory, VISITOR,
};
use keyward_testkit::TestHost;
use keyward_verifier::otp;

use super::users::{One, TOKEN};
use crate::helpers::home::Home;

const PASSWORD: &str = "open sesame";

/// How many logins there are at the same time.
const PARALLEL: usize = 200;

/// A chain of the users of the store `s`.
fn users(home: &Home) -> Chain {
    let keyward = home.library();
    let spec = AuthSpec::parse("store:s").unwrap();
    let checker = spec.open(keyward.registry(), &keyward.host(), PresentedKind::ALL).unwrap();
    Chain::new().with(spec.name(), checker)
}

/// One copy of a server in which a login needs a password and a code.
fn copy(home: &Home, host: &Arc<dyn Host>) -> Portal<IdentityRealm> {
    let policy = Expression::parse("password and one-time-password").unwrap();
    let chain = users(home).with_policy(policy);
    let portal = Portal::new(IdentityRealm, chain, host.clone()).unwrap();
    let memory = SharedMemory::new(home.library().open("s").unwrap(), "portal");
    portal.with_memory(Arc::new(memory)).with_penalties(None)
}

fn attempt() -> Attempt {
    Attempt::from_address("192.0.2.1").private()
}

/// Uses one code in many threads at two copies, and counts the logins.
fn logins(copies: &[Portal<IdentityRealm>; 2], code: &Secret) -> usize {
    let start = Barrier::new(PARALLEL);
    let log_in = |number: usize| {
        let presented = Presented::password("ann", PASSWORD)
            .also(PresentedKind::ONE_TIME_PASSWORD)
            .with("code", code.clone());
        start.wait();
        let progress = copies[number % 2].login(&presented, &attempt(), &[VISITOR], ()).unwrap();
        matches!(progress, Progress::LoggedIn(_))
    };
    std::thread::scope(|scope| {
        let log_in = &log_in;
        let threads: Vec<_> =
            (0..PARALLEL).map(|number| scope.spawn(move || log_in(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|it| *it).count()
    })
}

#[test]
fn a_code_and_a_recovery_code_work_once_on_every_storage() {
    let host: Arc<dyn Host> = Arc::new(TestHost::new().on_system_time());
    for storage in ["file", "sqlite", "redb"] {
        let home = Home::in_memory();
        home.init("s", storage, "aes-gcm");
        let line =
            "auth add ann --store s --stdin --scheme bcrypt --cost 4 --totp --recovery-codes";
        let made = home.keyward(line).input(PASSWORD).run().ends(0).into_text();
        let mut lines = made.lines();
        let uri = Secret::from(lines.next().unwrap());
        let recovery = Secret::from(lines.next().unwrap());
        let copies = [copy(&home, &host), copy(&home, &host)];
        let code = otp::read(&uri).unwrap().code_at(host.now().as_unix() / 30);
        assert_eq!(logins(&copies, &code), 1, "{storage}");
        assert_eq!(logins(&copies, &recovery), 1, "{storage}");
        assert_eq!(logins(&copies, &recovery), 0, "{storage}");
    }
}

#[test]
fn five_hundred_slow_logins_keep_to_their_memory_and_cheap_ones_pass() {
    const LIMIT: usize = 64 << 20;
    let home = Home::in_memory();
    home.init("s", "file", "aes-gcm");
    let line = "auth add ann --store s --stdin --scheme argon2id --cost 8192";
    home.keyward(line).input(PASSWORD).run().ends(0);
    let host: Arc<dyn Host> = Arc::new(TestHost::new().on_system_time());
    let both = users(&home).with("token", Box::new(One::token()));
    let portal = Portal::new(IdentityRealm, both, host).unwrap();
    let portal = portal.with_penalties(None).with_hash_memory(LIMIT);
    let enter = |presented: &Presented| {
        let progress = portal.login(presented, &attempt(), &[VISITOR], ()).unwrap();
        assert!(matches!(progress, Progress::LoggedIn(_)));
    };
    let start = Instant::now();
    enter(&Presented::password("ann", PASSWORD));
    let slow = start.elapsed();
    let before = resident();
    let (mut most, mut times) = (0, Vec::new());
    let password = Presented::password("ann", PASSWORD);
    std::thread::scope(|scope| {
        let (enter, password) = (&enter, &password);
        let logins: Vec<_> = (0..500).map(|_| scope.spawn(move || enter(password))).collect();
        while !logins.iter().all(|login| login.is_finished()) {
            let start = Instant::now();
            enter(&Presented::new(PresentedKind::TOKEN).with("token", TOKEN));
            times.push(start.elapsed());
            most = most.max(resident());
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    // Without the limit, the hashes would take 4 GB. The stacks of the threads are not part of it.
    assert!(most < before + LIMIT + (64 << 20), "{most} bytes, before {before}");
    times.sort();
    let median = times[times.len() / 2];
    assert!(median < slow, "half of the cheap checks take {median:?}, a slow one alone {slow:?}");
}

/// How many bytes of memory this process has.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
