use std::fmt;
use std::sync::Arc;

use crate::{Error, Factory, Host, OptionSpec, Options, Result, Role, RoleTrait, Values};

/// Describes a backend: its name, its options and how it is opened.
///
/// A type implements this once, and also the trait of each of its roles.
pub trait Backend: Sized + 'static {
    /// Its name and what it is for.
    const INFO: Info;
    /// Its options.
    type Options: Options;
    /// The option that names its place, if it can keep a separate place for each user of a machine,
    /// which only that user can enter.
    ///
    /// The option is a path. The backend must also have the option `owner`, a number: the id of the
    /// user to whom everything there belongs, even if root makes it. System stores need such a
    /// storage and such a key source. A plugin cannot declare this.
    const PER_USER: Option<&'static str> = None;

    /// Opens it. It creates nothing, and requests only the secrets that it needs immediately.
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
    /// Of a checker, the names of the kinds of credentials that it can serve. If there are none, it is
    /// known only when it is opened.
    pub serves: &'static [&'static str],
}

impl Info {
    /// Takes a name in lower-case ASCII, and one line of help.
    pub const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, serves: &[] }
    }

    /// Returns the same for a checker that serves these kinds of credentials.
    #[must_use]
    pub const fn serving(self, kinds: &'static [&'static str]) -> Self {
        Self { serves: kinds, ..self }
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
pub enum Open<T: ?Sized> {
    /// That of a linked backend.
    Linked(fn(&Values, &Arc<dyn Host>) -> Result<Box<T>>),
    /// That of a backend of a plugin, which it keeps loaded or running.
    Plugin(Arc<OpenPlugin<T>>),
}

type OpenPlugin<T> = dyn Fn(&Values, &Arc<dyn Host>) -> Result<Box<T>> + Send + Sync;

impl<T: RoleTrait + ?Sized> Open<T> {
    /// Makes a factory of the function that opens a plugin's backend.
    pub fn plugin(
        open: impl Fn(&Values, &Arc<dyn Host>) -> Result<Box<T>> + Send + Sync + 'static,
    ) -> Factory {
        T::factory(Self::Plugin(Arc::new(open)))
    }
}

impl<T: ?Sized> Clone for Open<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Linked(open) => Self::Linked(*open),
            Self::Plugin(open) => Self::Plugin(Arc::clone(open)),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Open<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linked(_) => "Linked",
            Self::Plugin(_) => "Plugin",
        })
    }
}

/// Opens a linked backend: checks the values against its table and reads its options from them.
pub(crate) fn open_linked<B: Backend>(values: &Values, host: &Arc<dyn Host>) -> Result<B> {
    B::open(B::Options::read(values)?, host)
}

/// One backend in one role, as the registry knows it.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its name and what it is for.
    pub info: Info,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// The option that names a user's place; see [`Backend::PER_USER`].
    pub per_user: Option<&'static str>,
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

impl Registration {
    /// The role of the backend.
    pub const fn role(&self) -> Role {
        self.factory.role()
    }

    /// Checks the values against the backend's options, adds the defaults, and opens the backend, as
    /// in `registration.open::<dyn Storage>(&values, &host)`.
    ///
    /// # Errors
    /// As [`Values::complete`] and [`open_checked`](Self::open_checked).
    pub fn open<T: RoleTrait + ?Sized>(
        &self,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<T>> {
        let values = values.clone().complete(self.options);
        let values = values.map_err(|wrong| Error::from(wrong).in_backend(self.info.name))?;
        self.open_checked(&values, host)
    }

    /// Opens the backend with values that [`Values::complete`] returned for its options.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if it has another role; else those of
    /// [`Backend::open`]. Opening looks up no entry, so the error is never a miss.
    pub fn open_checked<T: RoleTrait + ?Sized>(
        &self,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<T>> {
        let opened = match T::opener(&self.factory) {
            Some(Open::Linked(open)) => open(values, host),
            Some(Open::Plugin(open)) => open(values, host),
            None => {
                let why = format!("the backend has the role {}, not {}", self.role(), T::ROLE);
                Err(Error::invalid("open", why))
            }
        };
        opened.map_err(|error| error.not_a_miss().in_backend(self.info.name))
    }
}
