//! The bouncers of the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyward::Keyward;
use keyward_core::{Error, PresentedKind, Result};
use keyward_portal::mechanisms::digest::Algorithm;
use keyward_portal::{Chain, IdentityRealm, LocalMemory, Memory, Portal, PortalKey, UsageError};

use crate::config::BouncerConfig;

/// Decides about clients, for the services that name it.
#[derive(Debug)]
pub struct Bouncer {
    /// Its name.
    pub name: String,
    /// The realm that browsers show.
    pub realm: String,
    /// The checkers, and what a login needs of them.
    pub portal: Portal<IdentityRealm>,
}

/// The algorithms of HTTP Digest, the preferred one first.
const DIGEST: [&str; 2] = ["SHA-256", "MD5"];

/// The most users whose success is remembered.
const CACHED: usize = 10_000;

/// What bouncers remember while the configuration is read again: failures, logins that wait, and what
/// makes the nonces of Digest valid.
#[derive(Debug, Default)]
pub(crate) struct Remembered(BTreeMap<String, (PortalKey, Arc<dyn Memory>)>);

impl Bouncer {
    /// Opens the checkers.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the name of the bouncer.
    pub(crate) fn open(
        config: &BouncerConfig,
        keyward: &Keyward,
        remembered: &mut Remembered,
    ) -> Result<Self> {
        let chain = config.auth.chain(keyward.registry(), &keyward.host(), PresentedKind::ALL);
        let chain = chain.map_err(|error| in_bouncer(&config.name, &plain(error)))?;
        let portal = Self::portal(config, chain, keyward, remembered);
        let portal = portal.map_err(|error| in_bouncer(&config.name, &error))?;
        Ok(Self { name: config.name.clone(), realm: config.realm.clone(), portal })
    }

    fn portal(
        config: &BouncerConfig,
        chain: Chain,
        keyward: &Keyward,
        remembered: &mut Remembered,
    ) -> Result<Portal<IdentityRealm>> {
        let serves_digest = chain.serves(&PresentedKind::DIGEST);
        let mut portal = Portal::new(IdentityRealm, chain, keyward.host())?;
        let (key, memory) = match remembered.0.get(&config.name) {
            Some(found) => found.clone(),
            None => {
                let new: (_, Arc<dyn Memory>) =
                    (PortalKey::random()?, Arc::new(LocalMemory::default()));
                remembered.0.entry(config.name.clone()).or_insert(new).clone()
            }
        };
        portal = portal.with_key(key).with_memory(memory);
        if serves_digest {
            let algorithms: Vec<_> = DIGEST.into_iter().filter_map(Algorithm::from_name).collect();
            portal = portal.with_digest(&config.realm, &algorithms)?;
        }
        match config.cache {
            Some(life) => portal.with_cache(life, CACHED),
            None => Ok(portal),
        }
    }
}

fn plain(error: UsageError) -> Error {
    match error {
        UsageError::NotRecognized(error) | UsageError::Unexpected { error, .. } => error,
        other => Error::invalid("auth", other.to_string()),
    }
}

fn in_bouncer(name: &str, error: &Error) -> Error {
    let message = match error.message() {
        "" => error.to_string(),
        message => message.to_owned(),
    };
    let named = Error::new(error.kind(), "bouncer").because(format!("bouncer {name}: {message}"));
    match error.advice() {
        Some(hint) => named.hint(hint.to_owned()),
        None => named,
    }
}
