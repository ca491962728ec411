use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::{
    Encryption, Error, Host, Key, OptionSpec, Options, Result, Serializer, Storage, Values,
};

/// A backend's birth certificate: what it is called, what it can be told, how it is opened.
///
/// A type implements this once, and beside it the traits of the roles it plays.
pub trait Backend: Sized + 'static {
    /// Its name and what it is for.
    const INFO: Info;
    /// What it can be told.
    type Options: Options;

    /// Opens it. Nothing is made or asked for until it is used.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if the options make no sense together.
    fn open(options: Self::Options, host: &Arc<dyn Host>) -> Result<Self>;
}

/// What a backend is called and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The one spelling of its name: in configuration, on disk, in the registry.
    pub name: &'static str,
    /// What it is for, in one line.
    pub help: &'static str,
}

impl Info {
    /// A name in lower-case ASCII, and one line of help.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help }
    }
}

/// What a backend does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Records to bytes.
    Serializer,
    /// Bytes to blobs.
    Encryption,
    /// Keeps secrets that stores need.
    Key,
    /// Keeps blobs.
    Storage,
}

impl Role {
    /// All roles, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Serializer, Self::Encryption, Self::Key, Self::Storage];

    /// The role's name in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serializer => "serializer",
            Self::Encryption => "encryption",
            Self::Key => "key",
            Self::Storage => "storage",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

type Open<T> = fn(&Values, &Arc<dyn Host>) -> Result<Box<T>>;

/// How a backend is opened in one of its roles.
#[derive(Clone, Copy, Debug)]
pub enum Factory {
    /// As a serializer.
    Serializer(Open<dyn Serializer>),
    /// As an encryption.
    Encryption(Open<dyn Encryption>),
    /// As a key source.
    Key(Open<dyn Key>),
    /// As a storage.
    Storage(Open<dyn Storage>),
}

/// One backend in one role, as the registry knows it.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// Its name and what it is for.
    pub info: Info,
    /// What it can be told.
    pub options: &'static [OptionSpec],
    /// The crate it came from.
    pub package: &'static str,
    /// How it is opened.
    pub factory: Factory,
}

inventory::collect!(Registration);

macro_rules! open_as {
    ($backend:ident) => {
        |values, host| {
            let values = values.clone().complete($backend::Options::TABLE)?;
            Ok(Box::new($backend::open($backend::Options::read(&values)?, host)?))
        }
    };
}

macro_rules! registration {
    ($($(#[$doc:meta])* $name:ident: $role:ident;)*) => {$(
        $(#[$doc])*
        pub const fn $name<B: Backend + $role>(package: &'static str) -> Self {
            Self {
                info: B::INFO,
                options: B::Options::TABLE,
                package,
                factory: Factory::$role(open_as!(B)),
            }
        }
    )*};
}

impl Registration {
    registration! {
        /// Registers a serializer.
        serializer: Serializer;
        /// Registers an encryption.
        encryption: Encryption;
        /// Registers a key source.
        key: Key;
        /// Registers a storage.
        storage: Storage;
    }

    /// The role it plays.
    pub const fn role(&self) -> Role {
        match self.factory {
            Factory::Serializer(_) => Role::Serializer,
            Factory::Encryption(_) => Role::Encryption,
            Factory::Key(_) => Role::Key,
            Factory::Storage(_) => Role::Storage,
        }
    }
}

/// Every backend that can be opened.
///
/// Linked backends are found where each program anchors their crates
/// (`use backend_crate as _;`); a program builds its registry once.
#[derive(Debug)]
pub struct Registry(Vec<Registration>);

impl Registry {
    /// The backends linked into this program.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused) if two of them have one role and one name.
    pub fn linked() -> Result<Self> {
        Self::of(inventory::iter::<Registration>().copied())
    }

    /// These backends.
    ///
    /// # Errors
    /// [`Refused`](crate::ErrorKind::Refused) if two of them have one role and one name: which
    /// of them would seal somebody's passwords must never be a matter of luck.
    pub fn of(registrations: impl IntoIterator<Item = Registration>) -> Result<Self> {
        let mut all: Vec<_> = registrations.into_iter().collect();
        all.sort_unstable_by_key(|entry| (entry.role(), entry.info.name));
        for pair in all.windows(2) {
            if (pair[0].role(), pair[0].info.name) == (pair[1].role(), pair[1].info.name) {
                let (role, name) = (pair[0].role(), pair[0].info.name);
                let message = format!(
                    "{} and {} both bring a {role} called {name}",
                    pair[0].package, pair[1].package
                );
                return Err(Error::new(crate::ErrorKind::Refused, "registry").because(message));
            }
        }
        Ok(Self(all))
    }

    /// All backends, by role and name.
    pub fn iter(&self) -> impl Iterator<Item = &Registration> {
        self.0.iter()
    }

    /// The backend of this role and name.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), listing those there are.
    pub fn find(&self, role: Role, name: &str) -> Result<&Registration> {
        let mut of_role = self.0.iter().filter(|entry| entry.role() == role);
        of_role.clone().find(|entry| entry.info.name == name).ok_or_else(|| {
            let names: Vec<_> = of_role.by_ref().map(|entry| entry.info.name).collect();
            Error::invalid(
                "registry",
                format!("there is no {role} called `{}`", name.escape_debug()),
            )
            .hint(format!("There are: {}", names.join(", ")))
        })
    }

    /// Opens a serializer.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`].
    pub fn serializer(
        &self,
        name: &str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Serializer>> {
        match self.find(Role::Serializer, name)?.factory {
            Factory::Serializer(open) => open(values, host).map_err(|error| error.in_backend(name)),
            _ => unreachable!("found by role"),
        }
    }

    /// Opens an encryption.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`].
    pub fn encryption(
        &self,
        name: &str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Encryption>> {
        match self.find(Role::Encryption, name)?.factory {
            Factory::Encryption(open) => open(values, host).map_err(|error| error.in_backend(name)),
            _ => unreachable!("found by role"),
        }
    }

    /// Opens a key source.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`].
    pub fn key(&self, name: &str, values: &Values, host: &Arc<dyn Host>) -> Result<Box<dyn Key>> {
        match self.find(Role::Key, name)?.factory {
            Factory::Key(open) => open(values, host).map_err(|error| error.in_backend(name)),
            _ => unreachable!("found by role"),
        }
    }

    /// Opens a storage.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`].
    pub fn storage(
        &self,
        name: &str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Storage>> {
        match self.find(Role::Storage, name)?.factory {
            Factory::Storage(open) => open(values, host).map_err(|error| error.in_backend(name)),
            _ => unreachable!("found by role"),
        }
    }
}
