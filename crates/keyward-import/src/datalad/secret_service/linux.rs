use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use async_io::Timer;
use futures_lite::future;
use keyward_config::Environment;
use keyward_core::{Error, ErrorKind, Result, Secret};
use secret_service::{EncryptionType, Error as ServiceError, SecretService as Service};

use crate::datalad::{Item, Place, SERVICE};

/// How long the service has to respond to one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// The attribute that Python's keyring gives to its items.
const APPLICATION: (&str, &str) = ("application", "Python keyring library");

/// The most items that are read.
const MAX_ITEMS: usize = 10_000;

/// A connection to the Secret Service.
pub(crate) struct SecretService(Service<'static>);

impl SecretService {
    /// Connects to the Secret Service; `None` if there is no session bus, or no such service on it.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable): the bus or the service does not work.
    pub(crate) fn connect(environment: &Environment) -> Result<Option<Self>> {
        let Some(address) = address(environment) else { return Ok(None) };
        let connect = async {
            let bus = zbus::connection::Builder::address(address.as_str())?.build().await?;
            Service::connect_with_existing(EncryptionType::Dh, bus).await
        };
        match wait(connect)? {
            Ok(service) => Ok(Some(Self(service))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }

    /// Returns DataLad's items.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked): an item is in a locked keyring.
    pub(crate) fn items(&self) -> Result<Vec<Item>> {
        wait(async {
            let found = self.0.search_items(HashMap::from([APPLICATION])).await?;
            let mut items = Vec::new();
            for item in found.locked.iter().chain(&found.unlocked).take(MAX_ITEMS) {
                let mut attributes = item.get_attributes().await?;
                let service = attributes.remove("service").unwrap_or_default();
                let (Some(name), Some(field)) =
                    (service.strip_prefix(SERVICE), attributes.remove("username"))
                else {
                    continue;
                };
                if item.is_locked().await? {
                    return Err(ServiceError::Locked);
                }
                let value = Ok(Secret::new(item.get_secret().await?));
                let place = Place::Service(item.item_path.to_string());
                items.push(Item { name: name.to_owned(), field, value, place });
            }
            Ok(items)
        })?
        .map_err(explain)
    }

    /// Removes the item at this path.
    pub(crate) fn remove(&self, path: &str) -> Result<()> {
        let path = path.to_owned().try_into().map_err(|_| Error::not_found("import"))?;
        wait(async { self.0.get_item_by_path(path).await?.delete().await })?.map_err(explain)
    }
}

/// Returns the address of the session's bus, as every D-Bus client finds it.
fn address(environment: &Environment) -> Option<String> {
    let text = |name| environment.get(name)?.into_string().ok().filter(|text| !text.is_empty());
    text("DBUS_SESSION_BUS_ADDRESS").or_else(|| {
        let socket = environment.path("XDG_RUNTIME_DIR")?.join("bus");
        let path = socket.exists().then(|| socket.into_os_string().into_string().ok())??;
        Some(format!("unix:path={path}"))
    })
}

fn wait<T>(work: impl Future<Output = T>) -> Result<T> {
    let late = async {
        Timer::after(PATIENCE).await;
        Err(Error::new(ErrorKind::Unavailable, "import")
            .because(format!("the Secret Service did not answer within {PATIENCE:?}")))
    };
    async_io::block_on(future::or(async { Ok(work.await) }, late))
}

fn is_missing(error: &ServiceError) -> bool {
    const UNKNOWN: &str = "org.freedesktop.DBus.Error.ServiceUnknown";
    match error {
        ServiceError::Unavailable => true,
        ServiceError::Zbus(zbus::Error::MethodError(name, ..)) => name.as_str() == UNKNOWN,
        ServiceError::ZbusFdo(zbus::fdo::Error::ServiceUnknown(_)) => true,
        _ => false,
    }
}

fn explain(error: ServiceError) -> Error {
    match error {
        ServiceError::Locked | ServiceError::Prompt => Error::new(ErrorKind::Locked, "import")
            .because("the keyring is locked")
            .hint("Unlock it, for example by logging in to the desktop"),
        _ => Error::new(ErrorKind::Unavailable, "import")
            .because("the Secret Service does not work")
            .caused_by(error),
    }
}

impl fmt::Debug for SecretService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretService").finish_non_exhaustive()
    }
}
