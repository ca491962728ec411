//! The list of all roles, and what is made from it: [`Role`], [`Factory`], and the functions that
//! register a backend. The suites and the messages to child processes are made from it too.

use std::fmt::{self, Debug};

use crate::registration::{Open, open_linked};
use crate::{Backend, Door, Options, Registration};

/// Calls the macro `$each` with the list of all roles, in the order in which they are shown.
///
/// A row is the documentation of a role, its name in configuration, and its trait. To add a role,
/// add a row here, its trait to this crate, its suite to `keyward-testkit`, and its messages to
/// `keyward-loader`.
///
/// A match over all roles in another crate needs a last arm that cannot be reached, because
/// [`Role`] is not exhaustive.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_role {
    ($($each:ident)::+) => {
        $($each)::+! {
            /// Turns records into bytes.
            serializer: Serializer,
            /// Seals bytes into blobs.
            encryption: Encryption,
            /// Keeps secrets that stores need.
            key: Key,
            /// Keeps blobs.
            storage: Storage,
            /// Makes requests to servers authentic.
            authenticator: Authenticator,
            /// Recognizes the clients of a server.
            checker: Checker,
        }
    };
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident: $Role:ident,)+) => {
        /// What a backend does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Role {
            $($(#[$doc])* $Role,)+
        }

        impl Role {
            /// All roles, in the order in which they are shown.
            pub const ALL: [Self; [$(Self::$Role),+].len()] = [$(Self::$Role),+];

            /// The role's name in configuration.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Role => stringify!($name),)+
                }
            }
        }

        /// How a backend is opened in one of its roles.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum Factory {
            $(#[doc = concat!("In the role `", stringify!($name), "`.")] $Role(Open<dyn crate::$Role>),)+
        }

        impl Factory {
            /// The role in which it opens a backend.
            pub const fn role(&self) -> Role {
                match self {
                    $(Self::$Role(_) => Role::$Role,)+
                }
            }
        }

        $(
            impl RoleTrait for dyn crate::$Role {
                const ROLE: Role = Role::$Role;

                fn factory(open: Open<Self>) -> Factory {
                    Factory::$Role(open)
                }

                fn opener(factory: &Factory) -> Option<&Open<Self>> {
                    #[allow(clippy::allow_attributes, unreachable_patterns)]
                    match factory {
                        Factory::$Role(open) => Some(open),
                        _ => None,
                    }
                }
            }
        )+

        impl Registration {
            $(
                #[doc = concat!("Registers a linked backend in the role `", stringify!($name), "`.")]
                pub const fn $name<B: Backend + crate::$Role>(
                    package: &'static str,
                    version: &'static str,
                ) -> Self {
                    Self {
                        info: B::INFO,
                        options: B::Options::TABLE,
                        per_user: B::PER_USER,
                        package,
                        version,
                        door: Door::Linked,
                        factory: Factory::$Role(Open::Linked(|values, host| {
                            Ok(Box::new(open_linked::<B>(values, host)?))
                        })),
                    }
                }
            )+
        }
    };
}

for_each_role!(roles);

/// The trait of a role, as in `registry.open::<dyn Storage>(…)`.
pub trait RoleTrait: Debug + Send + Sync + 'static {
    /// The role.
    const ROLE: Role;

    /// Returns the factory that opens a backend with this function.
    fn factory(open: Open<Self>) -> Factory;

    /// Returns the function that opens a backend in this role, if the factory is of this role.
    fn opener(factory: &Factory) -> Option<&Open<Self>>;
}

impl Role {
    /// The roles of the backends that make up a store.
    pub const OF_STORES: [Self; 4] = [Self::Serializer, Self::Encryption, Self::Key, Self::Storage];

    /// Whether a backend of a plugin may have this name.
    ///
    /// The name of an authenticator or a checker contains a dot, as in `example.token`. A later
    /// version of Keyward may add some without one, and no plugin is in their way.
    pub fn allows_plugin(self, name: &str) -> bool {
        !matches!(self, Self::Authenticator | Self::Checker) || name.contains('.')
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
