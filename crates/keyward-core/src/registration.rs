use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::{Encryption, Host, Key, OptionSpec, Options, Result, Serializer, Storage, Values};

/// Describes a backend: its name, its options and how it is opened.
///
/// A type implements this once, and also the traits of the roles it plays.
pub trait Backend: Sized + 'static {
    /// Its name and what it is for.
    const INFO: Info;
    /// Its options.
    type Options: Options;

    /// Opens it. It creates nothing and prompts for nothing before it is used.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if the options do not fit together.
    fn open(options: Self::Options, host: &Arc<dyn Host>) -> Result<Self>;
}

/// A backend's name and purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its name, spelled the same in configuration, on disk and in the registry.
    pub name: &'static str,
    /// What it is for, in one line.
    pub help: &'static str,
}

impl Info {
    /// Takes a name in lower-case ASCII, and one line of help.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help }
    }
}

/// What a backend does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Turns records into bytes.
    Serializer,
    /// Seals bytes into blobs.
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

    /// Returns the role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a backend is attached to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Door {
    /// Its crate is part of the program.
    Linked,
    /// It was loaded from a shared library.
    Loaded,
    /// It runs as a separate process.
    Run,
}

impl Door {
    /// The name as it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Loaded => "loaded",
            Self::Run => "run",
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The function that opens a backend in one role.
///
/// It lives as long as the program: that of a linked backend is part of it, and a shared library or
/// a child process is never released.
pub type Open<T> = &'static (dyn Fn(&Values, &Arc<dyn Host>) -> Result<Box<T>> + Send + Sync);

/// How a backend is opened in one of its roles.
#[derive(Clone, Copy)]
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

impl Factory {
    /// The role in which it opens a backend.
    pub const fn role(&self) -> Role {
        match self {
            Self::Serializer(_) => Role::Serializer,
            Self::Encryption(_) => Role::Encryption,
            Self::Key(_) => Role::Key,
            Self::Storage(_) => Role::Storage,
        }
    }
}

impl Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Factory").field(&self.role()).finish()
    }
}

/// One backend in one role, as the registry knows it.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// Its name and what it is for.
    pub info: Info,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// The crate it came from.
    pub package: &'static str,
    /// The version of that crate; empty if it is not known.
    pub version: &'static str,
    /// How it is attached to the program.
    pub door: Door,
    /// How it is opened.
    pub factory: Factory,
}

inventory::collect!(Registration);

macro_rules! open_as {
    ($backend:ident) => {
        &|values: &Values, host: &Arc<dyn Host>| {
            let values = values.clone().complete($backend::Options::TABLE)?;
            Ok(Box::new($backend::open($backend::Options::read(&values)?, host)?))
        }
    };
}

macro_rules! registration {
    ($($(#[$doc:meta])* $name:ident: $role:ident;)*) => {$(
        $(#[$doc])*
        pub const fn $name<B: Backend + $role>(
            package: &'static str,
            version: &'static str,
        ) -> Self {
            Self {
                info: B::INFO,
                options: B::Options::TABLE,
                package,
                version,
                door: Door::Linked,
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
        self.factory.role()
    }
}
