//! The Secret Service of a desktop session, over D-Bus.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_io::Timer;
use futures_lite::future;
use keyward_plugin::{Error, ErrorKind, Host, Persistence, Result, Secret};
use secret_service::{Collection, EncryptionType, Error as ServiceError, Item, SecretService};

use super::Ring;
use crate::item::{Address, SERVICE};

/// How long the service has to respond, if the caller has that much time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hint for a user who is not logged in to a desktop.
const ELSEWHERE: &str = "Over ssh and in cron there often is none; select one with the option `bus`, or use another backend";

const CONTENT_TYPE: &str = "application/octet-stream";

/// A connection to the Secret Service. The first operation makes it, and it is kept until it fails.
pub(super) struct SecretServiceRing {
    bus: Option<String>,
    host: Arc<dyn Host>,
    connection: Mutex<Option<Arc<SecretService<'static>>>>,
}

impl SecretServiceRing {
    pub(super) fn new(bus: Option<String>, host: &Arc<dyn Host>) -> Self {
        Self { bus, host: Arc::clone(host), connection: Mutex::new(None) }
    }

    /// Does `work` on the connection, within the available time.
    fn run<T>(
        &self,
        operation: &'static str,
        work: impl AsyncFnOnce(&SecretService<'static>) -> Result<T, Failure>,
    ) -> Result<T> {
        let wait = self.host.remaining().map_or(PATIENCE, |left| left.min(PATIENCE));
        let answered = async { work(&*self.connection().await?).await };
        let late = async {
            Timer::after(wait).await;
            Err(Failure::Late(wait))
        };
        async_io::block_on(future::or(answered, late)).map_err(|failure| {
            let error = failure.explain(operation);
            if error.is_transient()
                && let Ok(mut connection) = self.connection.lock()
            {
                *connection = None;
            }
            error
        })
    }

    async fn connection(&self) -> Result<Arc<SecretService<'static>>, Failure> {
        let kept = self.connection.lock().map_err(|error| Failure::Told(error.into()))?.clone();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let address = self.address().ok_or(Failure::NoBus)?;
        let bus = zbus::connection::Builder::address(address.as_str())?.build().await?;
        let made = SecretService::connect_with_existing(EncryptionType::Dh, bus).await?;
        let made = Arc::new(made);
        *self.connection.lock().map_err(|error| Failure::Told(error.into()))? =
            Some(Arc::clone(&made));
        Ok(made)
    }

    /// Returns the address of the session's bus, found as every D-Bus client finds it.
    fn address(&self) -> Option<String> {
        let text = |name| self.host.variable(name)?.expose_str().map(str::to_owned);
        self.bus
            .clone()
            .or_else(|| text("DBUS_SESSION_BUS_ADDRESS"))
            .or_else(|| Some(format!("unix:path={}/bus", text("XDG_RUNTIME_DIR")?)))
    }
}

impl Ring for SecretServiceRing {
    fn get(&self, address: &Address) -> Result<Secret> {
        self.run("get", async |service| {
            let item = existing(service, address).await?;
            Ok(Secret::new(item.get_secret().await?))
        })
    }

    fn set(&self, address: &Address, value: &[u8]) -> Result<()> {
        self.run("put", async |service| {
            if let Some(item) = find(service, address).await? {
                return Ok(item.set_secret(value, CONTENT_TYPE).await?);
            }
            let label = format!("{} {}", address.service, address.user);
            let mut attributes = attributes(address);
            attributes.extend(address.store.as_deref().map(|store| ("store", store)));
            let home = default_collection(service).await?;
            home.create_item(&label, attributes, value, true, CONTENT_TYPE).await?;
            Ok(())
        })
    }

    fn delete(&self, address: &Address) -> Result<()> {
        self.run("delete", async |service| Ok(existing(service, address).await?.delete().await?))
    }

    fn places(&self, store: &str) -> Result<Vec<String>> {
        self.run("list", async |service| {
            let wanted = HashMap::from([("service", SERVICE), ("store", store)]);
            let found = service.search_items(wanted).await?;
            if !found.locked.is_empty() {
                return Err(Failure::Locked);
            }
            if found.unlocked.is_empty() {
                default_collection(service).await?;
            }
            let mut places: Vec<_> =
                found.unlocked.iter().map(|item| item.item_path.to_string()).collect();
            places.sort_unstable();
            Ok(places)
        })
    }

    fn read(&self, place: &str) -> Result<Secret> {
        self.run("get", async |service| {
            Ok(Secret::new(find_item(service, place).await?.get_secret().await?))
        })
    }

    fn remove(&self, place: &str) -> Result<()> {
        self.run("delete", async |service| Ok(find_item(service, place).await?.delete().await?))
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    fn largest(&self) -> usize {
        1 << 20
    }
}

fn attributes(address: &Address) -> HashMap<&str, &str> {
    HashMap::from([("service", address.service.as_str()), ("username", address.user.as_str())])
}

async fn existing<'a>(
    service: &'a SecretService<'static>,
    address: &Address,
) -> Result<Item<'a>, Failure> {
    match find(service, address).await? {
        Some(item) => Ok(item),
        // Some services do not show locked items, so check that the keyring is open before saying
        // that the item is missing.
        None => default_collection(service).await.and(Err(Failure::Missing)),
    }
}

async fn find<'a>(
    service: &'a SecretService<'static>,
    address: &Address,
) -> Result<Option<Item<'a>>, Failure> {
    let mut found = service.search_items(attributes(address)).await?;
    match found.unlocked.len() {
        0 if !found.locked.is_empty() => Err(Failure::Locked),
        0 | 1 => Ok(found.unlocked.pop()),
        _ => Err(Failure::Ambiguous),
    }
}

async fn find_item<'a>(
    service: &'a SecretService<'static>,
    place: &str,
) -> Result<Item<'a>, Failure> {
    let path = place.to_owned().try_into().map_err(|_| Failure::Missing)?;
    Ok(service.get_item_by_path(path).await?)
}

/// Returns the collection for new items: it is unlocked and outlives the session.
async fn default_collection<'a>(
    service: &'a SecretService<'static>,
) -> Result<Collection<'a>, Failure> {
    let home = match service.get_default_collection().await {
        Err(ServiceError::NoResult) => return Err(Failure::Homeless),
        found => found?,
    };
    if home.collection_path.ends_with("/session") {
        return Err(Failure::Homeless);
    }
    home.ensure_unlocked().await?;
    Ok(home)
}

/// Why an operation did not succeed.
enum Failure {
    Missing,
    Locked,
    Homeless,
    Ambiguous,
    NoBus,
    Late(Duration),
    Told(Error),
    Service(ServiceError),
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match &error {
            ServiceError::Locked | ServiceError::Prompt => Self::Locked,
            ServiceError::Zbus(zbus::Error::MethodError(name, ..)) => match name.as_str() {
                "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
                // Another program removed it between two calls.
                "org.freedesktop.Secret.Error.NoSuchObject"
                | "org.freedesktop.DBus.Error.UnknownObject" => Self::Missing,
                _ => Self::Service(error),
            },
            _ => Self::Service(error),
        }
    }
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        ServiceError::from(error).into()
    }
}

impl Failure {
    fn explain(self, operation: &'static str) -> Error {
        let error = |kind| Error::new(kind, operation);
        match self {
            Self::Missing => Error::not_found(operation),
            Self::Locked => error(ErrorKind::Locked)
                .because("the keyring is locked")
                .hint("Unlock it, for example by logging in to the desktop"),
            Self::Homeless => error(ErrorKind::Locked)
                .because("the Secret Service has no default keyring that outlives the session")
                .hint("Create one in the desktop's password manager, or log in to the desktop"),
            Self::Ambiguous => error(ErrorKind::Corrupt)
                .because("the Secret Service holds several items with the same attributes")
                .hint("Remove all but one in the desktop's password manager"),
            Self::NoBus => error(ErrorKind::Unavailable)
                .because("there is no session bus, and so no Secret Service")
                .hint(ELSEWHERE),
            Self::Late(wait) => error(ErrorKind::Unavailable)
                .because(format!("the Secret Service did not answer within {wait:?}")),
            Self::Told(error) => error,
            Self::Service(cause) => error(ErrorKind::Unavailable)
                .because("no Secret Service can be reached on the session bus")
                .hint(ELSEWHERE)
                .caused_by(cause),
        }
    }
}

impl fmt::Debug for SecretServiceRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretServiceRing").finish_non_exhaustive()
    }
}
