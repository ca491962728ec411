//! The server: its state, and what its services share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use keyward::Keyward;
use keyward_bouncer::cookie::{Cookies, Times};
use keyward_config::Environment;
use keyward_core::{EntryId, Error, Result, Source};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::audit::Audit;
use crate::bouncer::{Bouncer, Remembered};
use crate::config::{Config, Limits};
use crate::log::Log;
use crate::mail::dovecot::Accepted;
use crate::metrics::Metrics;
use crate::pool::Pool;

/// The server. All services share it.
#[derive(Debug)]
pub struct Server {
    /// The log.
    pub log: Log,
    /// What was counted since the start.
    pub metrics: Metrics,
    /// Runs work that blocks.
    pub pool: Pool,
    /// The users of mail servers that masters ask for.
    pub accepted: Accepted,
    limits: Limits,
    environment: Environment,
    state: RwLock<Arc<State>>,
    remembered: Mutex<Remembered>,
    connections: Arc<Semaphore>,
}

/// What the configuration says, opened. A request uses one state from its beginning to its end.
#[derive(Debug)]
pub struct State {
    /// The configuration.
    pub config: Config,
    /// The bouncers, by name.
    pub bouncers: BTreeMap<String, Bouncer>,
    /// The audit log.
    pub audit: Audit,
    /// Makes and checks the cookies of browsers.
    pub cookies: Cookies,
}

impl State {
    fn open(
        config: Config,
        environment: &Environment,
        log: Log,
        remembered: &mut Remembered,
    ) -> Result<Self> {
        let keyward = Keyward::with(environment.clone(), log)?;
        let store = config.keycards.as_ref().map(|name| keyward.host().source(name)).transpose()?;
        let cookies = cookies(remembered.source(store.as_ref()), &config)?;
        let mut bouncers = BTreeMap::new();
        for bouncer in &config.bouncers {
            let opened = Bouncer::open(bouncer, &keyward, store.as_ref(), remembered)?;
            bouncers.insert(bouncer.name.clone(), opened);
        }
        if let Some(forward) = &config.forward {
            forward.check(|name| find(&bouncers, name))?;
        }
        let audit = Audit::open(config.audit.as_deref())?;
        Ok(Self { config, bouncers, audit, cookies })
    }

    /// Returns a bouncer that a section of the configuration names.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none.
    pub fn bouncer(&self, name: &str) -> Result<&Bouncer> {
        find(&self.bouncers, name)
    }
}

/// Opens the keys of cookies. A cookie is good as long as a keycard can live.
fn cookies(source: Arc<dyn Source>, config: &Config) -> Result<Cookies> {
    let durations = config.bouncers.iter().map(|bouncer| bouncer.settings.duration);
    let life = durations.max().unwrap_or_default();
    let entry = EntryId::new("cookies of browsers", None)?;
    Cookies::open(source, entry, Times { fresh: life, life })
}

fn find<'a>(bouncers: &'a BTreeMap<String, Bouncer>, name: &str) -> Result<&'a Bouncer> {
    let found = bouncers.get(name);
    found.ok_or_else(|| Error::invalid("bouncer", "there is no bouncer of this name"))
}

impl Server {
    /// Opens everything that the configuration names, except its listeners.
    pub(crate) fn open(config: Config, environment: Environment) -> Result<Arc<Self>> {
        let log = Log::new(config.log);
        let limits = config.limits.clone();
        let mut remembered = Remembered::default();
        let state = State::open(config, &environment, log, &mut remembered)?;
        Ok(Arc::new(Self {
            log,
            metrics: Metrics::default(),
            pool: Pool::new(limits.threads, limits.decision),
            accepted: Accepted::default(),
            connections: Arc::new(Semaphore::new(limits.connections)),
            limits,
            environment,
            state: RwLock::new(Arc::new(state)),
            remembered: Mutex::new(remembered),
        }))
    }

    /// The state that holds now.
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The limits. They stay the same while the server runs.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The number of open connections.
    pub(crate) fn open_connections(&self) -> usize {
        self.limits.connections.saturating_sub(self.connections.available_permits())
    }

    pub(crate) async fn place_for_connection(&self) -> OwnedSemaphorePermit {
        let place = Arc::clone(&self.connections).acquire_owned().await;
        place.expect("no code closes the semaphore")
    }

    /// Opens everything that another configuration names.
    pub(crate) async fn prepare(self: &Arc<Self>, config: Config) -> Result<State> {
        let server = Arc::clone(self);
        let state = tokio::task::spawn_blocking(move || {
            let mut remembered = server.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            State::open(config, &server.environment, server.log, &mut remembered)
        });
        let state = state.await.unwrap_or_else(|_| {
            Err(Error::invalid("config", "a checker failed while it was opened"))
        })?;
        if state.config.limits != self.limits || state.config.log != self.state().config.log {
            self.log.warning("other limits, or another format of the log, need a restart", &[]);
        }
        Ok(state)
    }

    /// Uses another state for all requests that come now.
    pub(crate) fn replace_state(&self, state: State) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(state);
    }

    /// Waits until all connections are closed, for as long as the limit says.
    pub(crate) async fn wait_for_connections(&self) {
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        let closed = self.connections.acquire_many(all);
        if tokio::time::timeout(self.limits.stop, closed).await.is_err() {
            let open = self.open_connections();
            self.log.warning("connections were cut off", &[("connections", &open)]);
        }
    }
}
