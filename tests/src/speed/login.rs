//! A login at a portal, beside the hash alone.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use keyward_core::{Attempt, Presented, PresentedKind, Secret};
use keyward_portal::{AuthSpec, Chain, IdentityRealm, Portal, Progress, VISITOR};
use keyward_verifier::hash::{self, Hash, Scheme};

use super::home::BenchHome;
use super::race::{Contestant, Table, race};
use super::{Plan, Result, peers};

/// How many logins are timed together: those that are fast are over before a clock has ticked.
const LOGINS: u32 = 20;

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let home = BenchHome::new(&plan.program)?;
    let mut tables = Vec::new();
    for (scheme, cost, name) in
        [(Scheme::Bcrypt, Some(5), "bcrypt, cost 5"), (Scheme::SaltedSha1, None, "`{SSHA}`")]
    {
        tables.push(beside_the_hash(plan, &home, scheme, cost, name)?);
    }
    Ok(tables)
}

/// A login of one of many users in a file, beside the hash of the password.
fn beside_the_hash(
    plan: &Plan,
    home: &BenchHome,
    scheme: Scheme,
    cost: Option<u32>,
    name: &str,
) -> Result<Table> {
    let password = Secret::from(peers::PASSWORD);
    let stored = hash::make(scheme, &password, cost)?;
    let mut text = String::new();
    for number in 0..plan.few() {
        writeln!(text, "user{number}:{}", stored.expose_str().unwrap_or_default())?;
    }
    let file = home.below(&format!("users-{}", scheme.name()));
    #[expect(clippy::disallowed_methods, reason = "a file for measuring need not be durable")]
    fs::write(&file, text)?;
    let keyward = home.keyward()?;
    let portal = || -> Result<Portal<IdentityRealm>> {
        let spec = AuthSpec::parse(&format!("htpasswd:{}", file.display()))?;
        let checker = spec.open(keyward.registry(), &keyward.host(), PresentedKind::ALL)?;
        Ok(Portal::new(IdentityRealm, Chain::new().with("htpasswd", checker), keyward.host())?)
    };
    let plain = portal()?;
    let cached = portal()?.with_cache(Duration::from_secs(3600), 1000)?;
    let parsed = Hash::parse(&stored)?;
    let presented = Presented::password("user1", password.clone());
    let attempt = Attempt::from_address("192.0.2.1").private();
    let log_in = |portal: &Portal<IdentityRealm>| match portal.login(
        &presented,
        &attempt,
        &[VISITOR],
        (),
    )? {
        Progress::LoggedIn(_) => Ok(()),
        _ => Err("the login was refused".into()),
    };
    race(
        format!("A login at a portal with {} users, {name}", plan.few()),
        plan.rounds,
        vec![
            Contestant::calls("the hash alone", LOGINS, || match parsed.verify(&password) {
                true => Ok(()),
                false => Err("the password is wrong".into()),
            }),
            Contestant::calls("**`Portal::login`**", LOGINS, || log_in(&plain)),
            Contestant::calls("the same again, with the cache of successes", LOGINS, || {
                log_in(&cached)
            }),
        ],
    )
}
