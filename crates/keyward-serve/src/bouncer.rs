//! The bouncers of the configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keyward::Keyward;
use keyward_bouncer::{Bouncer as Keycards, LocalKeycards, Settings};
use keyward_core::{Change, EntryId, Error, Field, PresentedKind, Record, Result, Secret, Source};
use keyward_portal::mechanisms::digest::Algorithm;
use keyward_portal::{
    AuthArgs, Chain, Expression, IdentityRealm, LocalMemory, Memory, Portal, PortalKey,
    SharedMemory, UsageError,
};

use crate::config::section::Section;

/// A bouncer, as it is configured.
#[derive(Clone, Debug, Default)]
pub struct BouncerConfig {
    /// Its name.
    pub name: String,
    /// The checkers and the policy.
    pub auth: AuthArgs,
    /// The realm that browsers show, and that Digest hashes contain.
    pub realm: String,
    /// The algorithms that are offered for HTTP Digest, the preferred one first.
    pub digest: Vec<Algorithm>,
    /// How long a right password is not hashed again.
    pub cache: Option<Duration>,
    /// How long keycards live.
    pub settings: Settings,
}

const KEYS: &[&str] = &[
    "name",
    "auth",
    "policy",
    "policy_syntax",
    "legacy",
    "skip_unavailable",
    "realm",
    "digest",
    "cache",
    "ttl",
    "duration",
];

impl BouncerConfig {
    /// Reads all bouncers of a file.
    pub(crate) fn read_all(top: &Section<'_>) -> Result<Vec<Self>> {
        let mut bouncers: Vec<Self> = Vec::new();
        for section in top.sections("bouncer", "a bouncer", KEYS)? {
            let name = section.required("name")?;
            if bouncers.iter().any(|before| before.name == name) {
                return Err(section.wrong("name", "another bouncer has this name"));
            }
            bouncers.push(Self::read(&section, name)?);
        }
        Ok(bouncers)
    }

    fn read(section: &Section<'_>, name: String) -> Result<Self> {
        let mut auth = AuthArgs::default();
        auth.auth = section.texts("auth")?;
        auth.policy = policy(section)?;
        auth.legacy = section.flag("legacy")?;
        auth.skip_unavailable = section.flag("skip_unavailable")?;
        if auth.auth.is_empty() {
            return Err(section.wrong("auth", "`auth` names no checker"));
        }
        let mut settings = Settings::default();
        if let Some(ttl) = section.duration("ttl")? {
            settings = settings.with_ttl(ttl);
        }
        if let Some(duration) = section.duration("duration")? {
            settings = settings.with_duration(duration);
        }
        Ok(Self {
            realm: section.text("realm")?.unwrap_or_else(|| name.clone()),
            digest: digest(section)?,
            cache: section.duration("cache")?,
            name,
            auth,
            settings,
        })
    }
}

/// Reads the policy, also one that is written for Flumotion.
fn policy(section: &Section<'_>) -> Result<Option<String>> {
    let policy = section.text("policy")?;
    match section.text("policy_syntax")?.as_deref() {
        None => Ok(policy),
        Some("flumotion") => {
            let read = policy.as_deref().map(Expression::parse_flumotion).transpose();
            let read = read.map_err(|error| section.wrong("policy", error.message()))?;
            Ok(read.map(|policy| policy.to_string()))
        }
        Some(_) => Err(section.wrong("policy_syntax", "the only other syntax is `flumotion`")),
    }
}

/// The algorithms of HTTP Digest, unless others are configured.
const DIGEST: [&str; 2] = ["SHA-256", "MD5"];

/// Reads the algorithms of HTTP Digest. A client takes the best one that it knows, so those that the
/// checkers cannot check must not be offered: a file of htdigest serves only MD5.
fn digest(section: &Section<'_>) -> Result<Vec<Algorithm>> {
    let parse = |text: &str| {
        let error = || Error::invalid("digest", "there is no such algorithm");
        let hint = "The algorithms are SHA-512-256, SHA-256 and MD5";
        Algorithm::from_name(text).ok_or_else(|| error().hint(hint))
    };
    match section.has("digest") {
        true => section.all_parsed("digest", parse),
        false => Ok(DIGEST.into_iter().filter_map(Algorithm::from_name).collect()),
    }
}

/// Decides about clients, for the services that name it.
#[derive(Debug)]
pub struct Bouncer {
    /// The realm that browsers show.
    pub realm: String,
    /// Issues keycards.
    pub keycards: Keycards,
}

/// The most users whose success is remembered.
const CACHED: usize = 10_000;

/// What bouncers remember while the configuration is read again: keycards, failures, logins that wait,
/// and what makes the nonces of Digest valid.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    keycards: Arc<LocalKeycards>,
    portals: BTreeMap<String, (PortalKey, Arc<dyn Memory>)>,
}

impl Bouncer {
    /// Its name.
    pub fn name(&self) -> &str {
        self.keycards.name()
    }

    /// The portal, for logins that need no keycard.
    pub fn portal(&self) -> &Portal<IdentityRealm> {
        self.keycards.portal()
    }

    /// Opens the checkers. `store` is where keycards are kept, if not in memory.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the name of the bouncer.
    pub(crate) fn open(
        config: &BouncerConfig,
        keyward: &Keyward,
        store: Option<&Arc<dyn Source>>,
        remembered: &mut Remembered,
    ) -> Result<Self> {
        let chain = config.auth.chain(keyward.registry(), &keyward.host(), PresentedKind::ALL);
        let chain = chain.map_err(|error| in_bouncer(&config.name, &plain(error)))?;
        let opened = Self::open_portal(config, chain, keyward, store, remembered);
        opened.map_err(|error| in_bouncer(&config.name, &error))
    }

    fn open_portal(
        config: &BouncerConfig,
        chain: Chain,
        keyward: &Keyward,
        store: Option<&Arc<dyn Source>>,
        remembered: &mut Remembered,
    ) -> Result<Self> {
        let (key, memory) = match store {
            Some(store) => shared(store, &config.name)?,
            None => remembered.of_bouncer(&config.name)?,
        };
        let serves_digest = chain.serves(&PresentedKind::DIGEST);
        let mut portal = Portal::new(IdentityRealm, chain, keyward.host())?;
        portal = portal.with_key(key).with_memory(memory);
        if serves_digest {
            portal = portal.with_digest(&config.realm, &config.digest)?;
        }
        if let Some(life) = config.cache {
            portal = portal.with_cache(life, CACHED)?;
        }
        let keycards = remembered.source(store);
        let keycards = Keycards::new(&config.name, portal, keycards, keyward.host())?;
        let keycards = keycards.with_settings(config.settings);
        Ok(Self { realm: config.realm.clone(), keycards })
    }
}

impl Remembered {
    /// Where keycards are kept.
    pub(crate) fn source(&self, store: Option<&Arc<dyn Source>>) -> Arc<dyn Source> {
        match store {
            Some(store) => Arc::clone(store),
            None => self.keycards.clone(),
        }
    }

    fn of_bouncer(&mut self, name: &str) -> Result<(PortalKey, Arc<dyn Memory>)> {
        if let Some(found) = self.portals.get(name) {
            return Ok(found.clone());
        }
        let new: (_, Arc<dyn Memory>) = (PortalKey::random()?, Arc::new(LocalMemory::default()));
        Ok(self.portals.entry(name.to_owned()).or_insert(new).clone())
    }
}

/// The kind and the field of the entry with the key of a portal.
const KEY_KIND: &str = "keyward.portal-key";
const KEY: &str = "key";

/// Returns what all copies of the server know of a portal.
fn shared(store: &Arc<dyn Source>, name: &str) -> Result<(PortalKey, Arc<dyn Memory>)> {
    let user = format!("{name} portal");
    let id = EntryId::new(&user, None)?;
    let mut key = Secret::default();
    store
        .update(&id, &mut |record| match record {
            Some(record) => {
                let field = record.field(KEY).filter(|_| record.kind == KEY_KIND);
                let damaged = || Error::corrupt("bouncer").because("the portal's key is damaged");
                key = field.ok_or_else(damaged)?.value.clone();
                Ok(Change::Leave)
            }
            None => {
                key = Secret::from(&keyward_fs::random::<32>()?[..]);
                let record = Record::new(KEY_KIND).with(KEY, Field::secret(key.clone()));
                Ok(Change::Put(Box::new(record)))
            }
        })
        .map_err(Error::not_a_miss)?;
    Ok((PortalKey::new(key)?, Arc::new(SharedMemory::new(Arc::clone(store), user))))
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
